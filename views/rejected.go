package views

// WorkList is the page of a tenant's rejected packets.
type WorkList struct {
	Frame
	Action  string // of the filter
	Summary string // "412 packets with 3 causes"
	Codes   []Option
	Ranges  []Option
	Bys     []Option
	Hidden  []Hidden // of the filter: what its fields do not show
	Chips   []Chip
	Groups  []WorkGroup
	Bounds  string // what is kept
	More    bool
	Empty   bool // nothing is kept at all
	Warning string
	CanEdit bool

	RedriveHref string // of everything that is listed
	DismissHref string
}

// Hidden is a field that is not shown.
type Hidden struct{ Name, Value string }

// Chip is one part of a filter that can be taken away.
type Chip struct{ Text, RemoveHref string }

// WorkGroup is rejected packets with one cause.
type WorkGroup struct {
	Count                 string
	Code, Detail, Pointer string
	Of, OfHref            string // the device or label that they are of; may be empty
	Devices               string // "3 devices"
	Cut                   string // how many were not kept whole; empty when all were
	First, Last           Time
	Samples               []WorkSample
	RedriveHref           string
	DismissHref           string
}

// WorkSample is one rejected packet.
type WorkSample struct {
	Device, Href string // Href is empty for a device that does not exist any more
	At           Time
	Raw          string
}

// Redrive says what a re-drive would come to.
type Redrive struct {
	Frame
	Heading, Action, Cancel, Submit string
	Of                              []Fact
	Accepted, Refused               string
	Reasons                         []RedriveReason
	Hidden                          []Hidden
	Can                             bool // something would be accepted
	Rate                            Field
	Problems                        []Problem
}

// RedriveReason is why packets would still be refused.
type RedriveReason struct {
	Count, Code, Detail string
	Sample              WorkSample
}

// Dismiss says what will be gone.
type Dismiss struct {
	Frame
	Heading, Action, Cancel, Submit string
	Lines                           []string
	Of                              []Fact
	Hidden                          []Hidden
	Confirm                         string // what must be typed; empty when nothing must
	ConfirmAs                       Field
	Problems                        []Problem
}
