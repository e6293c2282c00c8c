package forward

import (
	"context"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// tightAbove is how full OUT may be before shares matter: until then any tenant may use what others leave.
	tightAbove = 0.5
	// shareMost is what one tenant may have of OUT then, so that one whose receivers are all dead cannot fill it.
	shareMost = 0.25
	// shareKnown is how long an answer about shares holds.
	shareKnown = 2 * time.Second
)

// shares knows which tenants have more of OUT than they may, while it is tight.
type shares struct {
	mu     sync.Mutex
	asked  time.Time
	tight  bool
	bytes  float64 // of a message, on average
	most   float64 // bytes that one tenant may have
	owners map[id.Tenant]bool
}

// crowds says whether a tenant has more of OUT than it may. What cannot be found out is no reason to discard.
func (f *Forwarder) crowds(ctx context.Context, t id.Tenant) bool {
	s := &f.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Now().Sub(s.asked) > shareKnown {
		s.asked, s.owners = f.Now(), make(map[id.Tenant]bool)
		s.tight = f.measure(ctx)
	}
	if !s.tight {
		return false
	}
	over, known := s.owners[t]
	if !known {
		counts, err := f.counts(ctx, telemetry.OutStream, telemetry.OutTenantFilter(t))
		messages := uint64(0)
		for _, n := range counts {
			messages += n
		}
		over = err == nil && float64(messages)*s.bytes > s.most
		s.owners[t] = over
	}
	return over
}

// measure says whether OUT is so full that shares matter. The lock is held.
func (f *Forwarder) measure(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	stream, err := f.JS.Stream(ctx, telemetry.OutStream)
	if err != nil {
		return false
	}
	info := stream.CachedInfo()
	if info.State.Msgs == 0 {
		return false
	}
	f.shares.bytes = float64(info.State.Bytes) / float64(info.State.Msgs)
	f.shares.most = shareMost * float64(info.Config.MaxBytes)
	return float64(info.State.Bytes) > tightAbove*float64(info.Config.MaxBytes)
}
