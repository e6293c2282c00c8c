package views

// Wall is what stands open on an unattended screen.
type Wall struct {
	Frame
	Live      string // address of its socket
	Host      string // where somebody signed in finds this server
	Suspended string // why a paired screen shows nothing; empty for one that is to be paired
}

// Walls lists the unattended screens of a tenant and pairs new ones.
type Walls struct {
	Frame
	Tabs           []Link
	Self           string
	Address        string // what is opened on a screen
	DashboardsHref string
	Count, Warning string
	Now            string // when the page was made, in ms
	CanEdit        bool
	Rows           []WallRow
	Form           WallForm
}

// WallRow is one screen of the list.
type WallRow struct {
	ID, Name, Shows, Page, Size, Version, Paired string
	State                                        State
	Seen                                         Time
	Href, Ask, Revoke                            string
}

// WallForm is what is chosen about a screen. Code is nil for one that is paired already.
type WallForm struct {
	Action, Submit            string
	Problems                  []Problem
	Code                      *Field
	Name, Seconds, Zoom, Zone Field
	Dashboards                []Option
	Pause, Light              bool
}

// WallEdit changes one screen.
type WallEdit struct {
	Frame
	Name, Back, Revoke string
	Form               WallForm
}
