package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// shape is how a fleet sends.
type shape struct {
	devices int
	batch   int     // packets in a request
	rate    float64 // packets per second of all devices together; 0 is as fast as the answers come
	echo    float64 // share of acknowledged requests that are sent again
	rude    bool    // does not wait when it is told to come again later
}

// fleet is all devices of an installation with their ledger.
type fleet struct {
	shape   shape
	base    func() string // the address may change when the program starts again
	ledger  []*series
	senders []*sender
	client  *http.Client

	acked, resent, abandoned            atomic.Int64 // packets
	recognised                          atomic.Int64 // packets that the program said it has already
	refusedRequests, unansweredRequests atomic.Int64
	complaint                           complaint
	blackout                            atomic.Bool             // what arrives now does not reach the devices
	leaves                              func(*series, delivery) // told of every request, if anybody wants to know

	mu     sync.Mutex
	acks   []ack
	last   time.Time     // of the newest acknowledgement
	stall  time.Duration // longest time without one
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// ack is one acknowledged request.
type ack struct {
	at   time.Time
	took time.Duration
}

func newFleet(sh shape, devices []device, base func() string) *fleet {
	f := &fleet{shape: sh, base: base, client: &http.Client{
		Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: sh.devices, IdleConnTimeout: 30 * time.Second}}}
	for i, d := range devices {
		s := newSeries(d, i, time.Now())
		f.ledger = append(f.ledger, s)
		f.senders = append(f.senders, &sender{fleet: f, series: s, random: rand.New(rand.NewPCG(uint64(i), 1))})
	}
	return f
}

// start lets every device send until halt.
func (f *fleet) start() {
	ctx, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	f.mu.Lock()
	f.last = time.Now()
	f.mu.Unlock()
	for _, s := range f.senders {
		s.due, s.leaving = time.Time{}, false
		f.wait.Go(func() { s.run(ctx) })
	}
}

// halt returns when every device has its last answer.
func (f *fleet) halt() {
	f.cancel()
	f.wait.Wait()
}

// finish makes the devices deliver everything that is left.
func (f *fleet) finish(ctx context.Context) error {
	f.halt()
	errs := make([]error, len(f.senders))
	var wait sync.WaitGroup
	for i, s := range f.senders {
		wait.Go(func() { errs[i] = s.finish(ctx) })
	}
	wait.Wait()
	if text := f.complained(); text != "" {
		errs = append(errs, fmt.Errorf("an answer that no device could understand: %s", text))
	}
	return errors.Join(errs...)
}

func (f *fleet) count(a answer, d delivery, s *series, took time.Duration) {
	switch a {
	case refused:
		f.refusedRequests.Add(1)
		return
	case unknown:
		f.unansweredRequests.Add(1)
		return
	}
	f.acked.Add(int64(s.acknowledge(d.numbers)))
	if d.echo {
		f.resent.Add(int64(len(d.numbers)))
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acks = append(f.acks, ack{now, took})
	f.stall = max(f.stall, now.Sub(f.last))
	f.last = now
}

// longestStall is the longest time without any acknowledgement since the last call.
func (f *fleet) longestStall() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	longest := f.stall
	f.stall = 0
	return longest
}

// p99 is over the requests that were acknowledged in the given time.
func (f *fleet) p99(from, to time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return quantileOf(f.acks, 0.99, from, to)
}

func quantileOf(acks []ack, q float64, from, to time.Time) time.Duration {
	var took []time.Duration
	for _, a := range acks {
		if a.at.After(from) && a.at.Before(to) {
			took = append(took, a.took)
		}
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)-1, int(q*float64(len(took))))]
}

// acknowledgeMore waits until that many more packets are acknowledged.
func (f *fleet) acknowledgeMore(ctx context.Context, more int64) error {
	goal := f.acked.Load() + more
	return until(ctx, 2*time.Minute, fmt.Sprintf("%d more acknowledged packets", more), func() error {
		if text := f.complained(); text != "" {
			return nil // finish tells
		}
		if now := f.acked.Load(); now < goal {
			return fmt.Errorf("%d of %d", now, goal)
		}
		return nil
	})
}

func (f *fleet) complain(text string) {
	f.complaint.mu.Lock()
	defer f.complaint.mu.Unlock()
	if f.complaint.text == "" {
		f.complaint.text = text
	}
}

func (f *fleet) complained() string {
	f.complaint.mu.Lock()
	defer f.complaint.mu.Unlock()
	return f.complaint.text
}

// until waits for a condition; it returns what the condition said last when it does not come true in time.
func until(ctx context.Context, within time.Duration, what string, condition func() error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: not within %s: %w", what, within, err)
		}
		wait(ctx, 20*time.Millisecond)
	}
}
