package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger remembers every packet that was acknowledged, to compare it with what the program shows.
type ledger struct {
	mu       sync.Mutex
	acked    map[string][]string // device id → "t v"
	accepted atomic.Int64
}

// sender posts packets for one device until its context ends. A packet without a 200 is sent again with the same id and
// content, as a device would, so that repetitions are part of every test.
type sender struct {
	ledger *ledger
	device device
	base   func() string // the address may change when the program starts again
	first  time.Time     // device time of the first packet
	batch  int
}

func (s *sender) run(ctx context.Context) {
	client := &http.Client{Timeout: 10 * time.Second}
	for n := 0; ctx.Err() == nil; {
		body, facts := s.packets(n)
		status, err := s.post(ctx, client, body)
		if err == nil && status == http.StatusOK {
			s.ledger.mu.Lock()
			s.ledger.acked[s.device.ID] = append(s.ledger.acked[s.device.ID], facts...)
			s.ledger.mu.Unlock()
			s.ledger.accepted.Add(int64(len(facts)))
			n += s.batch
			continue
		}
		s.pause(ctx)
	}
}

// pause waits a moment before the repetition, as every client with manners does.
func (s *sender) pause(ctx context.Context) {
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (s *sender) packets(n int) (string, []string) {
	var lines, facts []string
	for i := n; i < n+s.batch; i++ {
		at := s.first.Add(time.Duration(i) * time.Millisecond)
		lines = append(lines, fmt.Sprintf(`{"id":"p-%d","ts":"%s","values":{"n":%d}}`, i, at.UTC().Format(time.RFC3339Nano), i))
		facts = append(facts, fmt.Sprintf("%d %d", at.UnixMicro(), i))
	}
	return strings.Join(lines, "\n"), facts
}

func (s *sender) post(ctx context.Context, client *http.Client, body string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base()+"/ingest/v1/packets", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+s.device.Token)
	request.Header.Set("Content-Type", "application/x-ndjson")
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// load is a running group of senders.
type load struct {
	ledger *ledger
	stop   func()
	base   atomic.Pointer[string]
}

func startLoad(p *program, devices []device, batch int) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{ledger: &ledger{acked: map[string][]string{}}}
	l.base.Store(&p.base)
	var wait sync.WaitGroup
	for _, d := range devices {
		s := &sender{ledger: l.ledger, device: d, base: func() string { return *l.base.Load() }, first: time.Now().Add(-time.Hour), batch: batch}
		wait.Go(func() { s.run(ctx) })
	}
	l.stop = func() { cancel(); wait.Wait() }
	return l
}

// acknowledged waits until that many more packets have their 200.
func (l *load) acknowledged(t *testing.T, more int64) {
	t.Helper()
	goal := l.ledger.accepted.Load() + more
	eventually(t, time.Minute, fmt.Sprintf("%d more acknowledged packets", more), func() error {
		if now := l.ledger.accepted.Load(); now < goal {
			return fmt.Errorf("%d of %d", now, goal)
		}
		return nil
	})
}

// compare waits until everything acknowledged is shown, then insists that every fact is shown exactly once. What was
// sent without an answer may be there too, but also only once.
func (l *ledger) compare(t *testing.T, p *program, i installation, devices []device) {
	t.Helper()
	for _, d := range devices {
		var shown []string
		eventually(t, time.Minute, "every acknowledged packet of "+d.Name+" can be queried", func() error {
			var err error
			if shown, err = p.readings(i, d, "n"); err != nil {
				return err
			}
			return missing(l.acked[d.ID], shown)
		})
		if !slices.IsSortedFunc(shown, byTime) {
			t.Errorf("%s: the readings are not in order of time", d.Name)
		}
		unique := slices.Compact(slices.Sorted(slices.Values(shown)))
		if len(unique) != len(shown) {
			t.Errorf("%s: %d readings shown, but only %d different ones: some are doubled", d.Name, len(shown), len(unique))
		}
	}
}

func byTime(a, b string) int {
	x, _, _ := strings.Cut(a, " ")
	y, _, _ := strings.Cut(b, " ")
	return strings.Compare(x, y)
}

func missing(acked, shown []string) error {
	have := make(map[string]bool, len(shown))
	for _, fact := range shown {
		have[fact] = true
	}
	absent := 0
	for _, fact := range acked {
		if !have[fact] {
			absent++
		}
	}
	if absent > 0 {
		return fmt.Errorf("%d of %d acknowledged packets are not shown", absent, len(acked))
	}
	return nil
}
