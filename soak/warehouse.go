package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"longwave/processors/engine"
)

// warehouse is a ClickHouse of its own beside the program, as an operator would have one: the engine in a process of its
// own, behind a proxy that can lose answers on their way back.
type warehouse struct {
	engine *engine.Engine
	log    *os.File
	server *http.Server
	url    string

	mu   sync.Mutex
	lose func(table string) bool // asked for every insert that has committed; nil loses nothing
	lost map[string]int          // answers that were lost, by table
}

// errLost marks an answer that is not passed on.
var errLost = errors.New("the answer is lost on purpose")

func newWarehouse(ctx context.Context, s *settings, dir string) (*warehouse, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "clickhouse.log"))
	if err != nil {
		return nil, err
	}
	w := &warehouse{log: log, lost: map[string]int{}}
	w.engine, err = engine.Start(ctx, engine.Options{
		Dir: filepath.Join(dir, "clickhouse"), Library: s.library, Command: []string{s.binary, "engine"}, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.close()
		return nil, err
	}
	account := w.engine.Connect().Auth
	address := url.URL{Scheme: "http", User: url.UserPassword(account.Username, account.Password), Host: listener.Addr().String(), Path: "/longwave"}
	w.url = address.String()
	w.server = &http.Server{Handler: w.proxy(log)}
	go w.server.Serve(listener) // ends with close
	return w, nil
}

// proxy forwards everything to the engine. The answer to an insert comes back when the insert has committed; to lose it
// then is what a broken network does at the worst moment.
func (w *warehouse) proxy(log io.Writer) http.Handler {
	connect := w.engine.Connect()
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "clickhouse" },
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true,
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				return connect.DialContext(ctx, address)
			}},
		ModifyResponse: func(r *http.Response) error {
			if table, ok := r.Request.Context().Value(insertInto{}).(string); ok && r.StatusCode == http.StatusOK && w.loses(table) {
				return errLost
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     slog.NewLogLogger(slog.NewTextHandler(log, nil), slog.LevelDebug),
	}
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		body := bufio.NewReader(in.Body)
		head, _ := body.Peek(len("INSERT INTO ") + 32) // a shorter statement is no insert of ours
		in.Body = io.NopCloser(body)
		if rest, ok := strings.CutPrefix(strings.TrimSpace(in.URL.Query().Get("query")+string(head)), "INSERT INTO "); ok {
			in = in.WithContext(context.WithValue(in.Context(), insertInto{}, strings.FieldsFunc(rest, notOfName)[0]))
		}
		forward.ServeHTTP(out, in)
	})
}

// insertInto is the key of the name of the table into which a request inserts.
type insertInto struct{}

func notOfName(r rune) bool { return r != '_' && (r < '0' || r > 'z') }

func (w *warehouse) loses(table string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lose == nil || !w.lose(table) {
		return false
	}
	w.lost[table]++
	return true
}

// loseAnswers sets which answers are lost from now on.
func (w *warehouse) loseAnswers(which func(table string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = which
}

// lostAnswers is how many were lost, in all and of those to inserts of readings.
func (w *warehouse) lostAnswers() (all, readings int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.lost {
		all += n
	}
	return all, w.lost["readings"]
}

func (w *warehouse) close() {
	if w.server != nil {
		w.server.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopIn)
	defer cancel()
	_ = w.engine.Close(ctx) // its files are removed with the scenario's
	w.log.Close()
}
