package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	operator = "soak@example.org"
	password = "soak-only-password-on-loopback"
)

// rig is one installation under test: its files, its process and its devices.
type rig struct {
	settings    *settings
	dir         string // of everything of this scenario
	data        string
	flags       []string // of serve, besides the usual ones and outside
	environment []string // besides what this program was given
	outside     []string // say where the brokers and ClickHouse are, when they are not inside; serve and verify take them
	log         *os.File
	process     *process
	address     atomic.Pointer[string]
	tenant      string
	key         string
	fleet       *fleet
	starts      []time.Duration
}

// device is who sends, and the key of its tenant, which asks what became of it.
type device struct{ ID, Name, Token, Tenant, Key string }

// plan says what an installation is to be like.
type plan struct {
	name        string
	data        string // where the data directory shall be; empty means beside everything else of the scenario
	shape       shape
	tenants     int    // among which the devices are divided; one, if it is zero
	names       string // begins the names of what populate makes
	flags       []string
	outside     []string
	environment []string
}

// newRig claims a fresh installation, registers its tenants and devices, and starts it.
func newRig(ctx context.Context, s *settings, p plan) (*rig, error) {
	r := &rig{settings: s, dir: filepath.Join(s.dir, p.name), data: p.data, flags: p.flags, outside: p.outside, environment: p.environment}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, err
	}
	if r.data == "" {
		r.data = filepath.Join(r.dir, "data")
	}
	var err error
	if r.log, err = os.OpenFile(filepath.Join(r.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	if err := r.setup(ctx); err != nil {
		return nil, err
	}
	if p.tenants > 1 {
		devices, err := populate(ctx, r.data, p)
		if err != nil {
			return nil, err
		}
		r.fleet = newFleet(p.shape, devices, r.base)
		return r, r.start(ctx)
	}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	return r, r.enlist(ctx, p.shape)
}

// enlist registers the devices.
func (r *rig) enlist(ctx context.Context, sh shape) error {
	var devices []device
	for n := range sh.devices {
		d, err := r.register(ctx, fmt.Sprintf("device-%d", n))
		if err != nil {
			return err
		}
		devices = append(devices, d)
	}
	r.fleet = newFleet(sh, devices, r.base)
	return nil
}

func (r *rig) setup(ctx context.Context) error {
	file := filepath.Join(r.dir, "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, r.settings.binary, "setup", "--data", r.data, "--operator", operator,
		"--password-file", file, "--tenant", "Soak", "--json")
	command.Stderr = r.log
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	var claimed struct {
		Tenant string `json:"tenant"`
		Key    string `json:"api_key"`
	}
	if err := json.Unmarshal(out, &claimed); err != nil || claimed.Key == "" {
		return fmt.Errorf("setup answered %q: %w", out, err)
	}
	r.tenant, r.key = claimed.Tenant, claimed.Key
	return nil
}

// start runs the program and returns when it says that it is ready in every part.
func (r *rig) start(ctx context.Context) error {
	began := time.Now()
	if err := r.launch(); err != nil {
		return err
	}
	if err := until(ctx, readyIn, "ready", func() error { return r.ready(ctx) }); err != nil {
		return err
	}
	r.starts = append(r.starts, time.Since(began))
	return nil
}

// launch runs the program and returns when it listens.
func (r *rig) launch() (err error) {
	argv := append([]string{r.settings.binary, "serve", "--listen", "127.0.0.1:0", "--data", r.data, "--engine-library", r.settings.library,
		"--device-packets", "0", "--tenant-packets", "0", "--log-level", "info"}, slices.Concat(r.outside, r.flags)...)
	if r.process, err = launch(r.log, r.environment, "data", argv...); err != nil {
		return err
	}
	base := r.process.words["address"]
	r.address.Store(&base)
	return nil
}

func (r *rig) base() string { return *r.address.Load() }

func (r *rig) ready(ctx context.Context) error {
	status, body, err := r.call(ctx, http.MethodGet, "/readyz", "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("readyz answers %d: %s", status, body)
	}
	return err
}

// close ends what runs and removes the files of a scenario that went well.
func (r *rig) close(keep bool) {
	if r.process != nil {
		r.process.kill()
	}
	r.log.Close()
	if !keep {
		os.RemoveAll(r.dir)
	}
}

func (r *rig) slowestStart() time.Duration {
	var slowest time.Duration
	for _, took := range r.starts {
		slowest = max(slowest, took)
	}
	return slowest
}

func (r *rig) register(ctx context.Context, name string) (device, error) {
	status, body, err := r.call(ctx, http.MethodPost, "/manage/v1/devices", fmt.Sprintf(`{"name":%q}`, name))
	if err != nil {
		return device{}, err
	}
	var d device
	if err := json.Unmarshal(body, &d); err != nil || status != http.StatusCreated || d.Token == "" {
		return d, fmt.Errorf("registering %s: %d %s: %w", name, status, body, err)
	}
	d.Tenant, d.Key = r.tenant, r.key
	return d, nil
}

func (r *rig) call(ctx context.Context, method, path, body string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, r.base()+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", "Bearer "+r.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, text, err
}

// metric adds up one of the program's own figures over its labels.
func (r *rig) metric(ctx context.Context, name string) (float64, error) {
	_, text, err := r.call(ctx, http.MethodGet, "/metrics", "")
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		value, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, fmt.Errorf("/metrics has no %s", name)
	}
	return sum, nil
}

// drained waits until the lanes are empty.
func (r *rig) drained(ctx context.Context, within time.Duration) error {
	return until(ctx, within, "the lanes are empty", func() error {
		lag, err := r.metric(ctx, "longwave_consumer_lag_messages")
		if err == nil && lag > 0 {
			err = fmt.Errorf("%g messages left", lag)
		}
		return err
	})
}

// judge delivers what is left, waits until it can be queried, compares, and stops the program. What is lost after the lanes are empty stays
// lost: waiting longer would only hide that an acknowledgement came before its packets could be seen.
func (r *rig) judge(ctx context.Context) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, judgedIn)
	defer cancel()
	if err := r.fleet.finish(ctx); err != nil {
		return verdict{}, err
	}
	if err := r.drained(ctx, 5*time.Minute); err != nil {
		return verdict{}, err
	}
	if r.settings.rest > 0 { // so that the windows themselves are asked, not the readings of those that are due
		wait(ctx, r.settings.rest)
	}
	v, err := judge(r.fleet.ledger, &shown{rig: r, ctx: ctx, patience: comeAgainFor})
	if err != nil {
		return v, err
	}
	return v, r.verify(ctx, &v)
}

// judgedIn is far above what comparing takes, a thousand tenants on a machine that does other things included.
const judgedIn = 30 * time.Minute

var errNotRun = errors.New("not run")
