package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// screens are browsers, one for each device, and what they see of its packets.
type screens struct {
	sockets []*websocket.Conn
	readers sync.WaitGroup

	mu   sync.Mutex
	sent map[string]time.Time // by device and packet id
	seen []ack
	err  error // of a socket that ended by itself
}

// watch signs the operator in and opens a live page's socket for each device of the fleet, before it sends.
func (r *rig) watch(ctx context.Context, f *fleet) (*screens, error) {
	browser, err := r.browser(ctx)
	if err != nil {
		return nil, err
	}
	s := &screens{sent: map[string]time.Time{}}
	for _, one := range f.ledger {
		socket, _, err := websocket.Dial(ctx, r.base()+"/t/"+one.device.Tenant+"/live",
			&websocket.DialOptions{HTTPClient: browser, HTTPHeader: http.Header{"Origin": {r.base()}}})
		if err != nil {
			s.close()
			return nil, err
		}
		s.sockets = append(s.sockets, socket)
		socket.SetReadLimit(16 << 20)
		if err := socket.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"sub":1,"topic":"device","device":%q}`, one.device.ID)); err != nil {
			s.close()
			return nil, err
		}
		s.readers.Go(func() { s.read(ctx, socket, one.device.ID) })
	}
	f.leaves = s.leaves
	return s, nil
}

// browser is the operator's, signed in.
func (r *rig) browser(ctx context.Context) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{Jar: jar}
	_, err = r.signIn(ctx, browser)
	return browser, err
}

// leaves remembers when the packets of a request were sent for the first time.
func (s *screens) leaves(from *series, d delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range d.numbers {
		if key := fmt.Sprintf("%s p-%d", from.device.ID, n); s.sent[key].IsZero() {
			s.sent[key] = time.Now()
		}
	}
}

func (s *screens) read(ctx context.Context, socket *websocket.Conn, device string) {
	for {
		_, message, err := socket.Read(ctx)
		if err != nil {
			s.ended(err)
			return
		}
		now := time.Now()
		for line := range bytes.Lines(message) {
			var frame struct{ Packets []struct{ ID string } }
			if err := json.Unmarshal(line, &frame); err != nil {
				s.ended(err)
				return
			}
			s.arrived(device, frame.Packets, now)
		}
	}
}

func (s *screens) ended(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *screens) arrived(device string, packets []struct{ ID string }, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, packet := range packets {
		key := device + " " + packet.ID
		if at, ok := s.sent[key]; ok && !at.IsZero() {
			s.seen = append(s.seen, ack{now, now.Sub(at)})
			delete(s.sent, key)
		}
	}
}

// failed is why a screen went dark, if one did.
func (s *screens) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// quantile is over the packets that came to a screen in the given time.
func (s *screens) quantile(q float64, from, to time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return quantileOf(s.seen, q, from, to)
}

func (s *screens) close() {
	for _, socket := range s.sockets {
		socket.CloseNow()
	}
	s.readers.Wait()
}
