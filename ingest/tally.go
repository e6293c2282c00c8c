package ingest

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// When a rule cannot be computed on the packets of a device again and again, it is passed over for that device for a while:
// the cost of failing and the noise about it end, and no other device notices.
const (
	failuresToPause = 10
	failuresWithin  = time.Minute
	pauseLength     = 5 * time.Minute
	maxFailing      = 1000 // devices of a tenant that failures are remembered of; a further one is never paused
)

// tallies count for every tenant that has rules.
type tallies struct{ all sync.Map } // id.Tenant → *tally

// of is the tally of a tenant for the given rules.
func (t *tallies) of(tenant id.Tenant, s *rule.Set) *tally {
	found, ok := t.all.Load(tenant)
	if !ok {
		found, _ = t.all.LoadOrStore(tenant, &tally{failing: map[id.Device]map[id.Rule]*strikes{}})
	}
	counts := found.(*tally)
	if now := counts.now.Load(); now == nil || now.set != s {
		counts.follow(s)
	}
	return counts
}

// tally counts for one tenant. Packets add to it without a lock; only failures and what becomes of them take it.
type tally struct {
	now   atomic.Pointer[tallied]
	fails atomic.Int32 // devices in failing

	mu      sync.Mutex
	failing map[id.Device]map[id.Rule]*strikes
}

// tallied is the counters of a set, in the order of its rules.
type tallied struct {
	set   *rule.Set
	rules []*counter
}

type counter struct {
	matched, dropped, forwarded, errors atomic.Uint64
	last                                atomic.Int64 // microseconds
	failure                             atomic.Pointer[failure]
}

type failure struct {
	device id.Device
	words  string
}

// strikes are the failures of one rule on one device.
type strikes struct {
	count int
	since time.Time
	until time.Time // the end of the pause; zero before it
}

// follow takes over the counters of the rules that are still there.
func (t *tally) follow(s *rule.Set) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := map[id.Rule]*counter{}
	if old := t.now.Load(); old != nil {
		if old.set == s {
			return
		}
		for i, c := range old.rules {
			before[old.set.Rule(i).ID] = c
		}
	}
	next := &tallied{set: s, rules: make([]*counter, s.Len())}
	for i := range next.rules {
		if next.rules[i] = before[s.Rule(i).ID]; next.rules[i] == nil {
			next.rules[i] = &counter{}
		}
	}
	clear(t.failing) // what failed may have been put right
	t.fails.Store(0)
	t.now.Store(next)
}

// paused tells which rules are passed over for a device; nil when none is.
func (t *tally) paused(s *rule.Set, d id.Device, now time.Time) func(rule int) bool {
	if t.fails.Load() == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []id.Rule
	for r, s := range t.failing[d] {
		if now.Before(s.until) {
			list = append(list, r)
		} else if !s.until.IsZero() {
			*s = strikes{} // tried again from the start
		}
	}
	if len(list) == 0 {
		return nil
	}
	return func(i int) bool { return slices.Contains(list, s.Rule(i).ID) }
}

// failed notes failures of a packet of the device.
func (t *tally) failed(d id.Device, list []rule.Failed, now time.Time) {
	counts := t.now.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range list {
		if f.Rule >= len(counts.rules) {
			continue // another set came in between
		}
		c := counts.rules[f.Rule]
		c.errors.Add(1)
		c.failure.Store(&failure{device: d, words: f.Why.String()})
		t.strike(d, counts.set.Rule(f.Rule).ID, now)
	}
}

// strike is called with mu held.
func (t *tally) strike(d id.Device, r id.Rule, now time.Time) {
	rules := t.failing[d]
	if rules == nil {
		if len(t.failing) >= maxFailing {
			return
		}
		rules = map[id.Rule]*strikes{}
		t.failing[d] = rules
		t.fails.Store(int32(len(t.failing)))
	}
	s := rules[r]
	if s == nil {
		s = &strikes{}
		rules[r] = s
	}
	if now.Sub(s.since) > failuresWithin {
		*s = strikes{since: now}
	}
	if s.count++; s.count >= failuresToPause {
		s.until = now.Add(pauseLength)
	}
}

// RuleCounts is what the rules of a tenant have done in this process; nothing for those that met no packet yet.
func (f *Front) RuleCounts(t id.Tenant) map[id.Rule]rule.Count {
	found, ok := f.tallies.all.Load(t)
	if !ok {
		return nil
	}
	counts := found.(*tally)
	now := counts.now.Load()
	if now == nil {
		return nil
	}
	paused := counts.pausedDevices(f.o.Now())
	all := make(map[id.Rule]rule.Count, len(now.rules))
	for i, c := range now.rules {
		r := now.set.Rule(i).ID
		count := rule.Count{Matched: c.matched.Load(), Dropped: c.dropped.Load(), Forwarded: c.forwarded.Load(), Errors: c.errors.Load(), Paused: paused[r]}
		if last := c.last.Load(); last != 0 {
			count.Last = time.UnixMicro(last).UTC()
		}
		if why := c.failure.Load(); why != nil {
			count.Failure, count.Failing = why.words, why.device
		}
		all[r] = count
	}
	return all
}

func (t *tally) pausedDevices(now time.Time) map[id.Rule]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := map[id.Rule]int{}
	for rules := range maps.Values(t.failing) {
		for r, s := range rules {
			if now.Before(s.until) {
				count[r]++
			}
		}
	}
	return count
}
