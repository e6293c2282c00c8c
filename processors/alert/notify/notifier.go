package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/processors/alert"
	"longwave/processors/forward"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

const (
	// groupWait is how long alerts that belong together wait for the next message after one went out.
	groupWait = 30 * time.Second
	// retryAfter is how long nothing is tried again after NATS did not take a message.
	retryAfter = 2 * time.Second
	// atOnce bounds the alerts of one message; what is more goes with the next one.
	atOnce = 1000
)

// Directory knows rules, devices and silences. Its methods must be cheap and never block.
type Directory interface {
	// Changed returns a channel that is closed when any of it may be another. It is asked before the rest.
	Changed() <-chan struct{}
	// Rule is a rule that runs; false when it does not any more.
	Rule(id.Tenant, id.AlertRule) (alertrule.Rule, bool)
	// Device finds a device; false when it is gone.
	Device(id.Tenant, id.Device) (alertrule.Device, bool)
	// Silences lists those that are not over.
	Silences(id.Tenant) []alertrule.Silence
}

// Sender queues a message for a destination and returns when it is durable there. See forward.Forwarder.
type Sender interface {
	Send(context.Context, id.Tenant, id.Destination, forward.Message) error
}

// Options are what a Notifier needs. All but Now are required.
type Options struct {
	Book       *alert.Book
	Sender     Sender
	Directory  Directory
	Links      *Links
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Now        func() time.Time // time.Now when nil
}

// ErrOptions is returned by New when something that it needs is missing.
var ErrOptions = errors.New("notify: incomplete options")

// Notifier tells people of alerts. Make it with New.
type Notifier struct {
	o       Options
	notices *prometheus.CounterVec
}

// New prepares a Notifier. It returns ErrOptions, or the registerer's error.
func New(o Options) (*Notifier, error) {
	if o.Book == nil || o.Sender == nil || o.Directory == nil || o.Links == nil || o.Registerer == nil || o.Log == nil {
		return nil, fmt.Errorf("%w: Book, Sender, Directory, Links, Registerer and Log are required", ErrOptions)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	n := &Notifier{o: o, notices: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "alert", Name: "notices_total",
		Help: "Decisions to notify somebody of an alert, or not, by reason."}, []string{"reason"})}
	if err := o.Registerer.Register(n.notices); err != nil {
		return nil, fmt.Errorf("notify: register metric: %w", err)
	}
	return n, nil
}

// turn is what one Run remembers: when to look at which alert, and when each group was told last.
type turn struct {
	*Notifier
	follower *alert.Follower
	again    map[alert.Ref]time.Time // alerts that are to be looked at later
	told     map[group]time.Time
}

// Run tells people until ctx ends, and returns nil then. It begins with everything that the Book knows.
func (n *Notifier) Run(ctx context.Context) error {
	select {
	case <-n.o.Book.Ready(): // before, what was decided is not known
	case <-ctx.Done():
		return nil
	}
	r := &turn{Notifier: n, follower: n.o.Book.Follow(), again: make(map[alert.Ref]time.Time), told: make(map[group]time.Time)}
	defer n.o.Book.Unfollow(r.follower)
	changed := n.o.Directory.Changed()
	for ctx.Err() == nil {
		timer := time.NewTimer(r.wait())
		select {
		case <-r.follower.Wake():
		case <-changed: // a silence may be another
			changed = n.o.Directory.Changed() // before anything is decided: a change meanwhile is not missed
			r.soon()
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() == nil {
			r.look(ctx)
		}
	}
	return nil
}

// longest is how long nothing is looked at when nothing is due.
const longest = time.Minute

// wait is how long until the next alert is to be looked at.
func (r *turn) wait() time.Duration {
	next := longest
	now := r.o.Now()
	for _, at := range r.again {
		next = min(next, at.Sub(now))
	}
	return max(next, 0)
}

// soon has every alert that waits looked at again.
func (r *turn) soon() {
	for ref := range r.again {
		r.again[ref] = time.Time{}
	}
}

// look decides about every alert that changed or whose time has come, and tells whoever is to be told.
func (r *turn) look(ctx context.Context) {
	now := r.o.Now()
	refs := r.follower.Take()
	for _, ref := range refs {
		delete(r.again, ref) // one that waits and has changed is decided about once
	}
	for ref, at := range r.again {
		if !now.Before(at) {
			delete(r.again, ref)
			refs = append(refs, ref)
		}
	}
	groups := make(map[group][]item)
	for _, ref := range refs {
		r.decide(ref, now, groups)
	}
	for g, items := range groups {
		r.tell(ctx, g, items)
	}
	for g, at := range r.told {
		if now.Sub(at) > groupWait {
			delete(r.told, g)
		}
	}
}

// group is alerts that share a message.
type group struct {
	tenant      id.Tenant
	destination id.Destination // empty for notices that are no messages
	rule        id.AlertRule
	within      string // the site or the device
	over        bool
}

// within is what alerts have in common that share a message.
func within(by alertrule.GroupBy, d *alertrule.Device) string {
	switch by {
	case alertrule.GroupSite:
		return d.Site
	case alertrule.GroupDevice:
		return string(d.ID)
	}
	return ""
}

// item is one notice of a message.
type item struct {
	ref    alert.Ref
	alert  alert.Alert
	device alertrule.Device
	due    Due
}

// decide adds what is due for an alert to the groups.
func (r *turn) decide(ref alert.Ref, now time.Time, groups map[group][]item) {
	a, err := r.o.Book.Alert(ref.Tenant, ref.Alert)
	if err != nil {
		return
	}
	rule, _ := r.o.Directory.Rule(ref.Tenant, a.Rule)
	device, _ := r.o.Directory.Device(ref.Tenant, a.Device)
	due, again := Decide(&a, &Facts{Notify: rule.Notify, Device: device, Silences: r.o.Directory.Silences(ref.Tenant), Now: now})
	if !again.IsZero() {
		r.later(ref, again)
	}
	for _, d := range due {
		g := group{tenant: ref.Tenant, rule: a.Rule, over: d.Reason == Over}
		if d.Send {
			g.destination = d.Destination
		}
		g.within = within(rule.Notify.GroupBy, &device)
		groups[g] = append(groups[g], item{ref, a, device, d})
	}
}

// later has an alert looked at at a time, or earlier.
func (r *turn) later(ref alert.Ref, at time.Time) {
	if known, ok := r.again[ref]; !ok || at.Before(known) {
		r.again[ref] = at
	}
}

// tell sends one message about the items of a group, and writes down what became of each.
func (r *turn) tell(ctx context.Context, g group, items []item) {
	if len(items) > atOnce {
		for _, i := range items[atOnce:] {
			r.later(i.ref, r.o.Now().Add(groupWait))
		}
		items = items[:atOnce]
	}
	if g.destination != "" {
		if last, ok := r.told[g]; ok && r.o.Now().Sub(last) < groupWait {
			for _, i := range items {
				r.later(i.ref, last.Add(groupWait))
			}
			return
		}
	}
	message, reason, detail, err := r.send(ctx, g, items)
	if err != nil {
		if ctx.Err() == nil {
			r.o.Log.Warn("nobody can be notified; trying again", "alerts", len(items), "error", err)
		}
		r.putOff(items)
		return
	}
	notices := make([]alert.NoticeOf, len(items))
	for k, i := range items {
		notice := alert.Notice{Destination: i.due.Destination, Step: i.due.Step, Round: i.due.Round, Sent: i.due.Send && reason == "",
			Reason: string(i.due.Reason), Detail: i.due.Detail, Message: message, Severity: i.alert.Severity}
		if reason != "" {
			notice.Reason, notice.Detail = string(reason), detail
		}
		notices[k] = alert.NoticeOf{Alert: i.alert.ID, Notice: notice}
		r.notices.WithLabelValues(notice.Reason).Inc()
	}
	if err := r.o.Book.Notify(ctx, g.tenant, notices); err != nil && ctx.Err() == nil {
		r.o.Log.Warn("what became of notices cannot be written down; trying again", "alerts", len(items), "error", err)
		r.putOff(items)
	}
}

// putOff has items looked at again after a pause.
func (r *turn) putOff(items []item) {
	for _, i := range items {
		r.later(i.ref, r.o.Now().Add(retryAfter))
	}
}

// send queues the message of a group; reason says that its destination does not take it. It returns an error when trying again may help.
func (r *turn) send(ctx context.Context, g group, items []item) (message string, reason Reason, detail string, err error) {
	if g.destination == "" {
		return "", "", "", nil
	}
	m, err := r.message(g, items)
	if err != nil {
		return "", "", "", err
	}
	err = r.o.Sender.Send(ctx, g.tenant, g.destination, m)
	switch {
	case err == nil:
		r.told[g] = r.o.Now()
		return m.ID, "", "", nil
	case errors.Is(err, forward.ErrUnknown):
		return "", NotReachable, "The destination does not exist any more.", nil
	case errors.Is(err, forward.ErrDisabled):
		return "", NotReachable, "The destination is disabled.", nil
	case errors.Is(err, forward.ErrFull):
		return "", NotReachable, "The queue of the destination is full.", nil
	case errors.Is(err, forward.ErrTooLarge):
		return "", NotReachable, "The message is too large.", nil
	}
	return "", "", "", err
}
