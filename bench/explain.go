package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// explainer stands between the store and the engine and asks, before each question, which granules it is going to read:
// the statements are the store's own, and the store does not know of it.
type explainer struct {
	engine  *http.Client
	forward *httputil.ReverseProxy

	mu    sync.Mutex
	on    bool
	reads map[string]granules // by table
}

type granules struct{ read, all int }

// explain makes the options' connections go through an explainer, until the context ends.
func explain(ctx context.Context, dir string, o *clickhouse.Options) (*explainer, error) {
	socket := filepath.Join(dir, "explain.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	dial, address := o.DialContext, o.Addr[0]
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, address) }, MaxIdleConnsPerHost: 16}
	target := &url.URL{Scheme: "http", Host: address}
	e := &explainer{
		engine:  &http.Client{Transport: transport},
		forward: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: transport, FlushInterval: -1},
	}
	server := &http.Server{Handler: e}
	go server.Serve(listener)
	context.AfterFunc(ctx, func() { server.Close() })
	o.DialContext = func(ctx context.Context, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return e, nil
}

func (e *explainer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock() // one question after the other while they are explained; timing happens when they are not
	if !e.on {
		e.mu.Unlock()
		e.forward.ServeHTTP(w, r)
		e.mu.Lock()
		return
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = e.ask(r, body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	e.forward.ServeHTTP(w, r)
}

func (e *explainer) ask(r *http.Request, sql []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(sql), []byte("SELECT")) || bytes.Contains(sql, []byte("displayName()")) {
		return nil // a connection that introduces itself
	}
	query := r.URL.Query()
	query.Set("default_format", "TSVRaw")
	address := url.URL{Scheme: "http", Host: "engine", Path: "/", RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, address.String(), strings.NewReader("EXPLAIN indexes = 1 "+string(sql)))
	if err != nil {
		return err
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Content-Length")
	response, err := e.engine.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	plan, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("explaining: %s", plan)
	}
	e.tally(string(plan))
	return err
}

// tally adds what a plan reads by the primary key of each table.
func (e *explainer) tally(plan string) {
	table, byKey := "", false
	for line := range strings.Lines(plan) {
		line = strings.TrimSpace(line)
		if _, name, ok := strings.Cut(line, "ReadFromMergeTree ("); ok {
			table, byKey = strings.TrimSuffix(name[strings.IndexByte(name, '.')+1:], ")"), false
		}
		byKey = byKey || line == "PrimaryKey"
		var read, all int
		if n, _ := fmt.Sscanf(line, "Granules: %d/%d", &read, &all); n == 2 && byKey {
			before := e.reads[table]
			e.reads[table], byKey = granules{before.read + read, max(before.all, all)}, false
		}
	}
}

// of asks a question and says which granules it read of how many there are in the months that it is about.
func (e *explainer) of(ask func() error) (string, error) {
	e.mu.Lock()
	e.on, e.reads = true, map[string]granules{}
	e.mu.Unlock()
	err := ask()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.on = false
	var all []string
	for table, g := range e.reads {
		all = append(all, fmt.Sprintf("%s %s of %s", table, count(g.read), count(g.all)))
	}
	slices.Sort(all)
	return strings.Join(all, ", "), err
}
