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

const (
	// probeInterval spaces the timed packets: slower than the page's ten frames a second would hide nothing, faster would
	// measure conflation.
	probeInterval = 50 * time.Millisecond
	// screens is how many browsers watch at once.
	screens = 1000
	// pollInterval spaces questions for a packet that is not there yet, so that asking is not what is measured.
	pollInterval = 10 * time.Millisecond
)

// measureDelays measures how long a packet is on its way to where somebody needs it, and what many screens cost.
func measureDelays(ctx context.Context, b *bench) ([]table, error) {
	p, err := startProgram(ctx, b.settings, programOptions{durability: "disk", devices: benchDevices})
	if err != nil {
		return nil, err
	}
	defer p.close()
	delays := table{
		title:   "Delays",
		columns: []string{"from the post of a packet", "beside", "samples", "p50 / p99 / p99.9 ms"},
		note:    "With `--durability disk`. Browsers get at most ten frames a second, which is where 50 ms at the median come from.",
	}
	half := load{form: arrays(), connections: 64, batch: 1, rate: targetSingleDisk / 2}
	for _, one := range []struct {
		what    string
		beside  load
		measure func(context.Context, time.Duration) (outcome, error)
	}{
		{"to a browser", load{}, func(ctx context.Context, d time.Duration) (outcome, error) { return p.toScreens(ctx, d, 1) }},
		{"to a browser", half, func(ctx context.Context, d time.Duration) (outcome, error) { return p.toScreens(ctx, d, 1) }},
		{fmt.Sprintf("to each of %d browsers", screens), load{}, func(ctx context.Context, d time.Duration) (outcome, error) { return p.toScreens(ctx, d, screens) }},
		{"to the answer of a query", load{}, p.toQuery},
		{"to the answer of a query", half, p.toQuery},
	} {
		got, err := p.beside(ctx, one.beside, b.duration, one.measure)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.what, err)
		}
		name := "nothing"
		if one.beside.rate > 0 {
			name = number(one.beside.rate) + " single posts/s"
		}
		delays.rows = append(delays.rows, []string{one.what, name, fmt.Sprint(got.packets), quantiles(got)})
		progress("%s beside %s: %s ms", one.what, name, quantiles(got))
	}
	fan, err := p.fanOut(ctx, b.duration)
	return []table{delays, fan}, err
}

// beside measures while a load runs, and waits until its packets are stored.
func (p *program) beside(ctx context.Context, l load, duration time.Duration, measure func(context.Context, time.Duration) (outcome, error)) (outcome, error) {
	if l.rate == 0 {
		return measure(ctx, duration)
	}
	l.address, l.tokens, l.duration, l.start = p.address, p.tokens[2:], duration+time.Second, time.Now().Add(-time.Hour).UnixMilli()
	failed := make(chan error, 1)
	go func() {
		_, err := l.run(ctx)
		failed <- err
	}()
	got, err := measure(ctx, duration)
	if failure := <-failed; err == nil {
		err = failure
	}
	if err == nil {
		err = p.drained(ctx)
	}
	return got, err
}

// toScreens measures the delay to each of many sockets on the page of one device.
func (p *program) toScreens(ctx context.Context, duration time.Duration, count int) (outcome, error) {
	sockets, err := p.watchers(ctx, count)
	defer sockets.close()
	if err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, duration+10*time.Second)
	defer cancel()
	probes := int(duration / probeInterval)
	var all outcomes
	var wait sync.WaitGroup
	for _, socket := range sockets {
		wait.Go(func() { all.add(stamped(ctx, socket, probes), nil) })
	}
	err = p.probe(ctx, probes)
	wait.Wait()
	if missing := int64(probes*count) - all.packets; err == nil && missing > 0 {
		err = fmt.Errorf("%d of %d deliveries never came", missing, probes*count)
	}
	slices.Sort(all.latencies)
	return all.outcome, err
}

// probe posts packets whose ids say when they were sent.
func (p *program) probe(ctx context.Context, count int) error {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for n := range count {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := p.post(ctx, p.tokens[0], fmt.Sprintf(`{"id":"probe-%d-%d","values":{"probe":%d}}`, time.Now().UnixNano(), n, n)); err != nil {
			return err
		}
	}
	return nil
}

// stamped reads frames until enough probes have come, and takes the instant of sending from their ids: a thousand readers
// must not share a table.
func stamped(ctx context.Context, socket *websocket.Conn, enough int) (got outcome) {
	for got.packets < int64(enough) {
		_, frame, err := socket.Read(ctx)
		if err != nil {
			return got // what is missing is counted
		}
		arrived := time.Now()
		if bytes.Contains(frame, []byte(`"snapshot"`)) {
			continue
		}
		for _, part := range bytes.Split(frame, []byte(`"probe-`))[1:] {
			digits, _, _ := bytes.Cut(part, []byte("-"))
			if sent, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
				got.latencies, got.packets = append(got.latencies, arrived.Sub(time.Unix(0, sent))), got.packets+1
			}
		}
	}
	return got
}

// toQuery posts one packet after the other and asks until the newest one is in the answer of a query.
func (p *program) toQuery(ctx context.Context, duration time.Duration) (outcome, error) {
	var got outcome
	for began, n := time.Now(), 1; time.Since(began) < duration; n++ {
		sent := time.Now()
		value := float64(sent.UnixMicro())
		if err := p.post(ctx, p.tokens[1], fmt.Sprintf(`{"fresh":%.0f}`, value)); err != nil {
			return got, err
		}
		for latest := 0.0; latest != value; {
			if time.Since(sent) > drainDeadline {
				return got, fmt.Errorf("packet %d cannot be queried after %s", n, drainDeadline)
			}
			err := sleep(ctx, pollInterval)
			if err == nil {
				latest, err = p.latest(ctx, p.devices[1], "fresh")
			}
			if err != nil {
				return got, err
			}
		}
		got.latencies, got.packets = append(got.latencies, time.Since(sent)), got.packets+1
	}
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
