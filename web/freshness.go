package web

import (
	"strconv"
	"time"

	"longwave/views"
)

// How many expected intervals may pass before a device counts as late and as silent, and what is expected of a device
// of which nothing is known. static/src/freshness.ts says the same for a page that stays open.
const (
	lateAfter       = 3
	silentAfter     = 10
	assumedInterval = time.Minute
)

// The keys of the states of a device, as they stand in addresses and style sheets.
const (
	stateLive     = "live"
	stateLate     = "late"
	stateSilent   = "silent"
	stateNever    = "never"
	stateDisabled = "disabled"
	stateUnknown  = "unknown"
)

// freshness says how a series or device is that last reported at an instant; the zero time means never.
func freshness(at time.Time, interval time.Duration, now time.Time) string {
	if at.IsZero() {
		return stateNever
	}
	if interval <= 0 {
		interval = assumedInterval
	}
	switch silence := now.Sub(at); {
	case silence > silentAfter*interval:
		return stateSilent
	case silence > lateAfter*interval:
		return stateLate
	}
	return stateLive
}

func stateWord(key string) string {
	switch key {
	case stateLive:
		return "Live"
	case stateLate:
		return "Late"
	case stateSilent:
		return "Silent"
	case stateNever:
		return "Never seen"
	case stateDisabled:
		return "Disabled"
	}
	return "Unknown"
}

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
