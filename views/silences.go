package views

// Silences lists the times during which nobody is notified.
type Silences struct {
	Frame
	Tabs    []Link
	NewHref string
	CanEdit bool
	Rows    []SilenceRow
}

// SilenceRow is one silence of the list.
type SilenceRow struct {
	About, Reason, By string
	State             State
	From, Until       Time
	End               string // what is posted to in order to end it; empty when it is over
	EndWord           string
}

// SilenceForm makes a silence.
type SilenceForm struct {
	Frame
	Tabs       []Link
	ListHref   string
	Action     string
	Problems   []Problem
	About      []Field
	Devices    []Tick
	Rules      []Tick
	Everything Tick
	From, Long Field
	Reason     Field
	Lists      []Suggestions
}
