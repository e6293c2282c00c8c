package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// delivery is one request: packets by number. A device that empties its buffer a second time, long after the program
// forgot the ids, or that was flashed anew, sends the same facts under other ids.
type delivery struct {
	numbers []int
	echo    bool
	renamed bool
}

// sender is one device. It sends everything that was not acknowledged again, later and in any order, and repeats a
// share of what was. Its fields belong to the goroutine of run.
type sender struct {
	fleet    *fleet
	series   *series
	random   *rand.Rand
	overdue  []delivery // without an acknowledgement
	echoes   []delivery // to be repeated although acknowledged
	failures int
	leaving  bool      // it delivers what is left
	due      time.Time // when the next request may leave, if the fleet is paced
}

const (
	maxOverdue = 20 // then it sends nothing new before they are acknowledged
	maxEchoes  = 2_000
	abandoned  = 0.02 // share of failed requests whose device never comes back
)

func (s *sender) run(ctx context.Context) {
	for ctx.Err() == nil && s.fleet.complained() == "" && s.pace(ctx) {
		s.deliver(ctx, s.choose())
	}
}

// finish delivers what is left: everything overdue, and the repetitions that waited longest.
func (s *sender) finish(ctx context.Context) error {
	s.leaving = true
	for ctx.Err() == nil && s.fleet.complained() == "" {
		switch {
		case len(s.overdue) > 0:
			s.deliver(ctx, take(s.random, &s.overdue))
		case len(s.echoes) > 0:
			s.deliver(ctx, take(s.random, &s.echoes))
		default:
			return nil
		}
	}
	if ctx.Err() == nil {
		return nil // the fleet tells of the complaint
	}
	return fmt.Errorf("%s still has %d requests without an acknowledgement: %w", s.series.device.Name, len(s.overdue), ctx.Err())
}

func (s *sender) choose() delivery {
	echo := s.fleet.shape.echo
	switch r := s.random.Float64(); {
	case len(s.overdue) > maxOverdue, len(s.overdue) > 0 && s.random.Float64() < 0.5:
		return take(s.random, &s.overdue)
	case len(s.echoes) > 0 && r < echo/(1+echo):
		return take(s.random, &s.echoes)
	}
	return delivery{numbers: s.series.send(s.fleet.shape.batch)}
}

// take removes a random one.
func take(r *rand.Rand, from *[]delivery) delivery {
	all := *from
	i := r.IntN(len(all))
	d := all[i]
	all[i] = all[len(all)-1]
	*from = all[:len(all)-1]
	return d
}

func (s *sender) deliver(ctx context.Context, d delivery) {
	if s.fleet.leaves != nil && !d.renamed {
		s.fleet.leaves(s.series, d)
	}
	began := time.Now()
	answer := s.post(d)
	if s.fleet.blackout.Load() {
		answer = unknown
	}
	s.fleet.count(answer, d, s.series, time.Since(began))
	if answer == acknowledged {
		s.failures = 0
		s.remember(d)
		return
	}
	if d.echo || s.random.Float64() >= abandoned {
		s.overdue = append(s.overdue, d)
	} else {
		s.fleet.abandoned.Add(int64(len(d.numbers)))
	}
	s.failures++
	if s.fleet.shape.rude && answer == refused && !s.leaving {
		return
	}
	wait(ctx, min(20*time.Millisecond<<min(s.failures, 4), 250*time.Millisecond))
}

// remember puts a share of what was acknowledged aside, in another order and half of it under other ids.
func (s *sender) remember(d delivery) {
	if d.echo || len(s.echoes) >= maxEchoes || s.random.Float64() >= s.fleet.shape.echo {
		return
	}
	again := delivery{numbers: append([]int(nil), d.numbers...), echo: true, renamed: s.random.IntN(2) == 0}
	s.random.Shuffle(len(again.numbers), func(i, j int) {
		again.numbers[i], again.numbers[j] = again.numbers[j], again.numbers[i]
	})
	s.echoes = append(s.echoes, again)
}

// pace waits for the request's turn; without a rate it is always its turn. A sender that is late catches up.
func (s *sender) pace(ctx context.Context) bool {
	shape := s.fleet.shape
	if shape.rate == 0 {
		return true
	}
	if s.due.IsZero() {
		s.due = time.Now()
	}
	s.due = s.due.Add(time.Duration(float64(shape.batch*len(s.fleet.ledger)) / shape.rate * float64(time.Second)))
	if left := time.Until(s.due); left > 0 {
		wait(ctx, left)
	}
	return ctx.Err() == nil
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (s *sender) body(d delivery) string {
	var b strings.Builder
	prefix := "p"
	if d.renamed {
		prefix = fmt.Sprintf("r%x", s.random.Uint32())
	}
	for _, n := range d.numbers {
		fmt.Fprintf(&b, `{"id":"%s-%d","ts":%d,"values":{"n":%g}}`+"\n", prefix, n, s.series.at(n)/1000, s.series.value(n))
	}
	return b.String()
}

// answer is what became of a request as far as its device knows.
type answer int

const (
	acknowledged answer = iota
	refused             // 429 or 503: the device was told to come again
	unknown             // no answer, or one that cannot be understood
)

// post sends one request. It outlives the end of the run: an answer that is on its way is waited for.
func (s *sender) post(d delivery) answer {
	request, err := http.NewRequest(http.MethodPost, s.fleet.base()+"/ingest/v1/packets", strings.NewReader(s.body(d)))
	if err != nil {
		return unknown
	}
	request.Header.Set("Authorization", "Bearer "+s.series.device.Token)
	request.Header.Set("Content-Type", "application/x-ndjson")
	response, err := s.fleet.client.Do(request)
	if err != nil {
		return unknown
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return unknown
	}
	return s.understand(response.StatusCode, text, len(d.numbers))
}

func (s *sender) understand(status int, text []byte, sent int) answer {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return refused
	case http.StatusOK:
		var receipt struct{ Accepted, Duplicates int }
		if err := json.Unmarshal(text, &receipt); err == nil && receipt.Accepted == sent {
			s.fleet.recognised.Add(int64(receipt.Duplicates))
			return acknowledged
		}
	}
	s.fleet.complain(fmt.Sprintf("%d %.300s", status, text))
	return unknown
}

// complaint is the first answer that the interface does not describe.
type complaint struct {
	mu   sync.Mutex
	text string
}
