package views

// Home is the first page of a tenant.
type Home struct {
	Frame
	Heading, Self string
	RegisterHref  string
	CanEdit       bool
	Empty         bool // there is no device at all; then only Steps are shown
	Steps         []Step
	Warning       string
	Alerts        []AlertRow
	AlertsHref    string
	Asked         Time // when the counts were made
	States        []StateCount
	Silent        []HomeDevice
	Recent        []HomeDevice
	SilentHref    string
	RecentHref    string
	Arrivals      *Arrivals // nil when it is not known
	Usage         []Usage
	UsageHref     string
	Rejected      NewsList // by cause, of the last day
	Rare          NewsList // metrics that few devices of their profile send
}

// NewsList is a short list of what is new, and the list behind it. What is not known is not nothing.
type NewsList struct {
	Href  string // empty when every line has a list of its own
	Known bool
	Rows  []NewsRow
}

// NewsRow is one line of it.
type NewsRow struct {
	Text, Href, Count string
	At                Time // may be empty
}

// Step is one of the things to begin with.
type Step struct {
	Title, Text, Href, Action string
	Post, Primary             bool
}

// StateCount is how many devices are in a state, and the list of them.
type StateCount struct {
	State       State
	Count, Href string
	None        bool
}

// HomeDevice is a device in a short list.
type HomeDevice struct {
	Name, Href string
	State      State
	At         Time
}

// Arrivals is how many readings came by hour.
type Arrivals struct {
	Total, Most string
	Bars        []Bar
}

// Bar is one hour; the numbers are in units of the drawing.
type Bar struct{ X, Y, Width, Height, Hour, Count string }

// Usage is one thing of which a tenant has so much and may have so much.
type Usage struct {
	Name, Value, Of, Href string
	Full                  bool // nothing more fits
}
