package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/processors/engine/enginetest"
	"longwave/tenants"
	"longwave/tenants/id"
)

// The engine's child is started from this test binary.
func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// step is one line of the picture: where the packet is, and the verb of what happens to it there.
type step struct{ room, verb string }

// lifeOfAPacket reads the picture in DESIGN.md.
func lifeOfAPacket(t *testing.T) []step {
	t.Helper()
	text, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "## Life of a packet")
	_, picture, _ := strings.Cut(rest, "```\n")
	picture, _, ok := strings.Cut(picture, "```")
	if !ok {
		t.Fatal("DESIGN.md has lost the picture of a packet's life")
	}
	line := regexp.MustCompile(`^\s*\d+\s+(ingest|telemetry|processors|store)\s+([A-Z]\w+(?:, [A-Z]\w+)*)`)
	var steps []step
	for text := range strings.Lines(picture) {
		if found := line.FindStringSubmatch(text); found != nil {
			for verb := range strings.SplitSeq(found[2], ", ") {
				steps = append(steps, step{found[1], verb})
			}
		}
	}
	return steps
}

// functions lists the functions and methods of a package, with a capital first letter.
func functions(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files (%v)", dir, err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && !strings.HasSuffix(file, "_test.go") {
				names[strings.ToUpper(f.Name.Name[:1])+f.Name.Name[1:]] = true
			}
		}
	}
	return names
}

// The picture of a packet's life names functions, in the rooms where they are, and the packet really passes through:
// what was posted over HTTP can be queried over HTTP from the real engines.
func TestLifeOfAPacket(t *testing.T) {
	steps := lifeOfAPacket(t)
	if len(steps) < 9 {
		t.Fatalf("the picture has only %d steps: %v", len(steps), steps)
	}
	dirs := map[string]string{"ingest": "ingest", "telemetry": "ingest/telemetry", "processors": "processors", "store": "processors/store"}
	for _, s := range steps {
		if !functions(t, dirs[s.room])[s.verb] {
			t.Errorf("the picture says that %s does %s, but it has no such function", s.room, s.verb)
		}
	}

	p := startPlatform(t)
	first := p.claim(t)
	device, token, err := p.tenants.CreateDevice(t.Context(), tenants.Actor{System: "test"}, first, tenants.NewDevice{Name: "pump-7"})
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := p.tenants.CreateKey(t.Context(), tenants.Actor{System: "test"}, first, tenants.NewKey{Name: "script", Role: tenants.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Format(time.RFC3339Nano)
	status, body := p.request(t, http.MethodPost, "/ingest/v1/packets", token, `{"id":"one","ts":"`+now+`","values":{"temp":21.5}}`)
	if status != http.StatusOK || !strings.Contains(body, `"packet_ids":["one"]`) {
		t.Fatalf("posting: %d %s", status, body)
	}
	p.eventually(t, "the reading can be queried", func() error {
		status, body := p.request(t, http.MethodGet, "/manage/v1/devices/"+string(device.ID)+"/latest", key, "")
		if status != http.StatusOK || !strings.Contains(body, "21.5") {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
}

// running is the whole program in this process, on a free port and a fresh directory.
type running struct {
	*platform
	base string
}

func startPlatform(t *testing.T, change ...func(*config)) *running {
	t.Helper()
	out := &announcement{ready: make(chan struct{})}
	c := config{Listen: "127.0.0.1:0", Data: t.TempDir(), Durability: "disk", natsConfig: natsConfig{NATSReplicas: 1}, LaneBytes: minLaneBytes, LogLevel: "warn"}
	for _, edit := range change {
		edit(&c)
	}
	p := &platform{config: &c, log: c.logger(), stdout: out, registry: prometheus.NewRegistry(), began: time.Now()}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the program did not stop in order: %v", err)
		}
	})
	select {
	case <-out.ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("the program did not start: %v", err)
	}
	return &running{platform: p, base: p.address()}
}

// announcement is standard output until the block at the start is complete.
type announcement struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
	once  sync.Once
}

func (a *announcement) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if bytes.Contains(p, []byte("  data ")) {
		a.once.Do(func() { close(a.ready) })
	}
	return a.text.Write(p)
}

// claim makes the first operator and returns the first tenant.
func (r *running) claim(t *testing.T) id.Tenant {
	t.Helper()
	claimed, err := r.tenants.Claim(t.Context(), tenants.Actor{System: "test"}, tenants.Claim{
		Email: "ada@example.org", Name: "Ada", Password: "correct horse battery staple", Tenant: "Pumps Ltd",
	})
	if err != nil {
		t.Fatal(err)
	}
	return claimed.Tenant.ID
}

func (r *running) request(t *testing.T, method, path, token, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if json.Valid([]byte(body)) {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultTransport.RoundTrip(request) // no redirects: they are answers too
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func (r *running) eventually(t *testing.T, what string, condition func() error) {
	t.Helper()
	deadline, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}
