package ingest

import (
	"context"
	"crypto/rand"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"longwave/ingest/atomicbatch"
	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// groupBytes bounds a message that several requests share: half of what NATS carries, so that one more always fits.
	groupBytes = 512 << 10
	// leastPayload is what the broker must carry: a group, its headers and its subject.
	leastPayload = groupBytes + 4<<10
	// turnBytes and turnMessages bound what becomes durable at once. A tenant with much to say gets a message in each
	// turn like everybody else, and a disk writes a megabyte in hardly more time than a kilobyte. A batch of the stream
	// holds a thousand messages at most.
	turnBytes    = 1 << 20
	turnMessages = atomicbatch.Most
	// waitingPerLane and waitingInAll bound what stands in line behind a stream that is slow.
	waitingPerLane = 8 << 20
	waitingInAll   = 64 << 20
	// attemptDeadline is how long one attempt to publish waits for the acknowledgement before the same message is sent again.
	attemptDeadline = 2 * time.Second
	// decideDeadline stops the attempts while the stream still knows the message id, so that none is ever stored twice.
	decideDeadline = duplicateWindow - 10*time.Second
	retryPause     = 250 * time.Millisecond
	// silence is what is told to Options.Silent: the streams of a cluster that lost a node are without a leader for about
	// as long, and then it does no harm.
	silence = 2 * time.Second
)

// flight is what one request puts into one message: it is acknowledged or lost as a whole.
type flight struct {
	lane    telemetry.Lane
	claims  []slot // what the window learns from its outcome
	payload []byte
	size    int // estimate of the payload, from above
	done    chan struct{}
	told    func()  // called after done is closed; may be nil
	err     error   // read after done is closed
	room    [1]slot // for the claims of a request with a single packet
}

func (f *flight) decided() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// publishers is the group commit: one committer for each lane, and what they share.
type publishers struct {
	acks    *acks
	settle  func(*flight) // learns each outcome before its request does
	silent  func()        // Options.Silent
	metrics *metrics
	boot    string // makes message ids of this process its own
	workers int    // turns of one lane that may be on their way at once
	ctx     context.Context
	running sync.WaitGroup
	number  atomic.Uint64
	waiting atomic.Int64 // bytes, those on their way included
	lanes   [3]*committer
	letters sync.Pool // of *letter
}

// newPublishers makes the committers. Behind an fsync one turn at a time is enough: a second one would only make both
// smaller. Where nobody waits for a disk, more of them keep the broker busy.
func newPublishers(o Options, settle func(*flight)) *publishers {
	p := &publishers{settle: settle, silent: o.Silent, boot: rand.Text()[:bootLetters] + "-", workers: 1}
	if !o.SyncAlways {
		p.workers = workersWithoutSync
	}
	for _, lane := range telemetry.Lanes() {
		p.lanes[lane] = &committer{publishers: p, lane: lane, lines: map[id.Tenant]*line{}}
		p.lanes[lane].batches.Store(o.SyncAlways) // one fsync for a batch; without one, a batch costs more than its messages
	}
	return p
}

// bootLetters of five random bits each tell processes apart that write to a stream within its duplicate window. The id stands
// in each message of a lane, twice in one of a batch; where a message has one packet, ids are most of it.
const bootLetters = 10

// workersWithoutSync is where more stopped to help: the broker works on one, one is on the way to it, one is on its way
// back, and one is being put together.
const workersWithoutSync = 4

func (p *publishers) waitingBytes() int { return int(p.waiting.Load()) }

// line is what waits of one tenant in one lane.
type line struct {
	tenant  id.Tenant
	flights []*flight
	bytes   int        // those on their way included
	room    [1]*flight // for the flights of a tenant that has one, which is all that most have
}

// committer brings the flights of one lane into its stream. While flights wait, up to publishers.workers goroutines take
// turns: each turn is a message from every tenant that has something to say, as far as a turn reaches, in the order in
// which they came; who was passed over is first in the next one. When nothing waits the goroutines end.
type committer struct {
	*publishers
	lane    telemetry.Lane
	batches atomic.Bool // turns go as atomic batches, until the stream says that it knows none

	mu          sync.Mutex
	lines       map[id.Tenant]*line // those with bytes
	ready       []*line             // those with flights that wait, next one first
	queued      int                 // flights that wait
	working     int
	silentSince time.Time // when an attempt first got no word of the stream; zero after one that did
}

// group is one message: flights of one tenant.
type group struct {
	line    *line
	flights []*flight
	*letter
	decided bool
}

// submit puts a flight in line. It returns ErrUnavailable, and settles nothing, when the line is too long.
func (c *committer) submit(t id.Tenant, f *flight) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lines[t]
	if l == nil {
		l = &line{tenant: t}
		l.flights = l.room[:0:1]
	}
	if l.bytes+len(f.payload) > waitingPerLane || c.waiting.Load()+int64(len(f.payload)) > waitingInAll {
		return unavailable(retrySoon, "too many packets are waiting to be stored", nil)
	}
	c.waiting.Add(int64(len(f.payload)))
	c.lines[t] = l
	l.bytes += len(f.payload)
	c.queued++
	if l.flights = append(l.flights, f); len(l.flights) == 1 {
		c.ready = append(c.ready, l)
	}
	if c.working < c.workers {
		c.working++
		c.running.Go(c.work)
	}
	return nil
}

func (c *committer) work() {
	var turn []group
	for {
		c.makeWay()
		if turn = c.next(turn[:0]); len(turn) == 0 {
			return
		}
		for i := range turn {
			c.compose(&turn[i])
		}
		c.commit(turn)
		c.forget(turn)
	}
}

// mostYields bounds makeWay: from the fourth on hardly anybody came.
const mostYields = 4

// makeWay lets whatever can run go before the next turn is put together, for as long as that brings more flights. What was
// just acknowledged is answered then, and comes back in time for this turn instead of the one after it: an fsync and the
// files of a batch are shared by up to twice as many, and where nobody waits for a disk, a message by three times as many.
// It waits for no timer, and when nobody else is there, for nothing.
func (c *committer) makeWay() {
	for yields, before := 0, 0; yields < mostYields; yields++ {
		c.mu.Lock()
		waiting := c.queued
		c.mu.Unlock()
		if waiting <= before {
			return
		}
		before = waiting
		runtime.Gosched()
	}
}

// next puts together a turn; nothing when nothing waits, and then the worker has ended.
func (c *committer) next(turn []group) []group {
	c.mu.Lock()
	defer c.mu.Unlock()
	for size := 0; len(c.ready) > 0 && len(turn) < turnMessages && size < turnBytes; {
		l := c.ready[0]
		c.ready[0] = nil
		c.ready = c.ready[1:]
		g := group{line: l, flights: l.cut()}
		turn = append(turn, g)
		c.queued -= len(g.flights)
		size += bytesOf(g.flights)
		if len(l.flights) > 0 {
			c.ready = append(c.ready, l)
		}
	}
	if len(turn) == 0 {
		c.working--
	}
	return turn
}

// cut takes as many flights off the line as fit one message.
func (l *line) cut() []*flight {
	size, n := len(l.flights[0].payload), 1
	for n < len(l.flights) && size+len(l.flights[n].payload) <= groupBytes {
		size += len(l.flights[n].payload)
		n++
	}
	flights := l.flights[:n:n]
	l.flights = l.flights[n:]
	return flights
}

func bytesOf(flights []*flight) (size int) {
	for _, f := range flights {
		size += len(f.payload)
	}
	return size
}

// decide tells everybody who waits for the group what became of it.
func (c *committer) decide(g *group, err error) {
	g.decided = true
	size := bytesOf(g.flights)
	c.mu.Lock()
	if g.line.bytes -= size; g.line.bytes == 0 {
		delete(c.lines, g.line.tenant)
	}
	c.mu.Unlock()
	c.waiting.Add(-int64(size))
	for _, f := range g.flights {
		f.err = err
		c.settle(f)
		close(f.done)
		if f.told != nil {
			f.told()
		}
	}
}
