// Package e2e drives the program from outside, as its users do: the built binary, real processes, HTTP, WebSocket and
// a real browser. Nothing in it knows how the program works inside; it only compares what was promised with what is
// shown. Every process it starts is its own, and ends with the test.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"longwave/processors/engine"
	"longwave/processors/engine/enginetest"
)

const (
	operator = "ada@example.org"
	password = "correct horse battery staple"
	readyIn  = 60 * time.Second // far above what a start takes, so that a slow machine is not a failure
	stopIn   = 60 * time.Second
)

var binary string

func TestMain(m *testing.M) {
	if os.Getenv(engine.ChildEnv) != "" { // an engine that a test started from this binary
		os.Exit(enginetest.Main(m))
	}
	dir, err := os.MkdirTemp("", "longwave-e2e-")
	if err == nil {
		binary = filepath.Join(dir, "longwave")
		build := exec.Command("go", "build", "-o", binary, "longwave")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the program:", err)
		os.Exit(1)
	}
	code := enginetest.Main(m)
	os.RemoveAll(dir)
	os.Exit(code)
}

// program is one running process of an installation.
type program struct {
	t        *testing.T
	command  *exec.Cmd
	base     string // http://host:port
	firstRun string
	banner   string
	exited   chan error
	log      *bytes.Buffer
}

// start runs serve on a data directory and waits until it says that it is ready.
func start(t *testing.T, data string, more ...string) *program {
	t.Helper()
	return startAs(t, binary, data, more...)
}

// startAs is start with another build of the program.
func startAs(t *testing.T, binary, data string, more ...string) *program {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data, "--engine-library", engineLibrary(t)}, more...)
	p := &program{t: t, command: exec.Command(binary, args...), exited: make(chan error, 1), log: &bytes.Buffer{}}
	p.command.Stderr = p.log
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	ready := make(chan struct{})
	go p.read(stdout, ready)
	select {
	case <-ready:
	case err := <-p.exited:
		p.exited <- err
		t.Fatalf("the program ended instead of starting: %v\n%s", err, p.log)
	case <-time.After(readyIn):
		t.Fatalf("not ready after %s\n%s", readyIn, p.log)
	}
	return p
}

// engineLibrary is where npm has put the engine; the binary under test lies elsewhere and would not find it.
func engineLibrary(t *testing.T) string {
	t.Helper()
	library, err := engine.FindLibrary("")
	if err != nil {
		t.Fatal(err)
	}
	return library
}

// read takes the address and the first-run link from the block that is printed at start.
func (p *program) read(stdout io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		p.banner += lines.Text() + "\n"
		name, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), "  ")
		switch name {
		case "address":
			p.base = strings.TrimSpace(value)
		case "first run":
			p.firstRun = strings.TrimSpace(value)
		case "data":
			close(ready) // the last line of the block
		}
	}
	p.exited <- p.command.Wait()
}

// kill ends the process the hard way, as the out-of-memory killer would, and waits until it is gone.
func (p *program) kill() {
	p.command.Process.Kill()
	p.gone()
}

// stop asks politely and reports how the process ended.
func (p *program) stop() error {
	if err := p.command.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	return p.gone()
}

func (p *program) gone() error {
	select {
	case err := <-p.exited:
		p.exited <- err
		return err
	case <-time.After(stopIn):
		p.command.Process.Kill()
		return errors.New("did not stop in time")
	}
}

// enginePID finds the engine among the children of the process. Between two engines there is none for a moment.
func (p *program) enginePID() (pid int) {
	p.t.Helper()
	eventually(p.t, time.Minute, "the engine is a child of the program", func() error {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.command.Process.Pid))
		for _, task := range tasks {
			text, _ := os.ReadFile(task) // a thread may end while we look
			for _, field := range strings.Fields(string(text)) {
				if pid, err = strconv.Atoi(field); err == nil {
					return nil
				}
			}
		}
		return errors.Join(errors.New("no child"), err)
	})
	return pid
}

// installation is what setup printed.
type installation struct {
	data   string
	Tenant string `json:"tenant"`
	Key    string `json:"api_key"`
}

// setup claims a fresh data directory without a browser.
func setup(t *testing.T, more ...string) installation {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := installation{data: filepath.Join(dir, "data")}
	args := append([]string{"setup", "--data", i.data, "--operator", operator, "--password-file", file, "--tenant", "Pumps Ltd", "--json"}, more...)
	out, err := exec.Command(binary, args...).Output()
	if err != nil {
		t.Fatalf("setup: %v\n%s", err, stderr(err))
	}
	if err := json.Unmarshal(out, &i); err != nil || !strings.HasPrefix(i.Key, "lwk_") {
		t.Fatalf("setup answered %q (%v)", out, err)
	}
	return i
}

func stderr(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}

type device struct{ ID, Name, Token string }

func (p *program) register(i installation, name string) device {
	p.t.Helper()
	var d device
	status, body := p.call(http.MethodPost, "/manage/v1/devices", i.Key, fmt.Sprintf(`{"name":%q}`, name))
	if err := json.Unmarshal(body, &d); err != nil || status != http.StatusCreated || !strings.HasPrefix(d.Token, "lwd_") {
		p.t.Fatalf("registering %s: %d %s", name, status, body)
	}
	return d
}

func (p *program) call(method, path, token, body string) (int, []byte) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, answer
}

// readings fetches every stored reading of a series as text lines "t v".
func (p *program) readings(i installation, d device, metric string) ([]string, error) {
	path := fmt.Sprintf("%s/manage/v1/readings?device=%s&metric=%s&from=%s", p.base, d.ID, metric, time.Now().Add(-30*24*time.Hour).UTC().Format(time.RFC3339))
	request, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+i.Key)
	request.Header.Set("Accept", "application/x-ndjson")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return nil, fmt.Errorf("status %d: %s", response.StatusCode, text)
	}
	var lines []string
	scanner := bufio.NewScanner(response.Body)
	for scanner.Scan() {
		var point struct {
			T time.Time `json:"t"`
			V float64   `json:"v"`
		}
		if err := json.Unmarshal(scanner.Bytes(), &point); err != nil {
			return nil, fmt.Errorf("%q: %w", scanner.Text(), err)
		}
		lines = append(lines, fmt.Sprintf("%d %g", point.T.UnixMicro(), point.V))
	}
	return lines, scanner.Err()
}

// eventually waits for a condition; every wait of this package goes through it.
func eventually(t *testing.T, within time.Duration, what string, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		<-tick.C
	}
}
