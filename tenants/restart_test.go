package tenants

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
)

// TestRunGoesOnAfterARestart restarts the broker in place, again and again, while two services run: commands of each
// come through soon afterwards, and both see all of them.
func TestRunGoesOnAfterARestart(t *testing.T) {
	server, _, js := natstest.Start(t)
	a, b := start(t, Options{JS: js}), start(t, Options{JS: js})
	tenant := claim(t, a).Tenant.ID
	waitFor(t, b, a.State().Position())
	for round := range 3 {
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for i, s := range []*Service{a, b} {
			eventuallyCreate(t, s, NewDevice{Name: fmt.Sprint("pump-", round, "-", i)})
		}
		waitFor(t, a, b.State().Position())
		waitFor(t, b, a.State().Position())
		t.Logf("round %d: after %v", round, time.Since(begin))
	}
	if n := a.State().DeviceCount(tenant); n != 6 {
		t.Errorf("%d devices", n)
	}
	sameState(t, a.State(), b.State())
}

// eventuallyCreate tries as a person would: the error said that it may try again. A try that timed out may have
// succeeded.
func eventuallyCreate(t *testing.T, s *Service, n NewDevice) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, _, err := s.CreateDevice(ctx, testActor, onlyTenant(s), n)
		if err == nil || errors.Is(err, ErrExists) {
			return
		}
		if !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
			t.Fatalf("after the restart: %v", err)
		}
	}
}

// switchboard leads a connection to whichever server is meant at the time.
type switchboard struct{ current atomic.Pointer[natsd.Server] }

func (b *switchboard) InProcessConn() (net.Conn, error) { return b.current.Load().InProcessConn() }

// TestRunEndsWhenTheLogBecameShorter: the broker comes back without the end of the log, as after a restored backup.
func TestRunEndsWhenTheLogBecameShorter(t *testing.T) {
	old, now := t.TempDir(), t.TempDir()
	first, _, js := natstest.StartIn(t, natsd.Options{Dir: now})
	claim(t, start(t, Options{JS: js}))
	if err := errors.Join(first.Close(t.Context()), os.CopyFS(old, os.DirFS(now))); err != nil {
		t.Fatal(err)
	}

	var board switchboard
	second, _, _ := natstest.StartIn(t, natsd.Options{Dir: now})
	board.current.Store(second)
	nc, err := nats.Connect("", nats.InProcessServer(&board), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	s := opened(t, Options{JS: js})
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	mustCreate(t, s, onlyTenant(s), "pump-7")

	third, _, _ := natstest.StartIn(t, natsd.Options{Dir: old})
	board.current.Store(third)
	if err := second.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var found *ChainError
	if err := <-done; !errors.As(err, &found) || found.Damage != Truncated || found.From != 2 || found.To != 2 {
		t.Errorf("Run: %v", err)
	}
}

func onlyTenant(s *Service) id.Tenant {
	name, _, _ := s.State().tenants.GetAt(0)
	return id.Tenant(name)
}

// TestARepeatedCommandIsStoredOnce: a message that was stored without an answer is known again, another one is not.
func TestARepeatedCommandIsStoredOnce(t *testing.T) {
	s, made, _ := claimed(t)
	subject, before := tenantSubject(made.Tenant.ID), s.State()
	data, err := encodeCommand(envelope{After: before.link(subject)}, []event{metricDescribed{Name: "temp", Unit: "°C"}})
	if err != nil {
		t.Fatal(err)
	}
	position, err := s.store(t.Context(), subject, 0, data)
	if err != nil {
		t.Fatal(err)
	}
	mustCreate(t, s, made.Tenant.ID, "pump-7") // others may go on before the answer is missed
	if got, err := s.stored(t.Context(), subject, 0, data); err != nil || got != position {
		t.Errorf("its own: %d, %v, want %d", got, err, position)
	}
	if _, err := s.stored(t.Context(), subject, 0, []byte("other")); !errors.Is(err, ErrConflict) {
		t.Errorf("that of another: %v", err)
	}
}
