package notify

import (
	"slices"
	"time"

	"longwave/processors/alert"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// Course is how one alert went, as far as it matters for who is told.
type Course struct {
	Device alertrule.Device
	Alert  alert.Alert // as it was when it was found; only Began, Known and Severity count
	Turns  []Turn      // its other severities, in their order
	Ended  time.Time   // when it was found to be over; zero if it was not
	Until  time.Time   // where nothing more is looked at
}

// Turn is another severity of an alert, and when it was found.
type Turn struct {
	At       time.Time
	Severity alertrule.Severity
}

// Rehearsal counts the messages that destinations would have got about alerts if nobody had done anything about them. The zero value
// is not ready: make it with NewRehearsal.
type Rehearsal struct {
	notify  alertrule.Notify
	notices map[group][]time.Time
	left    int
}

// NewRehearsal counts for a rule, up to so many notices.
func NewRehearsal(n alertrule.Notify, most int) *Rehearsal {
	return &Rehearsal{notify: n, notices: make(map[group][]time.Time), left: most}
}

// Add lets one alert take its course. Courses may be added in any order.
func (r *Rehearsal) Add(c Course) {
	a := c.Alert
	a.Firing, a.Told = true, nil
	for now := a.Known; r.left > 0; {
		again := r.decide(&a, &c.Device, now)
		if len(c.Turns) > 0 {
			again = sooner(again, c.Turns[0].At)
		}
		again = sooner(again, c.Ended)
		if again.IsZero() || again.After(c.Until) {
			return
		}
		now = again
		for len(c.Turns) > 0 && !c.Turns[0].At.After(now) {
			a.Severity = c.Turns[0].Severity
			c.Turns = c.Turns[1:]
		}
		if !c.Ended.IsZero() && !now.Before(c.Ended) {
			a.Firing = false
			r.decide(&a, &c.Device, now)
			return
		}
	}
}

// decide does at once what is due.
func (r *Rehearsal) decide(a *alert.Alert, d *alertrule.Device, now time.Time) (again time.Time) {
	due, again := Decide(a, &Facts{Notify: r.notify, Device: *d, Now: now})
	for _, one := range due {
		a.Tell(alert.Notice{Destination: one.Destination, Step: one.Step, Round: one.Round, Sent: one.Send, Reason: string(one.Reason), Severity: a.Severity}, now)
		if one.Send {
			g := group{destination: one.Destination, over: one.Reason == Over, within: within(r.notify.GroupBy, d)}
			r.notices[g] = append(r.notices[g], now)
			r.left--
		}
	}
	if len(due) == 0 {
		return again
	}
	_, again = Decide(a, &Facts{Notify: r.notify, Device: *d, Now: now}) // what was done just now decides when to look again
	return again
}

// Messages is how many messages it comes to, together and for each destination; complete is false when there are more.
func (r *Rehearsal) Messages() (all int, each map[id.Destination]int, complete bool) {
	each = make(map[id.Destination]int)
	for g, times := range r.notices {
		slices.SortFunc(times, time.Time.Compare)
		var sent time.Time // of the latest message, which may be still to come
		for i, at := range times {
			if i > 0 && !at.After(sent) { // goes with it
				continue
			}
			if next := sent.Add(groupWait); i > 0 && at.Before(next) {
				at = next
			}
			sent = at
			each[g.destination]++
			all++
		}
	}
	return all, each, r.left > 0
}
