package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"longwave/tenants"
	"longwave/web/handler"
)

// socket is one connection of a device. Its handler reads and hands frames to ingest; one goroutine answers them, one
// watches over the connection, and one keeps it alive. All have ended when serve returns.
type socket struct {
	api     *API
	conn    *websocket.Conn
	wire    *wire         // below conn
	request *http.Request // of the handshake, for the log and the address
	opened  time.Time
	slots   chan struct{} // one for each frame in flight
	frames  sync.WaitGroup
	last    atomic.Int64 // when the client last sent a message, in Unix nanoseconds

	outcomes chan struct{} // has one while the outcome of a frame in flight may be known
	told     func()        // puts it there

	mu       sync.Mutex
	caller   caller
	shown    credential // the zero value until the device is known
	flying   []flying   // in the order in which they came
	stopping bool
	ending   chan struct{} // closed by stop
}

// openSocket is the device's other way in: GET /ingest/v1/ws.
func (a *API) openSocket(w http.ResponseWriter, r *http.Request) error {
	if err := checkHandshake(r); err != nil {
		return err
	}
	s := &socket{
		api: a, request: r, opened: a.now(), slots: make(chan struct{}, maxInFlight), ending: make(chan struct{}),
		caller: caller{request: r}, wire: &wire{}, outcomes: make(chan struct{}, 1),
	}
	s.told = func() {
		select {
		case s.outcomes <- struct{}{}:
		default: // answer has not looked since it was told last
		}
	}
	if len(r.Header.Values("Authorization")) > 0 || r.TLS != nil && len(r.TLS.PeerCertificates) > 0 && r.URL.Query().Has("tenant") {
		c, shown, err := a.identify(r)
		if err != nil {
			a.refused(c, overSocket, handler.Describe(err))
			return err
		}
		s.caller, s.shown = c, shown
	}
	if err := a.sockets.reserve(s.shown.shown); err != nil {
		return socketsUnavailable(err)
	}
	defer func() { a.sockets.release(s, s.shown.shown) }()
	conn, err := websocket.Accept(&upgrader{w, s.wire}, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, // checkHandshake looked at the Origin
	})
	if err != nil {
		return nil //nolint:nilerr // the library has answered the broken handshake
	}
	s.conn = conn
	s.serve(context.WithoutCancel(r.Context()))
	return nil
}

// checkHandshake refuses what is no WebSocket handshake, and handshakes of pages from elsewhere. No cookie is read
// here, so an Origin opens nothing; but no device is a browser on another site, and several libraries name our own host.
func checkHandshake(r *http.Request) error {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return handler.Problem{
			Status: http.StatusUpgradeRequired, Code: "websocket_required", Title: "This is a WebSocket",
			Detail: "This address speaks WebSocket. To send packets with plain HTTP, POST them to /ingest/v1/packets.",
		}.Because(nil)
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if from, err := url.Parse(origin); err == nil && from.Host != "" && strings.EqualFold(from.Host, r.Host) {
		return nil
	}
	return handler.Problem{
		Status: http.StatusForbidden, Code: "origin_refused", Title: "Not from another site",
		Detail: "A device's handshake has no Origin, or one that names this server. Pages of other sites cannot open this socket.",
	}.Because(nil)
}

func socketsUnavailable(cause error) error {
	p := handler.Problem{
		Status: http.StatusServiceUnavailable, Code: "stopping", Title: "The server is stopping",
		Detail: "The server is shutting down or restarting. Connect again in a moment.", RetryAfter: retrySocket,
	}
	if errors.Is(cause, errTooManySockets) {
		p.Code, p.Title = "too_many_sockets", "Too many sockets"
		p.Detail = "The server has as many open sockets as it may have. Connect again later, or POST to /ingest/v1/packets."
	}
	return p.Because(cause)
}

// serve runs the connection to its end.
func (s *socket) serve(ctx context.Context) {
	defer s.cut() // closing what may be closed already
	if !s.api.sockets.add(s) {
		s.close(websocket.StatusGoingAway, reasonStopping)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var children sync.WaitGroup
	defer children.Wait()
	defer cancel()
	children.Go(func() { s.answer(ctx) })
	children.Go(func() { s.watch(ctx) })
	children.Go(func() { s.keepAlive(ctx) })

	if !s.authenticate(ctx) {
		return
	}
	device := s.caller.device
	most := s.api.tenants.LimitsOf(device.Tenant).Sockets
	switch err := s.api.sockets.claim(device.Tenant, device.ID, most); {
	case errors.Is(err, errTenantSockets):
		s.close(closeTooMany, cutReason(s.refuse(s.caller, tooManyForTenant(most)).Detail))
		return
	case err != nil:
		s.close(closeTooMany, fmt.Sprintf("this device has %d sockets already", maxPerDevice))
		return
	}
	defer s.api.sockets.unclaim(device.Tenant, device.ID)
	defer s.frames.Wait()
	s.conn.SetReadLimit(s.api.maxBody)
	s.readFrames(ctx)
}

// authenticate takes the token from the first message unless the handshake had one. The watcher ends the wait.
func (s *socket) authenticate(ctx context.Context) bool {
	if s.shown.shown {
		return true
	}
	s.conn.SetReadLimit(maxCredentials)
	_, message, err := s.conn.Read(ctx)
	if err != nil {
		return false
	}
	var given credentials
	if !strictly(message, &given) || given.Type != "auth" || given.Token == "" {
		s.refuse(s.caller, handler.ErrCredentials)
		s.close(closeBadToken, `the first message must be {"type":"auth","token":"..."}`)
		return false
	}
	c, shown, err := s.api.deviceByBearer(s.caller, given.Token)
	if err != nil {
		s.refuse(c, err)
		s.close(closeFor(err))
		return false
	}
	s.mu.Lock()
	s.caller, s.shown = c, shown
	s.mu.Unlock()
	s.api.sockets.identified()
	return s.writeJSON(map[string]any{"type": "auth", "ok": true, "device": c.device.ID}) == nil
}

// readFrames takes frames until the connection ends. It reads only while fewer than maxInFlight are unanswered and there
// is room for their bodies: a client that does not wait is slowed down by its own connection.
func (s *socket) readFrames(ctx context.Context) {
	endless := context.WithoutCancel(ctx) // closing ends it; a context would have to be watched anew for each frame
	for number := uint64(1); ; number++ {
		s.slots <- struct{}{} // freed by the frames in flight, which end by themselves
		_, reader, err := s.conn.Reader(endless)
		if err != nil {
			return
		}
		message := s.api.bodies.get(s.caller.device.Tenant)
		if !s.readMessage(ctx, message, reader) {
			s.api.bodies.put(message)
			return
		}
		if err = s.api.fitsTenant(s.caller.device.Tenant, len(message.wire)); err == nil {
			err = s.api.bodies.admit(ctx, message, int64(len(message.wire)))
		}
		if err == nil && s.begin() {
			s.take(message, number)
			continue
		}
		if err == nil {
			err = s.whyNot()
		}
		f, _ := readFrame(message.wire, number) // only its name matters now
		s.nack(f.name, err)
		s.api.bodies.put(message)
		<-s.slots
	}
}

// readMessage reads one message; false when the connection has ended, or must because there is no room for the rest.
func (s *socket) readMessage(ctx context.Context, message *body, from io.Reader) bool {
	err := s.api.readWire(ctx, message, from, -1)
	message.plain = message.wire
	s.last.Store(s.api.now().UnixNano())
	if errors.Is(err, errBusy) {
		s.refuse(s.caller, err)
		s.close(websocket.StatusTryAgainLater, "the server is busy, connect again later")
	}
	return err == nil
}

// begin counts a frame as in flight; false when the socket is about to end.
func (s *socket) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.frames.Add(1)
	return true
}

// whyNot says why no more frames are taken.
func (s *socket) whyNot() error {
	if _, err := s.api.again(s.caller, s.shown); err != nil {
		return err
	}
	return socketsUnavailable(errStopping)
}

// nack refuses a frame and tells whoever watches the device.
func (s *socket) nack(name string, err error) {
	p := s.refuse(s.caller, err)
	_ = s.writeJSON(nackOf(name, p)) // the reader notices a dead connection
}

func (s *socket) refuse(c caller, err error) handler.Problem {
	p := s.api.adapter.Explain(s.request, err)
	s.api.refused(c, overSocket, p)
	return p
}

func (s *socket) writeJSON(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("device socket: %w", err)
	}
	return s.write(text)
}

// write sends one message; the wire has a deadline of its own for it.
func (s *socket) write(text []byte) error {
	return s.conn.Write(context.WithoutCancel(s.request.Context()), websocket.MessageText, text)
}

// closeFor is how a connection ends whose token is not, or no longer, good for anything.
func closeFor(err error) (websocket.StatusCode, string) {
	if errors.Is(err, tenants.ErrDisabled) {
		return closeDisabled, "the device is disabled"
	}
	var suspended *tenants.SuspendedError
	if errors.As(err, &suspended) {
		return closeDisabled, cutReason(suspended.Error())
	}
	return closeBadToken, "the credentials are unknown, replaced, over or revoked"
}

// maxCloseReason is what a closing frame has room for.
const maxCloseReason = 123

// cutReason shortens text to whole characters that fit into a closing frame.
func cutReason(text string) string {
	if len(text) <= maxCloseReason {
		return text
	}
	end := maxCloseReason - len("…")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
