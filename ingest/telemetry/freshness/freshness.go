package freshness

import (
	"encoding/json"
	"time"
)

// How many expected intervals may pass before a series counts as late and as silent, and what is expected of one of which
// nothing is known. Three, because one packet may be lost and the next one a little behind; ten, because by then it is no
// hiccup any more.
const (
	LateAfter       = 3
	SilentAfter     = 10
	AssumedInterval = time.Minute
)

// State is how a series or a device is, as it stands in addresses and style sheets.
type State string

// The states. Disabled is one of devices only; Unknown is what a page claims that cannot know.
const (
	Live     State = "live"
	Late     State = "late"
	Silent   State = "silent"
	Never    State = "never"
	Disabled State = "disabled"
	Unknown  State = "unknown"
)

// Of decides; the zero time means never, an interval of 0 that it is not known.
func Of(at time.Time, interval time.Duration, now time.Time) State {
	if at.IsZero() {
		return Never
	}
	if interval <= 0 {
		interval = AssumedInterval
	}
	switch silence := now.Sub(at); {
	case silence > SilentAfter*interval:
		return Silent
	case silence > LateAfter*interval:
		return Late
	}
	return Live
}

// Expected is the interval that counts: what somebody said of the device, else what was learned in seconds from what it
// sent; 0 when neither is known.
func Expected(said time.Duration, learned float64) time.Duration {
	if said > 0 {
		return said
	}
	return time.Duration(learned * float64(time.Second))
}

// Word is how people call a state.
func (s State) Word() string {
	switch s {
	case Live:
		return "Live"
	case Late:
		return "Late"
	case Silent:
		return "Silent"
	case Never:
		return "Never seen"
	case Disabled:
		return "Disabled"
	}
	return "Unknown"
}

// Definition is all of this as JSON for the scripts of a page: {"late":3,"silent":10,"assumed":60,"words":{"live":"Live",…}}.
func Definition() string {
	words := map[State]string{}
	for _, s := range []State{Live, Late, Silent, Never, Disabled, Unknown} {
		words[s] = s.Word()
	}
	text, err := json.Marshal(map[string]any{"late": LateAfter, "silent": SilentAfter, "assumed": AssumedInterval.Seconds(), "words": words})
	if err != nil { // numbers and strings
		return "{}"
	}
	return string(text)
}
