package main

import (
	"bytes"
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
	acked       outcome
	stored      float64       // packets per second until the last one could be queried; 0 when not measured
	cpu         time.Duration // of the server and its children, from the first request until stored
	resident    int64
	browser     *outcome // POST to browser, when measured
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

// shapes are the loads of the table.
var shapes = []struct {
	name               string
	connections, batch int
}{
	{"single posts, 64 connections", 64, 1},
	{"single posts, 256 connections", 256, 1},
	{"batches of 100, 16 connections", 16, 100},
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
	for _, shape := range shapes {
		l := load{address: p.address, tokens: []string{"none"}, connections: shape.connections, batch: shape.batch, duration: s.duration, start: time.Now().UnixMilli()}
		before, _ := p.cost()
		got, err := l.run(ctx)
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
	start := time.Now().Add(-time.Duration(len(shapes)+1) * time.Hour)
	for _, shape := range shapes {
		start = start.Add(time.Hour)
		if s.only != "" && !strings.Contains(shape.name, s.only) {
			continue
		}
		row, err := p.measure(ctx, load{address: p.address, tokens: p.tokens, connections: shape.connections, batch: shape.batch, duration: s.duration, start: start.UnixMilli()})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shape.name, err)
		}
		row.name = shape.name + ", --durability " + durability
		rows = append(rows, row)
	}
	for _, background := range []int{0, 16} {
		seen, err := p.toBrowser(ctx, s.duration, background)
		if err != nil {
			return nil, fmt.Errorf("to browser: %w", err)
		}
		name := "POST to browser, idle"
		if background > 0 {
			name = fmt.Sprintf("POST to browser, beside %d connections of single posts", background)
		}
		rows = append(rows, result{name: name + ", --durability " + durability, browser: &seen})
	}
	return rows, nil
}

func (p *program) measure(ctx context.Context, l load) (result, error) {
	before, _ := p.cost()
	began := time.Now()
	got, err := l.run(ctx)
	if err != nil {
		return result{}, err
	}
	if err := p.drained(ctx); err != nil {
		return result{}, err
	}
	stored := float64(got.packets) / time.Since(began).Seconds()
	after, resident := p.cost()
	row := result{acked: got, stored: stored, cpu: after - before, resident: resident}
	size, err := p.metrics(ctx, "longwave_store_bytes", `table="readings"`)
	if err != nil {
		return result{}, err
	}
	rows, err := p.metrics(ctx, "longwave_store_rows", `table="readings"`)
	if err != nil {
		return result{}, err
	}
	row.bytesPerRow = size / max(rows, 1)
	return row, nil
}

// print writes the table: every rate of the program also as a ratio to the reference of the same shape and run.
func print(w *os.File, reference map[string]result, rows []result) {
	var b bytes.Buffer
	fmt.Fprintln(&b, "| what | packets/s acknowledged | × bare server | packets/s until queryable | ack p50 / p99 / p99.9 ms | server CPU µs/packet | resident MB | bytes/reading on disk |")
	fmt.Fprintln(&b, "|---|---|---|---|---|---|---|---|")
	for _, shape := range shapes {
		r := reference[shape.name]
		fmt.Fprintf(&b, "| bare net/http, %s | %.0f | 1 | – | %s | %.1f | %d | – |\n", r.name, r.acked.rate(), quantiles(r.acked), perPacket(r), r.resident>>20)
	}
	for _, row := range rows {
		if row.browser != nil {
			fmt.Fprintf(&b, "| %s (%d packets) | – | – | – | %s | – | – | – |\n", row.name, row.browser.packets, quantiles(*row.browser))
			continue
		}
		shape, _, _ := strings.Cut(row.name, ", --durability")
		fmt.Fprintf(&b, "| %s | %.0f | %.2f | %.0f | %s | %.1f | %d | %.1f |\n", row.name, row.acked.rate(),
			row.acked.rate()/reference[shape].acked.rate(), row.stored, quantiles(row.acked), perPacket(row), row.resident>>20, row.bytesPerRow)
	}
	fmt.Fprintln(&b, "\nPackets of four values, 140 bytes of JSON. Generator, server and engine share the machine.")
	w.Write(b.Bytes())
}

func quantiles(o outcome) string {
	ms := func(q float64) float64 { return float64(o.quantile(q).Microseconds()) / 1000 }
	return fmt.Sprintf("%.1f / %.1f / %.1f", ms(0.5), ms(0.99), ms(0.999))
}

func perPacket(r result) float64 {
	return float64(r.cpu.Microseconds()) / float64(max(r.acked.packets, 1))
}
