package ingest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// groupBytes bounds a message that several requests share: half of what NATS carries, so that one more always fits.
	groupBytes = 512 << 10
	// leastPayload is what the broker must carry: a group, its headers and its subject.
	leastPayload = groupBytes + 4<<10
	// waitingPerLane and waitingInAll bound what stands in line behind a stream that is slow.
	waitingPerLane = 8 << 20
	waitingInAll   = 64 << 20
	// attemptDeadline is how long one attempt to publish waits for the acknowledgement before the same message is sent again.
	attemptDeadline = 2 * time.Second
	// decideDeadline stops the attempts while the stream still knows the message id, so that none is ever stored twice.
	decideDeadline = duplicateWindow - 10*time.Second
	retryPause     = 250 * time.Millisecond
)

// flight is what one request puts into one message: it is acknowledged or lost as a whole.
type flight struct {
	lane    telemetry.Lane
	packets []telemetry.Packet
	claims  []slot // what the window learns from its outcome
	payload []byte
	size    int // estimate of the payload, from above
	done    chan struct{}
	err     error // read after done is closed
}

// target is what a publisher is for. Tenants never share a message: the subject says whose it is.
type target struct {
	tenant id.Tenant
	lane   telemetry.Lane
}

// publishers is the group commit. A target that has flights waiting has one goroutine, which publishes everything that
// gathered while the message before was on its way; when nothing waits, the goroutine ends and the target is forgotten.
// One message in flight is enough: behind an fsync a second one would only make both smaller.
type publishers struct {
	js      jetstream.JetStream
	settle  func(*flight) // learns each outcome before its request does
	metrics *metrics
	boot    string // makes message ids of this process its own
	ctx     context.Context
	running sync.WaitGroup

	mu      sync.Mutex
	lines   map[target][]*flight
	waiting map[target]int // bytes, those on their way included
	all     int
	number  uint64
}

// submit puts a flight in line. It returns ErrUnavailable, and settles nothing, when the line is too long.
func (p *publishers) submit(t target, f *flight) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[t]+len(f.payload) > waitingPerLane || p.all+len(f.payload) > waitingInAll {
		return unavailable(retrySoon, "too many packets are waiting to be stored", nil)
	}
	p.waiting[t] += len(f.payload)
	p.all += len(f.payload)
	line, running := p.lines[t]
	p.lines[t] = append(line, f)
	if !running {
		p.running.Go(func() { p.drain(t) })
	}
	return nil
}

func (p *publishers) drain(t target) {
	for group := p.next(t, nil); group != nil; group = p.next(t, group) {
		err := p.publish(t, group)
		for _, f := range group {
			f.err = err
			p.settle(f)
			close(f.done)
		}
	}
}

// next takes away the group that is done and returns the one after it, or nil when none waits and the target was forgotten.
func (p *publishers) next(t target, done []*flight) []*flight {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range done {
		p.waiting[t] -= len(f.payload)
		p.all -= len(f.payload)
	}
	line := p.lines[t]
	if len(line) == 0 {
		delete(p.lines, t)
		delete(p.waiting, t)
		return nil
	}
	size, n := len(line[0].payload), 1
	for n < len(line) && size+len(line[n].payload) <= groupBytes {
		size += len(line[n].payload)
		n++
	}
	p.lines[t] = line[n:]
	return line[:n:n]
}

// publish returns when the stream has acknowledged the group, when it certainly has not stored it, or when it can no
// longer be found out. Attempts repeat the message id, so the stream stores the group once, however often it is asked.
func (p *publishers) publish(t target, group []*flight) error {
	started := time.Now()
	m := p.message(t, group)
	ctx, cancel := context.WithTimeout(p.ctx, decideDeadline)
	defer cancel()
	for undecided := false; ; undecided = true {
		err := p.attempt(ctx, m)
		if err == nil {
			p.metrics.published(t.lane, group, len(m.Data), time.Since(started))
			return nil
		}
		if refusal := refusalOf(err, undecided); refusal != nil {
			return refusal
		}
		select {
		case <-ctx.Done():
			return unavailable(retryOutage, sendSameAgain, err)
		case <-time.After(retryPause):
		}
	}
}

func (p *publishers) attempt(ctx context.Context, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, attemptDeadline)
	defer cancel()
	_, err := p.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0)) // checks the error inside the acknowledgement
	return err
}

func (p *publishers) message(t target, group []*flight) *nats.Msg {
	p.mu.Lock()
	p.number++
	number := p.number
	p.mu.Unlock()
	m := &nats.Msg{
		Subject: telemetry.LaneSubject(t.lane, t.tenant),
		Header:  nats.Header{jetstream.MsgIDHeader: {p.boot + strconv.FormatUint(number, 36)}},
		Data:    group[0].payload,
	}
	if len(group) == 1 {
		return m
	}
	size := 0
	for _, f := range group {
		size += len(f.payload)
	}
	m.Data = make([]byte, 0, size)
	for _, f := range group {
		m.Data = append(m.Data, f.payload...)
	}
	return m
}

// Codes of the server for a stream or an account that may hold no more.
const (
	codeInsufficientResources jetstream.ErrorCode = 10023
	codeInsufficientStorage   jetstream.ErrorCode = 10047
	codeAccountLimits         jetstream.ErrorCode = 10002
	codeStoreFailed           jetstream.ErrorCode = 10077
)

// refusalOf returns what to tell the waiting requests when the message is certainly not stored; nil when it may be. An
// answer of the stream is certain: it looks for the message id first. That nobody listened is certain for the first
// attempt only.
func refusalOf(err error, undecided bool) error {
	var answer *jetstream.APIError
	if errors.As(err, &answer) {
		full := answer.ErrorCode == codeInsufficientResources || answer.ErrorCode == codeInsufficientStorage ||
			answer.ErrorCode == codeAccountLimits ||
			answer.ErrorCode == codeStoreFailed && answer.Description == "maximum bytes exceeded"
		if full {
			return &UnavailableError{Full: true, Detail: "the queue is full because packets are not being processed",
				RetryAfter: retryFull, Cause: err}
		}
		return unavailable(retryOutage, "the packets could not be stored", err)
	}
	unsent := errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrReconnectBufExceeded) ||
		errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrConnectionClosed)
	if unsent && !undecided {
		return unavailable(retryOutage, "the message broker does not answer", err)
	}
	return nil
}
