package engine

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// probing says how often a child is asked for a sign of life, and for how long it may be silent.
type probing struct {
	every, timeout time.Duration
	misses         int
}

// probe asks a child for a sign of life until it is gone, and kills one that gives none: a crash is noticed at once,
// a hang only this way.
func (e *Engine) probe(p *process) {
	defer close(p.probed)
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // each probe is a client that has just come
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", e.config.Socket)
		},
	}}
	for missed := 0; missed < e.probing.misses; {
		select {
		case <-p.gone:
			return
		case <-time.After(e.probing.every):
		}
		missed++
		if e.answers(client, p) {
			missed = 0
		}
	}
	e.o.Log.Error("embedded ClickHouse does not answer and is killed", slog.Int("pid", p.cmd.Process.Pid))
	p.hung.Store(true)
	_ = p.cmd.Process.Kill()
}

// answers asks what every client asks first: it needs no slot, but the engine's cooperation.
func (e *Engine) answers(client *http.Client, p *process) bool {
	ctx, cancel := context.WithTimeout(context.Background(), e.probing.timeout)
	defer cancel()
	go func() { // ends with this probe
		select {
		case <-p.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	at := url.URL{Scheme: "http", Host: "localhost", Path: "/", RawQuery: "default_format=Native&client_protocol_version=1"}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(helloQuery))
	if err != nil {
		return false
	}
	r.SetBasicAuth(userReader, e.config.Reader)
	res, err := client.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	// Any answer is a sign of life: an engine at its memory limit refuses, but lives.
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil
}
