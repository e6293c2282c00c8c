package views

// AlertTrial is where a rule is tried on the past, and what came of it.
type AlertTrial struct {
	Action  string // where the rule is posted to; empty for those who may not
	Periods []Option
	Result  *AlertTrialResult // nil before it was tried
}

// AlertTrialResult is what a rule would have found.
type AlertTrialResult struct {
	Problem  string
	Summary  string
	Notes    []string
	Rows     []AlertTrialRow
	More     string // devices that are not listed
	Metric   Metric // of the device that is drawn; without a name nothing is
	Device   string
	DeviceID string
	Base     string // the address of its series
	Interval string
	From, To string
	Marks    string
	Usual    bool // the chart has a band of what is usual
}

// AlertTrialRow is what it would have found on one device.
type AlertTrialRow struct {
	Device, Href string
	Fired        string
	Lasted       string
	Worst        Severity
	Open         bool // at the end of the period
}
