package views

// Keys lists the API keys of a tenant.
type Keys struct {
	Frame
	Tabs     []Link
	Action   string
	Secret   string // of the key just made; shown once
	Example  string
	Problems []Problem
	Name     Field
	Sites    Field
	Profiles Field
	Labels   Field
	Roles    []Option
	Expires  []Option
	Rows     []KeyRow
	Warning  string
}

// KeyRow is one API key, without its secret.
type KeyRow struct {
	Name, Role, Prefix, Created, Revoke string
	Scope, Expires                      string
	Over                                bool // its time is over
	Used                                Time
}

// Confirm is a page that says what a step does before it is taken.
type Confirm struct {
	Frame
	Heading, Action, Submit string
	Cancel, Back            string // where to go instead, and what that is called
	Lines                   []string
}

// System says how the installation is.
type System struct {
	Frame
	Tabs       []Link
	Whole      State
	Summary    string
	Conditions []Condition
	Checks     []Check
	Lanes      []LaneRow
	Durability string // what a 200 promises
	DataDir    string
	DiskText   string // empty when the disk is not known
	DiskShare  string // of a hundred
	Facts      []Group
}

// Condition is something that an operator must see.
type Condition struct {
	State                 State
	Title, Detail, Action string
	Since, Exact, ISO     string // since when: in words, in full, and for programs
}

// Check is the health of one part.
type Check struct {
	Name   string
	State  State
	Detail string
	Cause  string // for the operator; may be empty
}

// Group is a heading with facts below it.
type Group struct {
	ID, Heading string
	Facts       []Fact
}

// Fact is a name with its value.
type Fact struct{ Name, Value string }

// LaneRow is how far a consumer of a lane is behind.
type LaneRow struct {
	Lane, Purpose, Pending, Behind string
	State                          State
}
