package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/web/handler"
)

// span is the range of time that a question is about: from is in it, to is not.
type span struct{ from, to telemetry.Micros }

// whenHelp ends every refusal of a time.
const whenHelp = "want RFC 3339 (2026-11-20T10:00:00Z), milliseconds since 1970 (1795168800000), or a time before now (-90s, -15m, -1h, -7d)"

// spanOf reads the range of a question; an empty from is the fallback before to, an empty to is now.
func spanOf(fromText, toText string, now time.Time, fallback time.Duration) (span, error) {
	to := now
	if toText != "" {
		var err error
		if to, err = when(toText, now); err != nil {
			return span{}, badTime("to", err)
		}
	}
	from := to.Add(-fallback)
	if fromText != "" {
		var err error
		if from, err = when(fromText, now); err != nil {
			return span{}, badTime("from", err)
		}
	}
	if !from.Before(to) {
		return span{}, badTime("from", errors.New("must be before to"))
	}
	return span{from: telemetry.At(from), to: telemetry.At(to)}, nil
}

// when reads one time in any of the three forms.
func when(text string, now time.Time) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	if ago, ok := strings.CutPrefix(text, "-"); ok {
		d, err := duration(ago)
		if err != nil {
			return time.Time{}, err
		}
		return now.Add(-d), nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return inReach(time.UnixMilli(ms))
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.60q is no time: %s", text, whenHelp)
	}
	return inReach(t)
}

// maxAgo bounds a relative time, well inside of what a time.Duration can hold.
const maxAgo = 100 * 366 * 24 * time.Hour

// duration reads what time.ParseDuration does, and whole days and weeks.
func duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err = whole(days, 24*time.Hour)
	}
	if weeks, ok := strings.CutSuffix(text, "w"); ok {
		d, err = whole(weeks, 7*24*time.Hour)
	}
	if err != nil || d < 0 || d > maxAgo {
		return 0, fmt.Errorf("%.60q is no time before now: %s", "-"+text, whenHelp)
	}
	return d, nil
}

// whole multiplies a number with a unit; a number beyond maxAgo gives what is beyond it as well.
func whole(number string, unit time.Duration) (time.Duration, error) {
	n, err := strconv.ParseUint(number, 10, 32)
	return time.Duration(min(n, uint64(maxAgo/unit)+1)) * unit, err
}

// inReach refuses times that no reading can have and that the storage could not compare.
func inReach(t time.Time) (time.Time, error) {
	if year := t.UTC().Year(); year < 1970 || year > 2200 {
		return time.Time{}, fmt.Errorf("lies in the year %d: %s", year, whenHelp)
	}
	return t, nil
}

// badTime refuses a parameter.
func badTime(parameter string, cause error) error { return badParameter(parameter, cause.Error()) }

// badParameter refuses a parameter of the address with the reason.
func badParameter(name, reason string) error {
	return handler.Problem{
		Status: http.StatusUnprocessableEntity, Code: "invalid", Title: "Invalid request",
		Detail: "The request is not valid: " + name + ": " + reason + ".",
		Errors: []handler.Fault{{Parameter: name, Code: "invalid", Detail: reason}},
	}.Because(nil)
}
