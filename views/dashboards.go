package views

// Dashboards lists the dashboards of a tenant.
type Dashboards struct {
	Frame
	Tabs                 []Link
	Action, ImportAction string
	DevicesHref          string
	Count                string
	CanEdit              bool
	HasDevices           bool
	Problems             []Problem
	Pin                  *Pin     // the chart of a device that is to be put on one; nil for none
	From                 []Option // what a new one can be made from
	Rows                 []DashboardRow
}

// Pin is the chart of a device and the dashboards that it can be put on.
type Pin struct {
	Action, Device, Metric, Name, Back string
	Dashboards                         []Option
}

// DashboardRow is one dashboard of the list.
type DashboardRow struct {
	Name, Href, Widgets, Version, By string
	Changed                          Time
	RenameAction, DeleteAction       string
}

// Dashboard is one dashboard. Everything on its grid is drawn by the scripts from Document, which is JSON.
type Dashboard struct {
	Frame
	ID, Name, Base                                                                      string
	ListHref, ExportHref, ReadingsHref, VersionsHref, NamesHref, DraftHref, DevicesHref string
	Document, Version                                                                   string
	CanEdit, Compare                                                                    bool
	Saved                                                                               Time
	SavedBy                                                                             string
	Now                                                                                 string // the server's clock in ms since 1970
	Range                                                                               string
	Ranges                                                                              []Link
	Variables                                                                           []Variable
	PicturesHref                                                                        string
	Zones                                                                               []Option // for the times; none when there is no choice
}

// Variable is a choice above a dashboard.
type Variable struct {
	ID, Name, Label string
	Options         []Option
}

// DashboardVersions lists what a dashboard was saved as.
type DashboardVersions struct {
	Frame
	Name, Href, ListHref string
	RestoreAction        string
	CanEdit              bool
	Rows                 []DashboardVersion
}

// DashboardVersion is one of them.
type DashboardVersion struct {
	Number, By, Widgets string
	Current             bool
	At                  Time
}
