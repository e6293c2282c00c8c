package views

// Operate lists the tenants of the installation for those who operate them.
type Operate struct {
	Frame
	Tabs     []Link
	Self     string
	Summary  string
	Query    string
	Sort     string
	Columns  []Column
	Only     []Option // states
	Rows     []OperateRow
	Endings  []EndingRow
	Shown    string
	Next     string
	First    string
	Warning  string
	New      *NewTenant // nil for who may make none
	Filtered bool
}

// OperateRow is one tenant.
type OperateRow struct {
	Name, Href, ID                                                  string
	State                                                           State
	Devices, Rate, Stored, Waiting, Alerts, Limited, Owned, Created string
	LimitedAt                                                       Time // zero when no limit was met
}

// EndingRow is a tenant that is being deleted.
type EndingRow struct{ Name, Href, Since, Left string }

// NewTenant is the form that makes a tenant.
type NewTenant struct {
	Action   string
	Problems []Problem
	Name     Field
	For      Field
}

// OperateTenant is one tenant as those who operate it see it: never what is in it.
type OperateTenant struct {
	Frame
	Tabs     []Link
	Back     string
	Heading  string
	State    State
	Note     string // why nobody gets in; empty when everybody does
	Enter    string // empty when the operator may not look at its data
	Facts    []Fact
	Usage    []LimitRow
	Problems []Problem
	Rename   NamedForm
	Suspend  NamedForm // to resume when Resume is set
	Resume   string
	Limits   []Field
	LimitsAt string
	Support  *SupportForm
	Delete   string // empty for who may not
	Secret   string // link for an owner, shown once
	Invite   *NamedForm
	// Passwords allows signing in with a password again; empty when it is allowed.
	Passwords string
}

// NamedForm is a form of one text.
type NamedForm struct {
	Action string
	Field  Field
}

// SupportForm asks for access to a tenant's data, or ends it.
type SupportForm struct {
	Action, End string
	Until       string // of the access that is open; empty when there is none
	Consent     bool
	Reason      Field
	Hours       []Option
}

// LimitRow is a limit with what is used of it.
type LimitRow struct {
	Name, Limit, Used, Whose string
	Share                    string // of a hundred; empty when there is no limit or the usage is not known
	Full                     bool
}

// MetRow is a limit that was met: how often, by whom, and when last.
type MetRow struct {
	Name, Whose, Count, Max, Found string
	Last                           Time
	Device, Href                   string // that met it last; empty where it is the device's own page
}

// DeleteTenant says what will be gone with a tenant, or how far that is.
type DeleteTenant struct {
	Frame
	Tabs      []Link
	Back      string
	Heading   string
	Lines     []string
	Items     []Fact
	Problems  []Problem
	Action    string // empty while it is being deleted
	Confirm   string
	ConfirmAs Field
	Live      string // the page's own address, while it is being deleted
	Progress  string
	Share     string
}

// Operators lists who operates the installation.
type Operators struct {
	Frame
	Tabs     []Link
	Action   string
	Problems []Problem
	Rows     []OperatorRow
	Email    Field
	Tenants  Field

	Recover         Field  // whose new password a link is made for
	Recovery        string // the link just made; shown once
	RecoverProblems []Problem
}

// OperatorRow is one operator.
type OperatorRow struct {
	Name, Email, Oversees, Revoke string
	You                           bool
}

// TenantUsage is what a tenant uses, and which operators may look at its data.
type TenantUsage struct {
	Frame
	Tabs     []Link
	Rows     []LimitRow
	Met      []MetRow
	Since    string // when counting began
	Supports []SupportRow
	Consent  bool
	CanEdit  bool
	Action   string // of the consent
}

// SupportRow is the visit of one operator.
type SupportRow struct{ Who, Reason, Until, End string }

// OperatorKeys lists the keys of operators.
type OperatorKeys struct {
	Frame
	Tabs     []Link
	Action   string
	Secret   string // of the key just made; shown once
	Example  string
	Problems []Problem
	Name     Field
	Reaches  []Option
	Expires  []Option
	Rows     []OperatorKeyRow
	Warning  string
}

// OperatorKeyRow is one key of an operator, without its secret.
type OperatorKeyRow struct {
	Name, Prefix, Owner, Reach, Expires, Revoke string
	Over                                        bool // its time is over
	Used                                        Time
}
