package views

// Alerts lists the alerts of a tenant.
type Alerts struct {
	Frame
	Tabs      []Link
	Self      string // the address with its filters, for what is asked again
	Action    string
	BulkHref  string
	RulesHref string // where rules are written; the list is empty and there is none
	CanHandle bool
	Count     string
	States    []Option
	Severity  []Option
	Query     string
	Chips     []Chip
	Hidden    []Hidden
	Rows      []AlertRow
	Next      string
	Nothing   string // why the list is empty
}

// AlertRow is one alert in a list.
type AlertRow struct {
	ID, Rule, Href     string
	Severity           Severity
	Message            string
	Device, DeviceHref string
	Site               string
	Since              Time
	Value              string // against what it is held
	State              string // in words: who takes care, or when it ended
	Over               bool
	Silence            string // why nobody is notified; empty when people are
	Shadow             bool
}

// Alert is one alert.
type Alert struct {
	AlertRow
	Frame
	ListHref   string
	Self       string
	Act        string // what is done is posted here
	CanHandle  bool
	Firing     bool
	Facts      []AlertFact
	Note       string
	Metric     Metric
	Range      string // the key of a range that ends now; empty for From and To
	From, To   string // milliseconds
	Marks      string // thresholds and the time that it fired, for the script
	Usual      bool   // the chart has a band of what is usual
	DeviceID   string
	Interval   string
	Members    []Option
	SilenceURL string
	Timeline   []AlertEntry
	Notices    []AlertEntry
}

// AlertFact is a word and what it is; Href may be empty.
type AlertFact struct {
	Name, Text, Href string
	At               Time
}

// AlertEntry is one thing that happened to an alert.
type AlertEntry struct {
	At       Time
	Severity Severity // with an empty key for what is none
	Text     string
	Detail   string
}
