package views

// Device is the page of one device. Exactly one of the four tabs is set.
type Device struct {
	Frame
	ID, Name      string
	Interval      string // seconds, "0" unknown
	Now           string // the server's clock in milliseconds
	State         State
	Seen          Time
	Labels        []Label
	Disabled      bool
	CanEdit       bool
	CanDelete     bool
	ListHref      string
	Tabs          []Link
	DashboardHref string // where a dashboard is made from this device
	ConnectHref   string
	RotateHref    string
	DeleteHref    string
	ToggleHref    string // disables or enables
	RenameHref    string
	Self          string // without a tab
	Alerts        []AlertRow
	AlertsHref    string
	Marks         string   // when alerts of it fired, for the script
	AlertHref     string   // where a rule about this device is written; empty for who may not
	Met           []MetRow // limits that it has met
	MetSince      string
	Warning       string

	Overview *Overview
	Packets  *Packets
	Rejected *Rejected
	Settings *Settings
}

// Overview shows the latest values and a chart per metric.
type Overview struct {
	Ranges   []Link
	Range    string
	Metrics  []Metric
	UnitHref string
	// ExportHref is where its readings are taken away.
	ExportHref string
	// PinHref is what the name of a metric is put behind to pin its chart; empty for who may not.
	PinHref string
	// Zone shows times by the clock of the device's site, or again by that of whoever looks; empty when both are one.
	Zone   Link
	Unread bool // the storage does not answer: what is missing here may exist
}

// Metric is the newest known value of one series.
type Metric struct {
	Name, Value, Unit string
	Age               Time
	State             State
	Spark             string // points of a line in a box of 120 by 32; empty when there are too few
	Chart             bool
	Bool              bool // true or false, never a number
}

// Packets shows packets as they arrive.
type Packets struct {
	Events     []EventRow
	ReplayHref string // where the packets that the lanes keep are replayed
}

// EventRow is a stored event.
type EventRow struct {
	Age              Time
	Kind, Name, Text string
}

// Rejected shows what was refused after its credentials were accepted, the newest cause first.
type Rejected struct {
	Causes  []RejectedCause
	Total   string
	Newest  string // arrival of the newest in microseconds, "0" for none
	Warning string
	// WorkHref is where something can be done about them.
	WorkHref string
}

// RejectedCause is the packets that were refused for the same reason.
type RejectedCause struct {
	Key, Count            string
	Code, Detail, Pointer string
	First, Last           Time
	Samples               []string
}

// Settings holds what an editor may change.
type Settings struct {
	Action   string
	Problems []Problem
	Name     Field
	Interval Field
	Site     Field
	Profile  Field
	Labels   Field
	Facts    []Fact

	UnitAction string
	Units      []UnitRow
	Tokens     []TokenRow

	CertificateAction string
	Certificate       Field
	Certificates      []CertificateRow
	// Wrong is what is wrong with the form of certificates; the other forms have problems of their own.
	Wrong []Problem
}

// UnitRow is the unit of one metric.
type UnitRow struct{ ID, Metric, Unit string }

// TokenRow is one token of the device, without its secret.
type TokenRow struct{ ID, Created, Expires string }

// Connect is the page that shows a device's token once and the server's verdict on every attempt.
type Connect struct {
	Frame
	ID, Name   string
	Interval   string
	Now        string
	State      State
	Seen       Time
	ListHref   string
	DeviceHref string
	RotateHref string
	Token      string // empty when it was shown before
	Snippets   []Snippet
	CanEdit    bool
}

// Snippet is one way to send, ready to paste.
type Snippet struct {
	ID, Label, Note string
	Blocks          []Block
	Selected        bool
}

// Block is a piece of code with a copy button.
type Block struct{ ID, Label, Code string }

// Rotate is the form for a new token.
type Rotate struct {
	Frame
	Name, Action, Cancel string
	Overlap              []Option
}
