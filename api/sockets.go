package api

import (
	"context"
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/tenants/id"
)

const (
	// DefaultMaxSockets bounds the device sockets of one process: each costs about 20 KiB while it is quiet.
	DefaultMaxSockets = 20_000
	// maxAnonymous is how many sockets may be open that have not said whose they are: without it, nobody in particular
	// could take the places of all devices for the time that a token may take.
	maxAnonymous = 1_000
	// maxPerDevice is how many sockets one device may have: one, and some that it has lost without noticing.
	maxPerDevice = 4
)

var (
	errStopping       = errors.New("the server is stopping")
	errDeviceSockets  = errors.New("the device has as many sockets as it may have")
	errTenantSockets  = errors.New("the tenant has as many sockets as it may have")
	errTooManySockets = errors.New("the server has as many sockets as it may have")
)

// sockets are the open device sockets of one process.
type sockets struct {
	open prometheus.Gauge
	max  int

	mu       sync.Mutex
	all      map[*socket]struct{}
	devices  map[id.Device]int
	tenants  map[id.Tenant]int
	reserved int // sockets from their handshake on, authenticated or not
	unknown  int // those of them that are not authenticated yet
	draining bool
	gone     chan struct{} // closed once draining has begun and the last one has gone
	closed   bool          // gone is closed
}

func newSockets(limit int) *sockets {
	return &sockets{
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "longwave_device_sockets", Help: "Open device sockets."}),
		max:  limit, all: map[*socket]struct{}{}, devices: map[id.Device]int{}, tenants: map[id.Tenant]int{}, gone: make(chan struct{}),
	}
}

// reserve makes room for a socket that is about to shake hands, of a device or of nobody yet; it returns errStopping or
// errTooManySockets.
func (s *sockets) reserve(known bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return errStopping
	case s.reserved >= s.max || !known && s.unknown >= maxAnonymous:
		return errTooManySockets
	}
	if !known {
		s.unknown++
	}
	s.reserved++
	s.open.Set(float64(s.reserved))
	return nil
}

// add makes a socket known by its connection, so that drain reaches it. It returns false when drain was here already.
func (s *sockets) add(each *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.all[each] = struct{}{}
	return true
}

// claim counts a socket for its device and tenant, which may have as many as most in this process, 0 for any number. It
// returns errDeviceSockets or errTenantSockets.
func (s *sockets) claim(t id.Tenant, d id.Device, most int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.devices[d] >= maxPerDevice:
		return errDeviceSockets
	case most > 0 && s.tenants[t] >= most:
		return errTenantSockets
	}
	s.devices[d]++
	s.tenants[t]++
	return nil
}

func (s *sockets) unclaim(t id.Tenant, d id.Device) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tenants[t]--; s.tenants[t] == 0 {
		delete(s.tenants, t)
	}
	if s.devices[d]--; s.devices[d] == 0 {
		delete(s.devices, d)
	}
}

// identified tells that a socket of nobody has turned out to be a device's.
func (s *sockets) identified() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknown--
}

// release gives up what reserve and add took.
func (s *sockets) release(each *socket, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !known {
		s.unknown--
	}
	delete(s.all, each)
	s.reserved--
	s.open.Set(float64(s.reserved))
	s.closeWhenGone()
}

// closeWhenGone tells drain that nothing is left. The caller holds the lock.
func (s *sockets) closeWhenGone() {
	if s.draining && s.reserved == 0 && !s.closed {
		close(s.gone)
		s.closed = true
	}
}

// drain refuses new sockets, ends the others and waits for them, at most until ctx ends; then it cuts them.
func (s *sockets) drain(ctx context.Context) {
	s.mu.Lock()
	s.draining = true
	s.closeWhenGone()
	open := make([]*socket, 0, len(s.all))
	for each := range s.all {
		open = append(open, each)
	}
	s.mu.Unlock()

	for _, each := range open {
		each.stop()
	}
	select {
	case <-s.gone:
	case <-ctx.Done():
		for _, each := range open {
			each.cut()
		}
	}
}
