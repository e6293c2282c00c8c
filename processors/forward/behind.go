package forward

import (
	"context"
	"fmt"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// lookBehind is how often a stage that has work looks how far behind its lane it is.
	lookBehind = 2 * time.Second
	// behindSome and behindAll are shares of what a lane may hold. From the first one on tenants are passed over one by
	// one, those first for which most is forwarded, unless nothing can be: that is no tenant's doing. From the second one
	// on all are. A lane drops what is settled when it is fuller than that, and refuses packets long after.
	behindSome = 0.25
	behindAll  = 0.5
	// caughtUp is a share of the same at which everybody's packets are forwarded again.
	caughtUp = 0.05
	// passOver is how long a tenant is passed over at least, so that it does not come and go with every look.
	passOver = time.Minute
)

// passedOver knows the tenants whose packets a stage does not forward, because it fell behind. One stage writes, others read.
type passedOver struct {
	mu    sync.Mutex
	until map[id.Tenant]time.Time
}

func (p *passedOver) has(t id.Tenant) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, passed := p.until[t]
	return passed
}

// PassedOver is how many tenants' packets are not forwarded at present on some lane, because forwarding cannot keep up
// with it: what is not looked through cannot make room in a lane, and that must not become anybody else's trouble.
func (f *Forwarder) PassedOver() int {
	all := make(map[id.Tenant]struct{})
	for i := range f.passed {
		p := &f.passed[i]
		p.mu.Lock()
		for t := range p.until {
			all[t] = struct{}{}
		}
		p.mu.Unlock()
	}
	return len(all)
}

// hurry decides who is passed over. It belongs to one stage.
type hurry struct {
	*passedOver
	looked time.Time
	before float64           // how far behind the stage was then
	sent   map[id.Tenant]int // parcels that left the stage since
}

// count takes parcels, and those of them that are left.
func (h *hurry) count(out, left []parcel) {
	for i := range out {
		h.sent[out[i].line.d.Tenant]++
	}
	for i := range left {
		h.sent[left[i].line.d.Tenant]--
	}
}

// judge takes the share of the lane that waits, and returns who is passed over from now on. everybody is asked for only
// when it comes to that.
func (h *hurry) judge(now time.Time, behind float64, everybody func() []id.Tenant) (given []id.Tenant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case behind > behindAll:
		given = everybody()
	case behind > behindSome && behind >= h.before:
		given = h.greatest()
	case behind <= caughtUp:
		for t, until := range h.until {
			if now.After(until) {
				delete(h.until, t)
			}
		}
	}
	for _, t := range given {
		h.until[t] = now.Add(passOver)
	}
	h.before = behind
	clear(h.sent)
	return given
}

// greatest is the tenant of whose packets most were forwarded since the last look, of those that still are.
func (h *hurry) greatest() (greatest []id.Tenant) {
	most := 0
	for t, n := range h.sent {
		if _, passed := h.until[t]; !passed && n > most {
			greatest, most = []id.Tenant{t}, n
		}
	}
	return greatest
}

// keepUp looks from time to time how far behind its lane the stage is, and gives up tenants if it must. That cannot be
// found out is no reason to.
func (s *stage) keepUp(ctx context.Context) {
	now := s.Now()
	if now.Sub(s.hurry.looked) < lookBehind {
		return
	}
	s.hurry.looked = now
	behind, err := s.behind(ctx)
	if err != nil {
		s.log.Debug("how far forwarding is behind is not known", "error", err)
		return
	}
	for _, t := range s.hurry.judge(now, behind, s.tenants) {
		s.log.Warn("forwarding falls behind; packets of a tenant are not forwarded until it has caught up", "tenant", t,
			"behind", fmt.Sprintf("%.0f %% of the lane", 100*behind))
	}
}

// behind is how much of what the lane may hold waits for the stage.
func (s *stage) behind(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	consumer, err := s.JS.Consumer(ctx, telemetry.LaneStream(s.lane), stageConsumer)
	if err != nil {
		return 0, unavailable(err)
	}
	stream, err := s.JS.Stream(ctx, telemetry.LaneStream(s.lane)) // after the consumer, which cannot be further than the lane was by then
	if err != nil {
		return 0, unavailable(err)
	}
	info, floor := stream.CachedInfo(), consumer.CachedInfo().AckFloor.Stream
	held := info.State.Msgs
	if held == 0 || info.Config.MaxBytes <= 0 || floor > info.State.LastSeq {
		return 0, nil
	}
	waits := min(info.State.LastSeq-floor, held)
	return float64(waits) / float64(held) * float64(info.State.Bytes) / float64(info.Config.MaxBytes), nil
}

// tenants are those that have destinations.
func (s *stage) tenants() (all []id.Tenant) {
	list, _ := s.Directory.Destinations()
	seen := make(map[id.Tenant]bool)
	for _, d := range list {
		if !seen[d.Tenant] {
			seen[d.Tenant] = true
			all = append(all, d.Tenant)
		}
	}
	return all
}
