package views

// Replays lists jobs and starts replays.
type Replays struct {
	Frame
	Self    string // the page's own address, to ask again
	Live    bool   // something runs
	Rows    []ReplayRow
	CanEdit bool
	Warning string

	Action   string
	Problems []Problem
	Kinds    []Option
	// Destinations are where packets can be sent; empty when there is none.
	Destinations []Option
	Device       Field
	Site         Field
	Label        Field
	From, To     Field
	SentFrom     Field
	SentTo       Field
	Rate         Field
}

// ReplayRow is one job in the list.
type ReplayRow struct {
	Href, What, Of, By string
	State              State
	Began              Time
	Progress           string // "412 of 1,204, about 20 s left"
	Share              string // of a hundred
	Cancel             string // where to post; empty when it cannot be cancelled
}

// Replay is the page of one job.
type Replay struct {
	Frame
	Self, Back string
	Heading    string
	Live       bool
	State      State
	Problem    string
	Progress   string
	Share      string
	Facts      []Fact
	Numbers    []Fact
	Samples    []WorkSample
	Cancel     string
	Note       string // what is true now that it has ended
	Next       []ReplayNext
	ElseHref   string // the form with the same selection; may be empty
}

// ReplayNext is what may be done with what a preview found.
type ReplayNext struct {
	Action, Submit, Note string
	Hidden               []Hidden
}
