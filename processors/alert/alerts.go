package alert

import (
	"cmp"
	"slices"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

const (
	// closedKept is how many alerts of a tenant that are over are held in memory, the latest; Past reads older ones.
	closedKept = 500
	// timelineKept bounds what is held of one alert, the latest; its beginning stands in the alert itself.
	timelineKept = 200
)

// Alert is one alert: from the moment that a rule fires for a device until it is resolved. What it points to is shared: never
// change it.
type Alert struct {
	ID      id.Alert
	Rule    id.AlertRule
	Version int    // of the rule
	Name    string // of the rule by then
	Device  id.Device
	Shadow  bool // nobody is notified of it

	Firing   bool
	Severity alertrule.Severity // now, or the last one before it was resolved
	Worst    alertrule.Severity
	Began    telemetry.Micros // by the device's time; of missing data the server's
	Known    time.Time        // when it was found
	Ended    telemetry.Micros // when it was resolved; 0 while it fires
	Closed   time.Time        // when that was found
	Message  string           // the latest
	Latest   alertrule.Change

	Acknowledged *Act // nil while nobody has
	Assigned     string
	Snoozed      time.Time // until when nobody is notified; zero when they are
	Told         []Notice  // the latest for each destination and step
	Timeline     []Entry   // what happened, oldest first, without what only evaluation needs
}

// Act is what a person did.
type Act struct {
	By   string
	At   time.Time
	Text string
}

// Filter selects alerts. What is empty selects all.
type Filter struct {
	Rule     id.AlertRule
	Device   id.Device
	Severity alertrule.Severity // at least
	State    State
	Shadow   bool // of rules in shadow mode, instead of the others
}

// State is where an alert stands for people.
type State string

// The states.
const (
	Any      State = ""
	Active   State = "active"   // fires, and nobody takes care
	Taken    State = "taken"    // fires, and somebody has acknowledged
	Resolved State = "resolved" // is over
)

// State is where the alert stands.
func (a *Alert) State() State {
	switch {
	case !a.Firing:
		return Resolved
	case a.Acknowledged != nil:
		return Taken
	default:
		return Active
	}
}

// Metrics are those that decided that it fires, each once; none when it is about missing data.
func (a *Alert) Metrics() (list []string) {
	for _, e := range a.Timeline {
		if e.Change != nil && e.Change.Test != nil && !slices.Contains(list, e.Change.Test.Metric) {
			list = append(list, e.Change.Test.Metric)
		}
	}
	return list
}

func (f *Filter) selects(a *Alert) bool {
	return (f.Rule == "" || f.Rule == a.Rule) && (f.Device == "" || f.Device == a.Device) && a.Worst >= f.Severity &&
		(f.State == Any || f.State == a.State()) && f.Shadow == a.Shadow
}

// ledger is the alerts of one tenant. Alerts are replaced, never changed, so that whoever has one may keep it.
type ledger struct {
	open   map[id.Alert]*Alert
	closed []*Alert // oldest first
	known  map[id.Alert]*Alert
	most   int                         // of closed
	tally  [alertrule.Critical + 1]int // of open by severity, without those of rules in shadow
	place  uint64                      // in the log, of the latest entry that changed anything
}

// Count is how many alerts fire, and how bad the worst of them is. Those of rules in shadow do not count. Place changes whenever
// anything does, and is the same in every copy of the program: two that are equal say that nothing happened between them.
type Count struct {
	Open  int                `json:"open"`
	Worst alertrule.Severity `json:"worst"`
	Place uint64             `json:"place"`
}

func (l *ledger) count() (c Count) {
	c.Place = l.place
	for severity, n := range l.tally {
		if c.Open += n; n > 0 {
			c.Worst = alertrule.Severity(severity)
		}
	}
	return c
}

func newLedger(most int) *ledger {
	return &ledger{open: make(map[id.Alert]*Alert), known: make(map[id.Alert]*Alert), most: most}
}

// apply takes over an entry that counts, and says whether it changed anything. A repetition does not.
func (l *ledger) apply(e *Entry) bool {
	before := l.known[e.Alert]
	if e.Kind == Changed {
		return l.change(before, e)
	}
	if before == nil {
		return false
	}
	next := *before
	switch e.Kind {
	case Acknowledged:
		next.Acknowledged = &Act{By: e.By, At: e.At, Text: e.Text}
	case Assigned:
		next.Assigned = e.To
	case Snoozed:
		next.Snoozed = time.Time{}
		if e.Until != nil {
			next.Snoozed = *e.Until
		}
	case Notified:
		if e.Notice == nil {
			return false
		}
		next.Tell(*e.Notice, e.At)
	case Commented:
	default:
		return false
	}
	l.put(&next, e)
	return true
}

// Tell keeps a notice in place of the one before it. It belongs to whoever has made the alert.
func (a *Alert) Tell(n Notice, at time.Time) {
	n.At = at
	a.Told = slices.DeleteFunc(slices.Clone(a.Told), func(o Notice) bool { return o.Destination == n.Destination && o.Step == n.Step })
	a.Told = append(a.Told, n)
}

// ToldOf is the latest notice for a destination and a step; nil when there is none.
func (a *Alert) ToldOf(d id.Destination, step int) *Notice {
	for i := range a.Told {
		if n := &a.Told[i]; n.Destination == d && n.Step == step {
			return n
		}
	}
	return nil
}

func (l *ledger) change(before *Alert, e *Entry) bool {
	c := e.Change
	switch {
	case c == nil, before != nil && (!before.Firing || c.Number <= before.Latest.Number):
		return false
	case before == nil && c.To != alertrule.Firing: // its beginning is no longer in the log
		return false
	case before == nil:
		before = &Alert{ID: e.Alert, Rule: e.Rule, Version: e.Version, Name: e.Name, Device: e.Device, Shadow: e.Shadow, Began: c.At, Known: e.At}
	}
	next := *before
	next.Latest, next.Firing = *c, c.To == alertrule.Firing
	if e.Message != "" {
		next.Message = e.Message
	}
	if next.Firing {
		next.Severity, next.Worst = c.Severity, max(next.Worst, c.Severity)
	} else {
		next.Ended, next.Closed = c.At, e.At
	}
	l.put(&next, e)
	return true
}

// put makes an alert what is known, with the entry in its timeline.
func (l *ledger) put(a *Alert, e *Entry) {
	kept := *e
	kept.State = nil
	a.Timeline = append(slices.Clip(a.Timeline[max(0, len(a.Timeline)+1-timelineKept):]), kept)
	was := l.open[a.ID]
	if was != nil && !was.Shadow {
		l.tally[was.Severity]--
	}
	l.known[a.ID] = a
	switch {
	case a.Firing:
		l.open[a.ID] = a
		if !a.Shadow {
			l.tally[a.Severity]++
		}
		return
	case was != nil:
		delete(l.open, a.ID)
		l.closed = append(l.closed, a)
	default:
		if i := slices.IndexFunc(l.closed, func(o *Alert) bool { return o.ID == a.ID }); i >= 0 {
			l.closed[i] = a
		}
	}
	for len(l.closed) > l.most {
		delete(l.known, l.closed[0].ID)
		l.closed = slices.Delete(l.closed, 0, 1)
	}
}

// find lists alerts that any of the filters selects, those that fire first, the worst and then the latest first.
func (l *ledger) find(filters ...Filter) (list []Alert) {
	selected := func(a *Alert) bool {
		return slices.ContainsFunc(filters, func(f Filter) bool { return f.selects(a) })
	}
	for _, a := range l.open {
		if selected(a) {
			list = append(list, *a)
		}
	}
	slices.SortFunc(list, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Began, a.Began), cmp.Compare(a.ID, b.ID))
	})
	for _, a := range slices.Backward(l.closed) {
		if selected(a) {
			list = append(list, *a)
		}
	}
	return list
}
