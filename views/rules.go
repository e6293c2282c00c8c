package views

// Rules lists the routing rules of a tenant in their order.
type Rules struct {
	Frame
	NewHref string
	CanEdit bool
	Count   string
	Rows    []RuleRow
}

// RuleRow is one rule of the list.
type RuleRow struct {
	Position, Name, Href                string
	When, Then                          string // in words
	State                               State
	Draft                               bool // there is a draft that is not enabled
	Matched, Dropped, Forwarded, Errors string
	Failure                             string // the latest, in words; empty when there was none
	Last                                Time
	UpAction, DownAction                string // what is posted to in order to move it; empty at the ends
}

// RuleEditor is one rule as it is written, in one of its three views, beside what it would do.
type RuleEditor struct {
	Frame
	Heading     string
	State       State
	Action      string // the form is posted here
	TryAction   string
	ListHref    string
	HistoryHref string // empty for a new rule
	Disable     string // what is posted to; empty when it is not enabled
	Delete      string // where that is asked; empty for a new rule
	CanEdit     bool
	Problems    []Problem
	Name        Field
	View        string // "sentence", "expression" or "yaml"
	Clauses     []ClauseRow
	Rest        Field // what menus cannot say
	When        Field
	YAML        Field
	Names       []string // what may be completed in an expression
	Lanes       []Option
	Keeps       []Option
	OneIn       Field
	Labels      Field
	Forward     []Tick
	Reason      Field
	EnableWord  string // on the button that enables
	Trial       RuleTrial
}

// ClauseRow is one condition of a sentence.
type ClauseRow struct {
	Number string
	Of, Is []Option
	Text   string
}

// Tick is one of several choices that may all be made.
type Tick struct {
	ID, Value, Label string
	Checked          bool
}

// RuleTrial is what a rule would have done with the packets that came last.
type RuleTrial struct {
	Summary string
	Problem string // why nothing could be tried
	Rows    []TrialRow
}

// TrialRow is the verdict on one packet.
type TrialRow struct {
	Device, Href string
	Time         Time
	Kind         string
	Values       string
	Verdict      string // "match", "none" or "failed"
	Word         string
	Reason       string
	Outcome      string // what all rules together do with it
}

// RuleHistory is who changed a rule, when and why.
type RuleHistory struct {
	Frame
	Name, RuleHref, ListHref string
	ListName                 string // what the list of such rules is called
	RestoreAction            string // what is posted to in order to restore; empty for who may not
	Rows                     []PastRow
	Next                     string
}

// PastRow is one change that was made.
type PastRow struct {
	Time    Time
	By, Did string
	Changes []Change
	Restore string // what names its text; empty when it wrote none, or the newest
}

// Change is one thing that was made different.
type Change struct{ What, Before, After string }

// trialState is the shape and colour of a verdict: those of states, which differ without colour.
func trialState(verdict string) string {
	switch verdict {
	case "match":
		return "live"
	case "failed":
		return "silent"
	}
	return "never"
}
