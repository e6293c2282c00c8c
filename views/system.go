package views

// Keys lists the API keys of a tenant.
type Keys struct {
	Frame
	Action   string
	Secret   string // of the key just made; shown once
	Example  string
	Problems []Problem
	Name     Field
	Roles    []Option
	Rows     []KeyRow
	CanEdit  bool
}

// KeyRow is one API key, without its secret.
type KeyRow struct{ ID, Name, Role, Created, Revoke string }

// System says how the installation is.
type System struct {
	Frame
	Checks []Check
	Facts  []Group
	Lanes  []LaneRow
}

// Check is the health of one part.
type Check struct {
	Name   string
	State  State
	Detail string
}

// Group is a heading with facts below it.
type Group struct {
	ID, Heading string
	Facts       []Fact
}

// Fact is a name with its value.
type Fact struct {
	Name, Value string
	Code        bool
}

// LaneRow is how far a consumer of a lane is behind.
type LaneRow struct{ Lane, Consumer, Pending, Behind string }
