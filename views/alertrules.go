package views

// AlertRules lists the alert rules of a tenant.
type AlertRules struct {
	Frame
	Tabs    []Link
	NewHref string
	CanEdit bool
	Count   string
	Rows    []AlertRuleRow

	Warning     string // that something is left out, or cannot be shown
	EvaluatedBy string
}

// AlertRuleRow is one alert rule of the list.
type AlertRuleRow struct {
	Name, Href   string
	When, About  string // in words
	Runs         string // on how many devices
	Late         string // how many packets did not count; empty for none
	Failure      string // why it is not evaluated; empty when it is
	State        State
	Draft        bool // there is a draft that does not run
	Open         string
	OpenHref     string // the open alerts; empty when there are none
	Worst        Severity
	Last         Time   // when it fired last, as far as that is at hand
	Notification string // whom it notifies, in words
}

// Severity is how bad something is: a key for its shape and colour, and the word.
type Severity struct{ Key, Word string }

// AlertRuleEditor is one alert rule as it is written, beside what it says about the last real values.
type AlertRuleEditor struct {
	Frame
	Tabs                  []Link
	Heading               string
	State                 State
	Action, TryAction     string // the form is posted here
	ListHref, HistoryHref string // HistoryHref is empty for a new rule
	Pause, Delete         string // what is posted to; empty when there is nothing to pause, or to delete
	CanEdit               bool
	Problems              []Problem
	View                  string // "sentence" or "yaml"
	Name, Note            Field
	Kinds                 []Option
	NoData                bool
	Metric, After         Field // of rules about missing data
	About                 []Field
	Devices               []Tick // single devices that it names
	Levels                []AlertLevel
	MoreLevels            bool
	Message               Field
	Steps                 []AlertStep
	MoreSteps             bool
	NoDestinations        string // where one is made, when there is none
	Repeat                Field
	Groupings             []Option
	YAML                  Field
	Reason                Field
	EnableWord            string
	Lists                 []Suggestions
	Verdict               AlertVerdict
	Trial                 AlertTrial
	Fare                  []Fact // how it fares; none when it does not run
	Warning               string
}

// AlertLevel is one severity of a rule in menus.
type AlertLevel struct {
	Number      string // from 0, as fields are called
	Severities  []Option
	Joins       []Option // all or any of the tests
	When, Clear []AlertTest
	For         Field
	Error       string
}

// AlertTest is one test of a level. ID is what its fields begin with.
type AlertTest struct {
	ID, Name string
	Remove   string // the value of the button that removes it
	Metric   string
	Ops      []Option
	Text     string
	Error    string
}

// AlertStep is one step of an escalation.
type AlertStep struct {
	Number       string
	After        Field
	Destinations []Tick
	Error        string
}

// Suggestions are what an input offers while one types.
type Suggestions struct {
	ID     string
	Values []string
}

// AlertVerdict is what a rule says about the last real values.
type AlertVerdict struct {
	Summary string
	Problem string
	Rows    []AlertVerdictRow
}

// AlertVerdictRow is what it says about one device.
type AlertVerdictRow struct {
	Device, Href string
	Severity     Severity
	Reason       string
	Values       []AlertValue
}

// AlertValue is the last value of one metric.
type AlertValue struct {
	Metric, Value, Unit string
	At                  Time
}
