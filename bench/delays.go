package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// screens is how many browsers watch the same device at once.
const screens = 1000

// toScreens measures the delay to each of many sockets on the same topic.
func (p *program) toScreens(ctx context.Context, duration time.Duration) (outcome, error) {
	sockets := make([]*websocket.Conn, 0, screens)
	defer func() {
		for _, socket := range sockets {
			socket.CloseNow()
		}
	}()
	client, err := p.signIn(ctx)
	if err != nil {
		return outcome{}, err
	}
	for range screens {
		socket, err := p.watch(ctx, client, p.devices[0])
		if err != nil {
			return outcome{}, err
		}
		sockets = append(sockets, socket)
	}
	ctx, cancel := context.WithTimeout(ctx, duration+10*time.Second)
	defer cancel()
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
		got  outcome
	)
	began := time.Now()
	for _, socket := range sockets {
		wait.Go(func() {
			delays := stamped(ctx, socket, int(duration/probeInterval)*9/10)
			mu.Lock()
			defer mu.Unlock()
			got.latencies = append(got.latencies, delays...)
		})
	}
	p.probe(ctx, duration, &stamps{at: map[string]time.Time{}})
	wait.Wait()
	got.packets, got.elapsed = int64(len(got.latencies)), time.Since(began)
	slices.Sort(got.latencies)
	return got, nil
}

// stamped reads frames until enough probes have come, and takes the instant of sending from their ids: a thousand readers
// must not share a table.
func stamped(ctx context.Context, socket *websocket.Conn, enough int) []time.Duration {
	var delays []time.Duration
	for len(delays) < enough {
		_, frame, err := socket.Read(ctx)
		if err != nil {
			return delays // what is missing shows in the number of samples
		}
		arrived := time.Now()
		if bytes.Contains(frame, []byte(`"snapshot"`)) {
			continue
		}
		for _, part := range bytes.Split(frame, []byte(`"probe-`))[1:] {
			digits, _, _ := bytes.Cut(part, []byte("-"))
			if sent, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
				delays = append(delays, arrived.Sub(time.Unix(0, sent)))
			}
		}
	}
	return delays
}

// toQuery posts one packet after the other and asks until the newest one is in the answer of a query.
func (p *program) toQuery(ctx context.Context, duration time.Duration) (outcome, error) {
	var got outcome
	began := time.Now()
	for n := 1; time.Since(began) < duration; n++ {
		sent := time.Now()
		if err := p.post(ctx, p.tokens[1], fmt.Sprintf(`{"fresh":%d}`, n)); err != nil {
			return got, err
		}
		for {
			latest, err := p.latest(ctx, p.devices[1], "fresh")
			if err != nil {
				return got, err
			}
			if latest == float64(n) {
				break
			}
			if time.Since(sent) > drainDeadline {
				return got, fmt.Errorf("packet %d cannot be queried after %s", n, drainDeadline)
			}
		}
		got.latencies = append(got.latencies, time.Since(sent))
	}
	got.packets, got.elapsed = int64(len(got.latencies)), time.Since(began)
	slices.Sort(got.latencies)
	return got, nil
}

func (p *program) post(ctx context.Context, token, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+"/ingest/v1/packets", strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answered %d", response.StatusCode)
	}
	return nil
}

// latest is the newest value of a metric as the management API shows it; 0 when there is none.
func (p *program) latest(ctx context.Context, device, metric string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/manage/v1/devices/"+device+"/latest", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+p.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var answer struct {
		Items []struct {
			Metric string
			V      any
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, err
	}
	for _, item := range answer.Items {
		if value, ok := item.V.(float64); ok && item.Metric == metric {
			return value, nil
		}
	}
	return 0, nil
}
