package web

import (
	"strconv"
	"time"

	"longwave/ingest/telemetry/freshness"
	"longwave/views"
)

// The keys of the states of a device, as they stand in addresses and style sheets. What they mean is decided by package
// freshness; the scripts of a page are given its definition with the page.
const (
	stateLive     = string(freshness.Live)
	stateLate     = string(freshness.Late)
	stateSilent   = string(freshness.Silent)
	stateNever    = string(freshness.Never)
	stateDisabled = string(freshness.Disabled)
	stateUnknown  = string(freshness.Unknown)
)

func stateWord(key string) string { return freshness.State(key).Word() }

// viewState shows a state that follows the time element with the given id, when it has one and is not switched off.
func viewState(key, of string) views.State {
	if key == stateDisabled {
		of = ""
	}
	return views.State{Key: key, Word: stateWord(key), Of: of}
}

// viewTime shows an instant as its age; the zero time is "never".
func viewTime(at, now time.Time) views.Time {
	if at.IsZero() {
		return views.Time{Millis: "0", Text: "never"}
	}
	return views.Time{
		Millis: strconv.FormatInt(at.UnixMilli(), 10),
		ISO:    at.UTC().Format(time.RFC3339Nano),
		Exact:  at.UTC().Format("2006-01-02 15:04:05.000 MST"),
		Text:   age(at, now),
	}
}

// age is "12 s ago" up to a day, then the date. A device whose clock runs ahead has no age that is true.
func age(at, now time.Time) string {
	switch since := now.Sub(at).Round(time.Second); {
	case since <= -5*time.Second:
		return length(-since) + " ahead"
	case since >= 24*time.Hour:
		return at.UTC().Format("2006-01-02 15:04")
	case since < time.Second:
		return "now"
	default:
		return length(since) + " ago"
	}
}

// length writes a time below its full unit: 59 s, 59 min, 23 h.
func length(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	default:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
}

// seconds is a duration for the scripts; 0 means that it is not known.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}
