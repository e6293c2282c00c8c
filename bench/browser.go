package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// probeInterval spaces the timed packets: slower than the page's ten frames a second would hide nothing, faster would
// measure conflation.
const probeInterval = 50 * time.Millisecond

// toBrowser measures from the POST of a packet to its arrival in a page's WebSocket, beside background load.
func (p *program) toBrowser(ctx context.Context, duration time.Duration, background int) (outcome, error) {
	socket, err := p.watch(ctx, p.devices[0])
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
			l := load{address: p.address, tokens: p.tokens[1:], connections: background, batch: 1, duration: duration, start: time.Now().Add(-time.Minute).UnixMilli()}
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
		body := fmt.Sprintf(`{"id":"%s","values":{"probe":%d}}`, packet, n)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+"/ingest/v1/packets", strings.NewReader(body))
		if err != nil {
			return
		}
		request.Header.Set("Authorization", "Bearer "+p.tokens[0])
		sent.Lock()
		sent.at[packet] = time.Now()
		sent.Unlock()
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return
		}
		response.Body.Close()
	}
}

// watch signs in as the operator and opens the socket of the device's page.
func (p *program) watch(ctx context.Context, device string) (*websocket.Conn, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar}
	base := "http://" + p.address
	response, err := client.PostForm(base+"/sign-in", url.Values{"email": {benchOperator}, "password": {benchPassword}})
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("signing in: status %d", response.StatusCode)
	}
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
		if err != nil {
			return got, errors.Join(fmt.Errorf("the socket ended after %d of %d probes", len(got.latencies), enough), err)
		}
		arrived := time.Now()
		var update struct {
			Packets []struct {
				ID string `json:"id"`
			} `json:"packets"`
		}
		if err := json.Unmarshal(frame, &update); err != nil {
			return got, err
		}
		sent.Lock()
		for _, packet := range update.Packets {
			if at, ok := sent.at[packet.ID]; ok {
				got.latencies = append(got.latencies, arrived.Sub(at))
				delete(sent.at, packet.ID)
			}
		}
		sent.Unlock()
	}
	got.packets, got.elapsed = int64(len(got.latencies)), time.Since(began)
	slices.Sort(got.latencies)
	return got, nil
}
