package api

import (
	"context"
	"time"

	"github.com/coder/websocket"
)

const (
	subprotocol = "telemetry.v1.json"

	// maxInFlight is how many frames of one socket may be unanswered: at 5 ms to durability it allows 12,800 frames a
	// second, and a stalled broker holds at most this many bodies of it in memory.
	maxInFlight = 64
	// DefaultPingEvery is below the minute after which home routers forget a connection. A pong may take as long, which is
	// longer than any frame in flight can hold up reading.
	DefaultPingEvery = 30 * time.Second
	// maxCredentials is the size of the first message: a token has about sixty characters.
	maxCredentials = 4 << 10

	authTimeout  = 10 * time.Second       // what a client may take to send its token; a TLS handshake over 2G takes three
	recheckEvery = 750 * time.Millisecond // a revoked token is noticed within a second; 20,000 sockets cost 3 % of a core
	idleTimeout  = time.Hour              // a device that reports less often is better off posting
	writeTimeout = 10 * time.Second       // an acknowledgement is small: a line that cannot take it is dead
	retrySocket  = 2 * time.Second        // a restart takes about as long
)

// The close codes of a device socket beside those of RFC 6455; 44xx speaks of the HTTP status xx.
const (
	closeBadToken websocket.StatusCode = 4401
	closeDisabled websocket.StatusCode = 4403
	closeNoToken  websocket.StatusCode = 4408
	closeTooMany  websocket.StatusCode = 4429
)

const reasonStopping = "the server is stopping, connect again"

// watch ends the connection when it must end, with the code that says why. It returns when ctx ends or it has done so.
func (s *socket) watch(ctx context.Context) {
	tick := time.NewTicker(recheckEvery)
	defer tick.Stop()
	ending, answered := s.ending, make(chan struct{})
	for {
		select {
		case <-ctx.Done():
			return
		case <-ending:
			ending = nil
			go func() { s.frames.Wait(); close(answered) }() // serve waits for the same
		case <-answered: // what was taken is answered first
			s.close(websocket.StatusGoingAway, reasonStopping)
			return
		case <-tick.C:
			s.told() // nobody tells when a frame has waited for long enough
			if code, reason := s.verdict(); code != 0 {
				s.stop() // frames may still come until the client agrees to the end: none of them is taken
				s.close(code, reason)
				return
			}
		}
	}
}

// verdict says whether the connection may live on; 0 means yes.
func (s *socket) verdict() (websocket.StatusCode, string) {
	s.mu.Lock()
	c, shown := s.caller, s.shown
	s.mu.Unlock()
	now := s.api.now()
	if !shown.shown {
		if now.Sub(s.opened) < authTimeout {
			return 0, ""
		}
		return closeNoToken, "no token came within ten seconds"
	}
	if _, err := s.api.again(c, shown); err != nil {
		return closeFor(err)
	}
	if last := max(s.last.Load(), s.opened.UnixNano()); now.UnixNano()-last > int64(idleTimeout) {
		return websocket.StatusPolicyViolation, "nothing was sent for an hour"
	}
	return 0, ""
}

// keepAlive pings the client until ctx ends, and cuts a connection at whose other end there is nobody.
func (s *socket) keepAlive(ctx context.Context) {
	tick := time.NewTicker(s.api.pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !s.ping(ctx) {
				s.cut()
				return
			}
		}
	}
}

func (s *socket) ping(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, s.api.pingEvery)
	defer cancel()
	return s.conn.Ping(ctx) == nil
}

// stop asks the connection to end after the frames in flight; the watcher does it.
func (s *socket) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		s.stopping = true
		close(s.ending)
	}
}

// close ends the connection with a code and waits a few seconds for the client to agree.
func (s *socket) close(code websocket.StatusCode, reason string) {
	_ = s.conn.Close(code, reason) // a client that is gone already is what we want
}

// cut ends the connection at once.
func (s *socket) cut() {
	_ = s.conn.CloseNow() // closing what may be closed already
}
