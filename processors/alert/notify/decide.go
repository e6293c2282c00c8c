package notify

import (
	"slices"
	"time"

	"longwave/processors/alert"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// Reason says in one word why somebody is notified, or is not.
type Reason string

// Why somebody is notified.
const (
	Began     Reason = "began"
	Escalated Reason = "escalated" // nobody acknowledged in time
	Worse     Reason = "worse"     // its severity rose
	Repeated  Reason = "repeated"  // it still fires
	CatchUp   Reason = "catch_up"  // a silence or a snooze ended and it still fires
	Over      Reason = "resolved"
)

// Why somebody is not notified.
const (
	InShadow     Reason = "shadow"        // the rule only tries
	NoSteps      Reason = "nobody"        // the rule notifies nobody
	OldNews      Reason = "old_news"      // it was about the past when it became known
	Silenced     Reason = "silenced"      // a silence covers it
	Asleep       Reason = "snoozed"       // a person wanted quiet
	TakenCare    Reason = "acknowledged"  // before it was this step's turn
	NotReachable Reason = "not_reachable" // the destination is gone, disabled, or takes nothing more
	OverUntold   Reason = "over_untold"   // it was resolved before anybody was told
)

// oldNews is how old an alert may be when it becomes known for people to be called: a device that empties its buffer after
// hours without a network tells of the past.
const oldNews = time.Hour

// Facts are what a decision is made from, beside the alert.
type Facts struct {
	Notify   alertrule.Notify
	Device   alertrule.Device
	Silences []alertrule.Silence
	Now      time.Time
}

// Due is one notice that is to be made now.
type Due struct {
	Destination id.Destination // empty when nobody is notified
	Step        int            // of the escalation, from 1; 0 of Over and of what concerns the whole alert
	Round       int            // of the repetitions
	Reason      Reason
	Detail      string // for people
	Send        bool
}

// Decide says what is due for an alert, and when to look again unless it changes before; zero when not.
func Decide(a *alert.Alert, f *Facts) (due []Due, again time.Time) {
	switch {
	case a.Shadow:
		return once(a, InShadow, "The rule runs in shadow mode."), time.Time{}
	case !a.Firing:
		return resolved(a), time.Time{}
	case len(f.Notify.Steps) == 0:
		return once(a, NoSteps, "The rule names no destination."), time.Time{}
	case a.Known.Sub(a.Began.Time()) > oldNews:
		return once(a, OldNews, "It had begun more than an hour before it became known."), time.Time{}
	}
	quiet, until, detail := quiet(a, f)
	for i, step := range f.Notify.Steps {
		at := a.Known.Add(time.Duration(step.After))
		if f.Now.Before(at) {
			again = sooner(again, at)
			continue
		}
		for _, d := range step.Destinations {
			told := a.ToldOf(d, i+1)
			switch next, when := f.next(a, told, i); {
			case next == "":
				again = sooner(again, when)
			case quiet != "":
				again = sooner(again, until)
				if told == nil || told.Sent || told.Reason != string(quiet) {
					due = append(due, Due{Destination: d, Step: i + 1, Round: round(told), Reason: quiet, Detail: detail})
				}
			case next == TakenCare:
				due = append(due, Due{Destination: d, Step: i + 1, Reason: TakenCare, Detail: "Acknowledged by " + a.Acknowledged.By + "."})
			default:
				due = append(due, Due{Destination: d, Step: i + 1, Round: round(told) + 1, Reason: next, Send: true})
			}
		}
	}
	return due, again
}

// next says why a destination is to be told now; empty when it is not, with the time at which it may be.
func (f *Facts) next(a *alert.Alert, told *alert.Notice, step int) (why Reason, at time.Time) {
	switch {
	case told == nil && a.Acknowledged != nil:
		return TakenCare, time.Time{}
	case told == nil && step > 0:
		return Escalated, time.Time{}
	case told == nil:
		return Began, time.Time{}
	case told.Reason == string(Silenced) || told.Reason == string(Asleep):
		if a.Acknowledged != nil {
			return "", time.Time{}
		}
		return CatchUp, time.Time{}
	case !told.Sent: // decided for good
		return "", time.Time{}
	case a.Severity > told.Severity:
		return Worse, time.Time{}
	case a.Acknowledged != nil || f.Notify.Repeat == 0:
		return "", time.Time{}
	}
	if at = told.At.Add(time.Duration(f.Notify.Repeat)); f.Now.Before(at) {
		return "", at
	}
	return Repeated, time.Time{}
}

func round(told *alert.Notice) int {
	if told == nil {
		return 0
	}
	return told.Round
}

// quiet says whether nobody is to be notified of an alert now, and until when.
func quiet(a *alert.Alert, f *Facts) (why Reason, until time.Time, detail string) {
	if f.Now.Before(a.Snoozed) {
		why, until, detail = Asleep, a.Snoozed, "Snoozed until "+a.Snoozed.UTC().Format(time.RFC3339)+"."
	}
	for i := range f.Silences {
		s := &f.Silences[i]
		if s.Active(f.Now) && s.Covers(a.Rule, &f.Device) && s.Until.After(until) {
			why, until, detail = Silenced, s.Until, "Silenced until "+s.Until.UTC().Format(time.RFC3339)+": "+s.Reason
		}
	}
	return why, until, detail
}

// resolved tells everybody who was told that it began.
func resolved(a *alert.Alert) (due []Due) {
	var sent []id.Destination
	for i := range a.Told {
		n := &a.Told[i]
		if n.Reason == string(Over) || n.Reason == string(OverUntold) || n.Step == 0 {
			return nil
		}
		if n.Sent && !slices.Contains(sent, n.Destination) {
			sent = append(sent, n.Destination)
			due = append(due, Due{Destination: n.Destination, Reason: Over, Send: true})
		}
	}
	if len(due) == 0 {
		return once(a, OverUntold, "It was over before anybody was told.")
	}
	return due
}

// once is a notice about the whole alert, unless there is one already.
func once(a *alert.Alert, why Reason, detail string) []Due {
	if len(a.Told) > 0 && a.ToldOf("", 0) != nil {
		return nil
	}
	return []Due{{Reason: why, Detail: detail}}
}

// sooner is the earlier of two times that are not zero.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
