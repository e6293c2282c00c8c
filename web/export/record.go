package export

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/handler"
)

const (
	// A record is a message that the control log keeps for ever, so a script that exports in a loop must not fill it: this many
	// at once, and then one in that time, is far more than anybody's needs and a few megabytes a year.
	recordsAtOnce = 60
	recordsEvery  = 10 * time.Second
	// resumedWithin is how long an export that goes on counts as the one that broke off, and resumable how many are remembered.
	resumedWithin = 24 * time.Hour
	resumable     = 1000
)

// recorded is what was written into the control log lately.
type recorded struct {
	now     func() time.Time
	mu      sync.Mutex
	exports map[string]time.Time
	tenants map[id.Tenant]*allowance
}

// allowance is how many exports a tenant may begin.
type allowance struct {
	left float64
	at   time.Time
}

// record writes into the control log who takes what, unless this goes on with what stands there.
func (p *Plan) record(ctx context.Context) error {
	e, t := p.exporter, p.who.Principal.Tenant()
	key := p.key()
	if p.request.After != "" && e.recorded.lately(key) {
		return nil
	}
	if !e.recorded.allow(t) {
		return handler.Problem{
			Status: http.StatusTooManyRequests, Code: "too_many_exports", Title: "Too many exports",
			Detail:     fmt.Sprintf("Every export is recorded, so no more than one in %d seconds may be begun for long. One export can hold many devices and metrics.", int(recordsEvery.Seconds())),
			RetryAfter: recordsEvery, Limit: &handler.Limit{Name: "exports_begun", Scope: "tenant", Max: recordsAtOnce},
		}.Because(nil)
	}
	if err := e.o.Tenants.RecordExport(ctx, p.who.Actor, t, p.of()); err != nil {
		return err
	}
	e.recorded.remember(key)
	return nil
}

// of says in words what is taken.
func (p *Plan) of() []tenants.Difference {
	r := p.request
	var all []tenants.Difference
	say := func(what, text string) {
		if text != "" {
			all = append(all, tenants.Difference{What: what, After: text})
		}
	}
	say("devices", strconv.Itoa(len(p.query.Devices)))
	say("named", some(r.Devices))
	say("profile", r.Profile)
	say("site", r.Site)
	for _, name := range sortedKeys(r.Labels) {
		say("label "+name, r.Labels[name])
	}
	say("metrics", some(r.Metrics))
	say("from", stamp(p.query.From))
	say("to", stamp(p.query.To))
	say("step", stepName(r.Step))
	say("format", string(r.Format))
	return all
}

// named is how many names a record lists.
const named = 20

func some(names []string) string {
	text := strings.Join(names[:min(len(names), named)], ", ")
	if len(names) > named {
		text += fmt.Sprintf(" and %d more", len(names)-named)
	}
	return text
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// key names an export by who takes what, wherever it goes on.
func (p *Plan) key() string {
	r := p.request
	r.After = ""
	return fmt.Sprint(p.who.Principal.Tenant(), p.who.Actor.Person, p.who.Actor.Key, r)
}

func (r *recorded) lately(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.exports[key]
	return ok && r.now().Sub(at) < resumedWithin
}

func (r *recorded) remember(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.exports == nil || len(r.exports) >= resumable {
		r.exports = map[string]time.Time{} // who goes on now stands in the log once more
	}
	r.exports[key] = r.now()
}

// allow counts one more export of a tenant, if it may begin one.
func (r *recorded) allow(t id.Tenant) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tenants == nil {
		r.tenants = map[id.Tenant]*allowance{}
	}
	now, a := r.now(), r.tenants[t]
	if a == nil {
		a = &allowance{recordsAtOnce, now}
		r.tenants[t] = a
	}
	a.left = min(recordsAtOnce, a.left+now.Sub(a.at).Seconds()/recordsEvery.Seconds())
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}
