package views

// Destinations lists the destinations of a tenant.
type Destinations struct {
	Frame
	NewHref string
	Rows    []DestinationRow
	Warning string // how they are doing is not known, say
	CanEdit bool
}

// DestinationRow is one destination of the list.
type DestinationRow struct {
	Name, Href, Kind    string
	Where               string // address, recipients or subject
	State               State
	Detail              string // the cause of the last failure; empty when all is well
	Queued, Undelivered string
	Oldest, Success     Time
}

// DestinationForm makes or changes a destination.
type DestinationForm struct {
	Frame
	Heading, Submit          string
	Action, Cancel, ListHref string
	Problems                 []Problem
	Kinds                    []Link // empty when the kind is given
	Kind                     string
	Lead                     string // what the kind is
	Name                     Field
	Reach                    []Field // how it is reached
}

// Destination is one destination: how it is doing, what was tried, and what could not be delivered.
type Destination struct {
	Frame
	Name, Kind, ListHref string
	State                State
	Story                string // the state in a sentence
	Facts                []Fact
	Secret               string // a signing secret, shown once
	Answer               *TestAnswer
	Warning              string
	CanEdit, Signs       bool
	TestAction, EditHref string
	SwitchAction         string
	SwitchLabel          string
	SecretAction         string
	DeleteHref           string
	Undelivered          []UndeliveredGroup
	RedriveAction        string
	Attempts             []AttemptRow
	Disabled             bool
}

// TestAnswer is everything that came back from a test.
type TestAnswer struct {
	Good    bool
	Summary string
	Hint    string // what to do; may be empty
	Facts   []Fact
	Header  string
	Body    string
}

// UndeliveredGroup is what could not be delivered for one cause.
type UndeliveredGroup struct {
	Cause, Words, Detail string
	Count, Redrive       string
	First, Last          Time
	Samples              []string
}

// AttemptRow is one attempt of the delivery log.
type AttemptRow struct {
	At           Time
	State        State
	Status       string
	Summary      string
	Message      string
	Sent, Answer string // empty when nothing is kept of it
	ResendAction string // empty when it cannot be sent again
}
