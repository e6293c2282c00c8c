package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// server answers as Longwave does, with a script of refusals in front.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	script   []func(http.ResponseWriter)      // answers to give before any other, one for each request with packets
	known    map[string]string                // token → name
	facts    map[string]map[string]sentPacket // name → packet id → packet
	bodies   []string                         // of all requests with packets
	repeated int                              // packets that came again with other content
	created  int
	enough   func(s *server) bool
	done     chan struct{} // closed when enough
}

type sentPacket struct {
	ID     string
	TS     time.Time
	Kind   string
	Values map[string]any
}

func newServer(t *testing.T, enough func(*server) bool) *server {
	s := &server{known: make(map[string]string), facts: make(map[string]map[string]sentPacket), enough: enough, done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /manage/v1/devices", s.create)
	mux.HandleFunc("POST /ingest/v1/packets", s.take)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *server) create(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var wanted struct{ Name string }
	if r.Header.Get("Authorization") != "Bearer lwk_test" || json.NewDecoder(r.Body).Decode(&wanted) != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.created++
	token := fmt.Sprintf("lwd_%d", s.created)
	s.known[token] = wanted.Name
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(map[string]string{"id": fmt.Sprintf("d-%d", s.created), "name": wanted.Name, "token": token})
}

func (s *server) take(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body bytes.Buffer
	body.ReadFrom(r.Body)
	s.bodies = append(s.bodies, body.String())
	name, known := s.known[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !known {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if len(s.script) > 0 {
		answer := s.script[0]
		s.script = s.script[1:]
		answer(w)
		return
	}
	var packets []sentPacket
	if err := json.Unmarshal(body.Bytes(), &packets); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.keep(name, packets)
	json.NewEncoder(w).Encode(map[string]any{"accepted": len(packets)})
	if s.enough(s) {
		select {
		case <-s.done:
		default:
			close(s.done)
		}
	}
}

func (s *server) keep(name string, packets []sentPacket) {
	if s.facts[name] == nil {
		s.facts[name] = make(map[string]sentPacket)
	}
	for _, p := range packets {
		if before, seen := s.facts[name][p.ID]; seen && fmt.Sprint(before) != fmt.Sprint(p) {
			s.repeated++
		}
		s.facts[name][p.ID] = p
	}
}

func status(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// cut ends the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

// simulateUntil runs the simulator until the server has enough.
func simulateUntil(t *testing.T, s *server, c Config) string {
	t.Helper()
	var out bytes.Buffer
	c.URL, c.Key, c.Prefix, c.Out, c.InFlight = s.URL, "lwk_test", "sim-", &out, 4
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	if c.Tokens == "" {
		c.Tokens = filepath.Join(t.TempDir(), "tokens.json")
	}
	if c.Speed == 0 {
		c.Speed = 60
	}
	if c.Rate == 0 {
		c.Rate = 100
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		select {
		case <-s.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := Run(ctx, c); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.done:
	default:
		t.Fatalf("the server did not get enough: %s", out.String())
	}
	return out.String()
}

const recordedFile = "timestamp,value\n2014-07-01 00:00:00,10\n2014-07-01 00:05:00,11\n2014-07-01 00:10:00,12.5\n2014-07-01 00:15:00,9\n"

func TestReplaySendsEveryReadingOnceInSpiteOfRefusals(t *testing.T) {
	s := newServer(t, func(s *server) bool { return len(s.facts["sim-machine-temperature"]) >= 1000 })
	s.script = []func(http.ResponseWriter){status(429, "Retry-After", "0.01"), status(503), cut, status(500), status(429)}
	file := filepath.Join(t.TempDir(), "machine_temperature.csv")
	if err := os.WriteFile(file, []byte(recordedFile), 0o600); err != nil {
		t.Fatal(err)
	}
	out := simulateUntil(t, s, Config{Replay: []string{file}, Backfill: time.Hour, Speed: 100})

	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 1; i < 6; i++ {
		if s.bodies[i] != s.bodies[0] {
			t.Errorf("attempt %d has another body than the first", i)
		}
	}
	if s.repeated > 0 {
		t.Errorf("%d packet ids came again with other content", s.repeated)
	}
	// 5 minutes at a hundred times the speed are 3 s: the first hour is 1200 readings, values 10 11 12.5 9 in turn.
	sum := 0.0
	for _, p := range s.facts["sim-machine-temperature"] {
		sum += p.Values["temperature"].(float64)
	}
	if mean := sum / float64(len(s.facts["sim-machine-temperature"])); mean < 10.6 || mean > 10.65 {
		t.Errorf("mean of values is %v, want 10.625", mean)
	}
	if !strings.Contains(out, "retries 5 ") || !strings.Contains(out, "refused 0 ") {
		t.Errorf("the report says %q", out)
	}
}

func TestTokensAreKeptAndReplacedWhenUnknown(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens.json")
	s := newServer(t, func(s *server) bool { return len(s.facts["sim-machine-0001"]) > 3 })
	run := func() {
		s.mu.Lock()
		s.done, s.facts = make(chan struct{}), make(map[string]map[string]sentPacket)
		s.mu.Unlock()
		simulateUntil(t, s, Config{Devices: 2, Tokens: tokens})
	}
	run()
	run()
	if s.created != 2 {
		t.Fatalf("%d devices were created, want 2", s.created)
	}
	info, err := os.Stat(tokens)
	if err != nil || info.Mode().Perm() != private {
		t.Fatalf("file of tokens: %v, %v", info, err)
	}
	s.mu.Lock()
	s.known = make(map[string]string) // as if both devices had been deleted
	s.mu.Unlock()
	run()
	if s.created != 4 {
		t.Fatalf("%d devices were created in all, want 4", s.created)
	}
}

func TestRefusalsForGoodAreCounted(t *testing.T) {
	s := newServer(t, func(s *server) bool { return len(s.facts["sim-machine-0001"]) > 0 })
	s.script = []func(http.ResponseWriter){status(http.StatusBadRequest)}
	out := simulateUntil(t, s, Config{Devices: 1})
	if strings.Contains(out, "refused 0 ") || !strings.Contains(out, "retries 0 ") {
		t.Errorf("the report says %q", out)
	}
}

func TestAllDevicesTurnedAwayIsAnError(t *testing.T) {
	s := newServer(t, func(*server) bool { return false })
	s.script = []func(http.ResponseWriter){status(http.StatusForbidden), status(http.StatusForbidden)}
	c := Config{URL: s.URL, Key: "lwk_test", Tokens: filepath.Join(t.TempDir(), "t"), Devices: 2, Speed: 1, Rate: 1000, InFlight: 1, Out: io.Discard, Log: slog.New(slog.DiscardHandler)}
	if err := Run(t.Context(), c); !errors.Is(err, ErrTurnedAway) {
		t.Fatalf("got %v", err)
	}
	c.Key = "lwk_other"
	c.Tokens += "2"
	if err := Run(t.Context(), c); !errors.Is(err, ErrRegister) || !strings.Contains(err.Error(), "401") {
		t.Fatalf("with a key that is none: %v", err)
	}
}

func TestHostReportsItself(t *testing.T) {
	h, err := newHostSource("sim-", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, v := range h.next(t.Context()).Values {
		values[v.Name] = v.Num
	}
	for _, name := range []string{"cpu_percent", "memory_percent", "disk_percent", "memory_available_bytes"} {
		if v, found := values[name]; !found || v < 0 {
			t.Errorf("%s: %v, found %v", name, v, found)
		}
	}
	if !h.due().After(time.Now()) {
		t.Error("the next packet is due at once")
	}
}

func TestConfigNamesTheSetting(t *testing.T) {
	good := Config{URL: "http://x", Key: "lwk_x", Tokens: "f", Speed: 1, Rate: 1, InFlight: 1, Devices: 1}
	for flag, spoil := range map[string]func(*Config){
		"--url":       func(c *Config) { c.URL = "longwave" },
		"--key":       func(c *Config) { c.Key = "secret" },
		"--speed":     func(c *Config) { c.Speed = 0 },
		"--rate":      func(c *Config) { c.Rate = -1 },
		"--backfill":  func(c *Config) { c.Backfill = -time.Second },
		"--devices":   func(c *Config) { c.Devices = maxDevices + 1 },
		"--in-flight": func(c *Config) { c.InFlight = 0 },
		"--host":      func(c *Config) { c.Devices = 0 },
		"--replay":    func(c *Config) { c.Replay = []string{"/does/not/exist"} },
	} {
		c := good
		spoil(&c)
		err := Run(t.Context(), c)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: got %v", flag, err)
		}
	}
}
