package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A session that has ended is sent nothing more and is told within a second or so.
func TestRevokedSessionIsClosed(t *testing.T) {
	b := newLiveBench(t)
	p := b.open(north)
	p.send(subscribeDevice)
	p.next()
	b.revoked.Store(true)
	began := time.Now()
	if code := p.closed(); code != 4401 {
		t.Errorf("closed with %d, want 4401", code)
	}
	if took := time.Since(began); took > checkEvery+500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

func TestHeartbeat(t *testing.T) {
	p := newLiveBench(t).open(north)
	for beats := 0; beats < 2; {
		f, err := p.read()
		if err != nil {
			t.Fatal(err)
		}
		if f.Beat > 0 {
			beats++
		}
	}
}

// When the server stops, browsers are told to come back, drain waits for them, and new ones are refused.
func TestShutdownSaysGoodbye(t *testing.T) {
	b := newLiveBench(t)
	p := b.open(north)
	p.send(subscribeDevice)
	p.next()
	code := make(chan websocket.StatusCode, 1)
	go func() { code <- p.closed() }()
	b.endHub()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.socket.drain(ctx); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != websocket.StatusGoingAway {
		t.Errorf("closed with %d, want 1001", got)
	}
	if _, response, err := b.dial(north, b.server.URL); err == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new socket is answered with %v, %v; want 503", response, err)
	}
	if err := b.socket.drain(ctx); err != nil {
		t.Errorf("draining again: %v", err)
	}
}

func TestDrainGivesUp(t *testing.T) {
	b := newLiveBench(t)
	b.open(north)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.socket.drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("drain returned %v with a socket still open, want the context's error", err)
	}
}

// One page cannot hold more subscriptions than a page needs.
func TestSubscriptionsAreBounded(t *testing.T) {
	b := newLiveBench(t)
	p := b.open(north)
	for n := range maxTopics {
		p.send(fmt.Sprintf(`{"sub":%d,"topic":"attempts","device":"d-pump"}`, n+1))
		p.next()
	}
	p.send(fmt.Sprintf(`{"sub":%d,"topic":"attempts","device":"d-pump"}`, maxTopics+1))
	if f := p.next(); f.Error == nil || f.Error.Code != "refused" {
		t.Errorf("one subscription too many is answered with %+v", f)
	}
}
