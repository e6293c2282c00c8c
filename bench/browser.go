package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// probeInterval spaces the timed packets: slower than the page's ten frames a second would hide nothing, faster would
// measure conflation.
const probeInterval = 50 * time.Millisecond

// measureDelays measures how long a packet is on its way to where somebody needs it.
func (p *program) measureDelays(ctx context.Context, s settings) ([]result, error) {
	var rows []result
	add := func(name string, measured outcome, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		rows = append(rows, result{name: name, delay: &measured})
		fmt.Fprintf(os.Stderr, "bench: %s: %s ms, %d samples\n", name, quantiles(measured), measured.packets)
		return nil
	}
	for _, rate := range []float64{0, 5_000} {
		name := "POST to browser"
		if rate > 0 {
			name += fmt.Sprintf(", beside %.0f single posts/s", rate)
		}
		seen, err := p.toBrowser(ctx, s.duration, rate)
		if err := add(name, seen, err); err != nil {
			return rows, err
		}
	}
	seen, err := p.toScreens(ctx, s.duration)
	if err := add(fmt.Sprintf("POST to each of %d browsers, %d posts/s", screens, int(time.Second/probeInterval)), seen, err); err != nil {
		return rows, err
	}
	seen, err = p.toQuery(ctx, s.duration)
	return rows, add("POST to queryable", seen, err)
}

// toBrowser measures from the POST of a packet to its arrival in a page's WebSocket, beside background load.
func (p *program) toBrowser(ctx context.Context, duration time.Duration, background float64) (outcome, error) {
	client, err := p.signIn(ctx)
	if err != nil {
		return outcome{}, err
	}
	socket, err := p.watch(ctx, client, p.devices[0])
	if err != nil {
		return outcome{}, err
	}
	defer socket.CloseNow()
	ctx, cancel := context.WithTimeout(ctx, duration+10*time.Second)
	defer cancel()

	var wait sync.WaitGroup
	defer wait.Wait()
	if background > 0 {
		wait.Go(func() {
			l := load{address: p.address, tokens: p.tokens[1:], connections: 16, batch: 1, rate: background, duration: duration, start: time.Now().Add(-time.Minute).UnixMilli()}
			l.run(ctx)
		})
	}
	sent := &stamps{at: map[string]time.Time{}}
	wait.Go(func() { p.probe(ctx, duration, sent) })
	return collect(ctx, socket, sent, int(duration/probeInterval)*9/10)
}

// stamps remembers when each probe was sent.
type stamps struct {
	sync.Mutex
	at map[string]time.Time
}

// match adds the delay of every probe that a frame brings.
func (s *stamps) match(frame []byte, arrived time.Time, got *outcome) error {
	var update struct {
		Packets []struct {
			ID string `json:"id"`
		} `json:"packets"`
	}
	if err := json.Unmarshal(frame, &update); err != nil {
		return err
	}
	s.Lock()
	defer s.Unlock()
	for _, packet := range update.Packets {
		if at, ok := s.at[packet.ID]; ok {
			got.latencies = append(got.latencies, arrived.Sub(at))
			delete(s.at, packet.ID)
		}
	}
	return nil
}

func (p *program) probe(ctx context.Context, duration time.Duration, sent *stamps) {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for n := range int(duration / probeInterval) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		packet := fmt.Sprintf("probe-%d-%d", time.Now().UnixNano(), n)
		sent.Lock()
		sent.at[packet] = time.Now()
		sent.Unlock()
		if p.post(ctx, p.tokens[0], fmt.Sprintf(`{"id":"%s","values":{"probe":%d}}`, packet, n)) != nil {
			return // the missing samples tell
		}
	}
}

// signIn returns a client with the operator's session.
func (p *program) signIn(ctx context.Context) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar}
	form := url.Values{"email": {benchOperator}, "password": {benchPassword}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("signing in: status %d", response.StatusCode)
	}
	return client, nil
}

// watch opens the socket of the device's page.
func (p *program) watch(ctx context.Context, client *http.Client, device string) (*websocket.Conn, error) {
	base := "http://" + p.address
	socket, _, err := websocket.Dial(ctx, base+"/t/"+p.tenant+"/live", &websocket.DialOptions{HTTPClient: client, HTTPHeader: http.Header{"Origin": {base}}})
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(16 << 20)
	return socket, socket.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"sub":1,"topic":"device","device":%q}`, device))
}

// collect reads frames until it has seen enough probes.
func collect(ctx context.Context, socket *websocket.Conn, sent *stamps, enough int) (outcome, error) {
	var got outcome
	began := time.Now()
	for len(got.latencies) < enough {
		_, frame, err := socket.Read(ctx)
		if ctx.Err() != nil {
			break // what is missing shows in the number of samples
		}
		if err != nil {
			return got, errors.Join(fmt.Errorf("the socket ended after %d of %d probes", len(got.latencies), enough), err)
		}
		arrived := time.Now()
		for line := range bytes.Lines(frame) {
			if err := sent.match(line, arrived, &got); err != nil {
				return got, err
			}
		}
	}
	got.packets, got.elapsed = int64(len(got.latencies)), time.Since(began)
	slices.Sort(got.latencies)
	return got, nil
}
