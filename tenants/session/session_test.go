package session

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
)

type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) forward(d time.Duration) { c.offset.Add(int64(d)) }

// start opens a store and lets it listen until the test ends.
func start(t *testing.T, o Options) *Store {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func mustCreate(t *testing.T, s *Store) (string, id.Person) {
	t.Helper()
	person := id.New[id.Person]()
	token, err := s.Create(t.Context(), person, Meta{UserAgent: "Browser", Address: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	return token, person
}

// eventually waits until a store answers ErrNone for a token.
func eventuallyNone(t *testing.T, s *Store, token string) time.Duration {
	t.Helper()
	begin := time.Now()
	for time.Since(begin) < cacheFor/2 { // sooner than the cache would forget it anyway
		if _, err := s.Get(t.Context(), token); errors.Is(err, ErrNone) {
			return time.Since(begin)
		}
	}
	t.Fatal("the session lives on")
	return 0
}

func TestSessionInTwoStores(t *testing.T) {
	_, _, js := natstest.Start(t)
	a, b := start(t, Options{JS: js}), start(t, Options{JS: js})
	token, person := mustCreate(t, a)
	for _, s := range []*Store{a, b, a, b} {
		got, err := s.Get(t.Context(), token)
		if err != nil || got.Person != person || got.Meta != (Meta{UserAgent: "Browser", Address: "192.0.2.1"}) || time.Since(got.Created) > time.Minute {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if err := a.Delete(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Get(t.Context(), token); !errors.Is(err, ErrNone) {
		t.Errorf("deleted here: %v", err)
	}
	t.Log("dead in the other store after", eventuallyNone(t, b, token))
	if err := b.Delete(t.Context(), token); err != nil {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestUnknownTokens(t *testing.T) {
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js})
	token, _ := mustCreate(t, s)
	for _, wrong := range []string{"", "*", ">", token + "x", strings.ToUpper(token), keyOf(token), strings.Repeat("x", 1<<20)} {
		if got, err := s.Get(t.Context(), wrong); !errors.Is(err, ErrNone) || got != (Session{}) {
			t.Errorf("%.50q: %+v, %v", wrong, got, err)
		}
	}
}

func TestRotate(t *testing.T) {
	_, _, js := natstest.Start(t)
	a, b := start(t, Options{JS: js}), start(t, Options{JS: js})
	old, person := mustCreate(t, a)
	before, err := b.Get(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := a.Rotate(t.Context(), old)
	if err != nil || fresh == old {
		t.Fatal(err)
	}
	after, err := b.Get(t.Context(), fresh)
	if err != nil || after.Person != person || !after.Created.Equal(before.Created) {
		t.Errorf("rotated: %+v, %v", after, err)
	}
	if _, err := a.Get(t.Context(), old); !errors.Is(err, ErrNone) {
		t.Errorf("the old token: %v", err)
	}
	eventuallyNone(t, b, old)
	if _, err := a.Rotate(t.Context(), old); !errors.Is(err, ErrNone) {
		t.Errorf("rotated twice: %v", err)
	}
}

func TestLifetimes(t *testing.T) {
	_, _, js := natstest.Start(t)
	var c clock
	s := start(t, Options{JS: js, Now: c.now, Absolute: 3 * time.Hour, Idle: time.Hour})
	idle, _ := mustCreate(t, s)
	used, _ := mustCreate(t, s)
	for range 5 {
		c.forward(30 * time.Minute)
		if got, err := s.Get(t.Context(), used); err != nil || c.now().Sub(got.Seen) > time.Minute {
			t.Fatalf("a session in use: %+v, %v", got, err)
		}
	}
	if _, err := s.Get(t.Context(), idle); !errors.Is(err, ErrNone) {
		t.Errorf("an idle session: %v", err)
	}
	c.forward(31 * time.Minute)
	if _, err := s.Get(t.Context(), used); !errors.Is(err, ErrNone) {
		t.Errorf("beyond the absolute lifetime: %v", err)
	}
}

func TestBucketForgets(t *testing.T) {
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js, Absolute: time.Second})
	token, _ := mustCreate(t, s)
	stream, err := js.Stream(t.Context(), "KV_"+BucketName)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		info, err := stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Msgs == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the bucket keeps what is over")
		}
	}
	if _, err := s.Get(t.Context(), token); !errors.Is(err, ErrNone) {
		t.Errorf("after its time: %v", err)
	}
}

func TestOnlyTheHashIsStored(t *testing.T) {
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js})
	token, person := mustCreate(t, s)
	stream, err := js.Stream(t.Context(), "KV_"+BucketName)
	if err != nil {
		t.Fatal(err)
	}
	message, err := stream.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(message.Subject+string(message.Data), token) {
		t.Error("the token is in the bucket")
	}
	var stored map[string]string
	if err := json.Unmarshal(message.Data, &stored); err != nil || stored["person"] != string(person) || stored["user_agent"] != "Browser" {
		t.Errorf("stored %s, %v", message.Data, err)
	}
}

func TestWithoutABroker(t *testing.T) {
	server, nc, js := natstest.StartIn(t, natsd.Options{Dir: t.TempDir()})
	var c clock
	s := start(t, Options{JS: js, Now: c.now})
	cached, _ := mustCreate(t, s)
	other, _ := mustCreate(t, s)
	// The first answer is cached unless a notice of the creation came in between; then the second one is.
	for range 2 {
		if _, err := s.Get(t.Context(), cached); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.Get(ctx, other); !errors.Is(err, ErrUnavailable) {
		t.Errorf("not looked at before: %v", err)
	}
	c.forward(cacheFor)
	if _, err := s.Get(ctx, cached); !errors.Is(err, ErrUnavailable) {
		t.Errorf("looked at too long ago: %v", err)
	}
}

func TestCacheKeepsNothingOld(t *testing.T) {
	c, now := newCache(), time.Now()
	generation := c.generation()
	c.drop("k") // a notice came in while the value was on its way
	c.put("k", entry{loaded: now}, generation)
	if _, ok := c.get("k", now); ok {
		t.Error("a value older than a notice was kept")
	}
	c.put("k", entry{loaded: now}, c.generation())
	if _, ok := c.get("k", now); !ok {
		t.Error("a new value was not kept")
	}
	if _, ok := c.get("k", now.Add(cacheFor)); ok {
		t.Error("a value was kept for too long")
	}
	for i := range cacheSize + 10 {
		c.put(strings.Repeat("x", i%7)+time.Duration(i).String(), entry{loaded: now}, c.generation())
	}
	if len(c.entries) > cacheSize {
		t.Errorf("%d entries", len(c.entries))
	}
}

func TestConcurrentUse(t *testing.T) {
	_, _, js := natstest.Start(t)
	var c clock
	stores := []*Store{start(t, Options{JS: js, Now: c.now}), start(t, Options{JS: js, Now: c.now})}
	token, _ := mustCreate(t, stores[0])
	c.forward(2 * seenEvery) // everybody wants to record the use
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if _, err := stores[i%2].Get(t.Context(), token); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestOptions(t *testing.T) {
	_, _, js := natstest.Start(t)
	log := slog.New(slog.DiscardHandler)
	for _, o := range []Options{{}, {JS: js}, {Log: log}, {JS: js, Log: log, Idle: -1}, {JS: js, Log: log, Replicas: 6}} {
		if _, err := Open(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if keyOf("p-1.x") == keyOf("p-1.y") || len(keyOf("p-1.x")) != len("p-1.")+64 {
		t.Error("keys are not hashes")
	}
}
