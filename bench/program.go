package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// result is one row of the table.
type result struct {
	name        string
	durability  string
	acked       outcome
	stored      float64       // packets per second until the last one could be queried; 0 when not measured
	cpu         time.Duration // of the server and its children, from the first request until stored
	resident    int64
	delay       *outcome // instead of all that: how long something took
	bytesPerRow float64
}

const (
	benchOperator = "bench@example.org"
	benchPassword = "bench-only-password-on-loopback"
	drainDeadline = 2 * time.Minute
)

// program is a running Longwave with what the bench registered in it.
type program struct {
	*process
	dir, tenant, key string
	devices          []string
	tokens           []string
}

func startProgram(ctx context.Context, s settings, durability string) (p *program, err error) {
	dir, err := os.MkdirTemp("", "longwave-bench-")
	if err != nil {
		return nil, err
	}
	p = &program{dir: dir}
	if err := p.setup(ctx, s.binary); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	p.process, err = launch(ctx, "address", s.binary, "serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"),
		"--durability", durability, "--device-packets", "0", "--tenant-packets", "0", "--log-level", "warn")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

func (p *program) setup(ctx context.Context, binary string) error {
	password := filepath.Join(p.dir, "password")
	if err := os.WriteFile(password, []byte(benchPassword), 0o600); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, binary, "setup", "--data", filepath.Join(p.dir, "data"), "--operator", benchOperator,
		"--password-file", password, "--tenant", "Bench", "--json").Output()
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	var answer struct {
		Tenant string `json:"tenant"`
		Key    string `json:"api_key"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return fmt.Errorf("setup answered %q: %w", out, err)
	}
	p.tenant, p.key = answer.Tenant, answer.Key
	return nil
}

func (p *program) register(ctx context.Context, count int) error {
	for i := range count {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+"/manage/v1/devices",
			strings.NewReader(fmt.Sprintf(`{"name":"bench-%d"}`, i)))
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+p.key)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		var device struct{ ID, Token string }
		err = json.NewDecoder(response.Body).Decode(&device)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusCreated {
			return fmt.Errorf("registering a device: status %d: %w", response.StatusCode, err)
		}
		p.devices, p.tokens = append(p.devices, device.ID), append(p.tokens, device.Token)
	}
	return nil
}

func (p *program) close() {
	p.stop()
	os.RemoveAll(p.dir)
}

// drained waits until nothing is left in the lanes: everything acknowledged can be queried.
func (p *program) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainDeadline)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		lag, err := p.metrics(ctx, "longwave_consumer_lag_messages", "")
		if err != nil {
			return err
		}
		if lag == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the lanes did not drain within %s: %g messages left", drainDeadline, lag)
		}
	}
}

// shape is one load of the table.
type shape struct {
	name               string
	connections, batch int
	rate               float64 // packets per second; 0 as fast as it goes
	socket             bool
}

// run sends the shape's load for the duration of one measurement.
func (s shape) run(ctx context.Context, l load) (outcome, error) {
	l.connections, l.batch, l.rate = s.connections, s.batch, s.rate
	if s.socket {
		return l.runSockets(ctx)
	}
	return l.run(ctx)
}

// shapes are the loads of the table; the ones with a rate show latency where nobody is at the limit.
func shapes() []shape {
	return []shape{
		{name: "single posts, 64 connections", connections: 64, batch: 1},
		{name: "single posts, 256 connections", connections: 256, batch: 1},
		{name: "batches of 100, 16 connections", connections: 16, batch: 100},
		{name: "WebSocket, 64 devices, 16 frames in flight", connections: 64, batch: 1, socket: true},
		{name: "single posts on schedule, 10,000/s", connections: 64, batch: 1, rate: 10_000},
		{name: "batches of 100 on schedule, 100,000/s", connections: 16, batch: 100, rate: 100_000},
	}
}

func measureReference(ctx context.Context, s settings) (map[string]result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := launch(ctx, "listening", self, "-bare")
	if err != nil {
		return nil, err
	}
	defer p.stop()
	rows := map[string]result{}
	for _, shape := range shapes() {
		if shape.socket || shape.rate > 0 || !strings.Contains(shape.name, s.only) {
			continue
		}
		before, _ := p.cost()
		got, err := shape.run(ctx, load{address: p.address, tokens: []string{"none"}, duration: s.duration, start: time.Now().Add(-6 * time.Hour).UnixMilli()})
		if err != nil {
			return nil, err
		}
		after, resident := p.cost()
		rows[shape.name] = result{name: shape.name, acked: got, cpu: after - before, resident: resident}
	}
	return rows, nil
}

func measureProgram(ctx context.Context, s settings, durability string) ([]result, error) {
	p, err := startProgram(ctx, s, durability)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := p.register(ctx, 64); err != nil {
		return nil, err
	}
	var rows []result
	// Each load writes its own hour of device time, so that no packet repeats one of another load.
	start := time.Now().Add(-time.Duration(len(shapes())+1) * time.Hour)
	for _, shape := range shapes() {
		start = start.Add(time.Hour)
		if !strings.Contains(shape.name, s.only) {
			continue
		}
		row, err := p.measure(ctx, shape, load{address: p.address, tokens: p.tokens, duration: s.duration, start: start.UnixMilli()})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shape.name, err)
		}
		rows = append(rows, row)
	}
	delays, err := p.measureDelays(ctx, s)
	rows = append(rows, delays...)
	for i := range rows {
		rows[i].durability = durability
	}
	return rows, err
}

func (p *program) measure(ctx context.Context, s shape, l load) (result, error) {
	before, _ := p.cost()
	began := time.Now()
	got, err := s.run(ctx, l)
	if err != nil {
		return result{}, err
	}
	if err := p.drained(ctx); err != nil {
		return result{}, err
	}
	stored := float64(got.packets) / time.Since(began).Seconds()
	fmt.Fprintf(os.Stderr, "bench: %s: %.0f packets/s acknowledged, %.0f until queryable\n", s.name, got.rate(), stored)
	after, resident := p.cost()
	row := result{name: s.name, acked: got, stored: stored, cpu: after - before, resident: resident}
	size, err := p.metrics(ctx, "longwave_store_bytes", `table="readings"`)
	if err != nil {
		return result{}, err
	}
	rows, err := p.metrics(ctx, "longwave_store_rows", `table="readings"`)
	row.bytesPerRow = size / max(rows, 1)
	return row, err
}
