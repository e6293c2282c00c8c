package tenants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd/natstest"
)

// TestSnapshotAndTailAreTheReplay does random things, writes a snapshot after each step, and compares what a start with
// one of them and the rest of the log makes with what the whole log makes.
func TestSnapshotAndTailAreTheReplay(t *testing.T) {
	s, made, js := claimed(t)
	if _, err := s.CreateTenant(t.Context(), Actor{Person: made.Person.ID}, "Second"); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	root := t.TempDir()
	var dirs []string
	for step := range 200 {
		if err := randomStep(t.Context(), s, made.Tenant.ID, random); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if step%10 != 0 {
			continue
		}
		dir := filepath.Join(root, fmt.Sprint(step))
		if err := errors.Join(os.Mkdir(dir, 0o700), writeSnapshot(dir, s.State())); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	whole := opened(t, Options{JS: js}).State()
	sameState(t, s.State(), whole)
	for _, dir := range dirs {
		again := opened(t, Options{JS: js, SnapshotDir: dir})
		if again.recalled == 0 {
			t.Errorf("%s was not used", dir)
		}
		sameState(t, whole, again.State())
	}
}

// opened is a service that does not run.
func opened(t testing.TB, o Options) *Service {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestUselessSnapshotIsIgnored(t *testing.T) {
	s, made, js := claimed(t)
	mustCreate(t, s, made.Tenant.ID, "pump-7")
	_, _, shorter := natstest.Start(t)
	_, _, other := natstest.Start(t)
	foreign := start(t, Options{JS: other})
	tenant := claim(t, foreign).Tenant.ID
	for i := range 3 {
		mustCreate(t, foreign, tenant, fmt.Sprint("pump-", i))
	}
	for name, c := range map[string]struct {
		js   jetstream.JetStream
		edit func([]byte) []byte
		says string
	}{
		"bit flip":      {js, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, "checksum"},
		"cut off":       {js, func(b []byte) []byte { return b[:len(b)-1] }, "checksum"},
		"nothing in it": {js, func([]byte) []byte { return nil }, "another version"},
		"a newer version": {js, func(b []byte) []byte {
			return bytes.Replace(b, []byte(snapshotMagic), []byte("longwave control snapshot 999\n"), 1)
		}, "another version"},
		"ahead of the log": {shorter, slices.Clone[[]byte], "cut off"},
		"of another log":   {other, slices.Clone[[]byte], "another message"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, snapshotFile)
			if err := writeSnapshot(dir, s.State()); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.edit(data), 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			got := opened(t, Options{JS: c.js, SnapshotDir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if got.recalled != 0 || strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), c.says) {
				t.Errorf("used: %d, log: %s", got.recalled, &log)
			}
			sameState(t, opened(t, Options{JS: c.js}).State(), got.State())
			if again := opened(t, Options{JS: c.js, SnapshotDir: replaced(t, c.js, dir)}); again.recalled != got.State().seq || again.useless {
				t.Errorf("a run did not replace it: the next start is from %d", again.recalled)
			}
		})
	}
}

// replaced is the directory after a service ran with it.
func replaced(t *testing.T, js jetstream.JetStream, dir string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := opened(t, Options{JS: js, SnapshotDir: dir}).Run(ctx); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSnapshotHidesNoHole: a message that is missing before the end of the snapshot is found all the same.
func TestSnapshotHidesNoHole(t *testing.T) {
	log, _ := written(t)
	js := rewritten(t, log)
	stream, err := js.Stream(t.Context(), StreamName)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	whole := rewritten(t, log)
	for _, js := range []jetstream.JetStream{js, whole} {
		if _, err := js.UpdateStream(t.Context(), streamConfig(1)); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := writeSnapshot(dir, opened(t, Options{JS: whole}).State()); err != nil {
		t.Fatal(err)
	}
	var found *ChainError
	if _, err := Open(t.Context(), Options{JS: js, SnapshotDir: dir, Log: slog.New(slog.DiscardHandler)}); !errors.As(err, &found) || found.Damage != Removed || found.From != 7 {
		t.Errorf("Open: %v", err)
	}
}

func TestSnapshotIsForTheProcessAlone(t *testing.T) {
	s, _, _ := claimed(t)
	dir := t.TempDir()
	for range 2 { // the second takes the place of the first
		if err := writeSnapshot(dir, s.State()); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := writeSnapshot(filepath.Join(dir, "missing"), s.State()); err == nil {
		t.Error("written into nothing")
	}
}

// anchorBook is what stands outside the log.
type anchorBook struct {
	sync.Mutex
	list []Anchor
	fail bool
}

func (b *anchorBook) add(_ context.Context, a Anchor) error {
	b.Lock()
	defer b.Unlock()
	if b.fail {
		return errors.New("no room")
	}
	b.list = append(b.list, a)
	return nil
}

func TestKeeper(t *testing.T) {
	_, _, js := natstest.Start(t)
	var book anchorBook
	dir := t.TempDir()
	run := func(work func(*Service)) {
		s := opened(t, Options{JS: js, SnapshotDir: dir, Anchor: book.add})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		work(s)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	run(func(s *Service) {
		tenant := claim(t, s).Tenant.ID
		for i := range snapshotAtStop {
			mustCreate(t, s, tenant, fmt.Sprint("pump-", i))
		}
	})
	const end = 1 + snapshotAtStop
	if n := len(book.list); n == 0 || book.list[n-1].Position != end {
		t.Errorf("anchors after the first run: %v", book.list)
	}
	if again := opened(t, Options{JS: js, SnapshotDir: dir}); again.recalled != end {
		t.Errorf("the snapshot of the stop is at %d", again.recalled)
	}
	before := len(book.list)
	run(func(*Service) {})
	if n := len(book.list); n != before+1 || book.list[n-1].Position != end {
		t.Errorf("anchors after a run that changed nothing: %v", book.list[before:])
	}
	book.fail = true
	run(func(*Service) {})
	if got, err := VerifyChain(t.Context(), js, book.list); err != nil || got.Confirmed != end {
		t.Errorf("verified %+v, %v", got, err)
	}
}
