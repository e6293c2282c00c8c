package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is one way of sending: connections that each keep one request in flight. Without a rate the loop is closed: the
// rate is what the server allows. With one it is open: a request that could not be sent in time because the answer
// before it was late counts its latency from when it was due, so that a stall is not hidden (coordinated omission).
type load struct {
	address     string // host:port
	tokens      []string
	connections int
	batch       int // packets per request
	duration    time.Duration
	start       int64   // device time of the first packet, in ms; every packet of a device gets its own
	rate        float64 // packets per second of all connections together, on a schedule; 0 sends as fast as answers come
}

// outcome is what one load saw.
type outcome struct {
	packets   int64
	elapsed   time.Duration
	latencies []time.Duration // of every request, sorted
	refused   int64
}

func (o outcome) rate() float64 { return float64(o.packets) / o.elapsed.Seconds() }

func (o outcome) quantile(q float64) time.Duration {
	if len(o.latencies) == 0 {
		return 0
	}
	return o.latencies[min(len(o.latencies)-1, int(q*float64(len(o.latencies))))]
}

// run sends until the duration is over and returns when every connection has its last answer.
func (l load) run(ctx context.Context) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, l.duration)
	defer cancel()
	var (
		packets, refused atomic.Int64
		mu               sync.Mutex
		all              []time.Duration
		failure          error
		wait             sync.WaitGroup
	)
	began := time.Now()
	for i := range l.connections {
		wait.Go(func() {
			c := &connection{load: l, number: i, token: l.tokens[i%len(l.tokens)], random: rand.New(rand.NewPCG(uint64(l.start), uint64(i)))}
			latencies, err := c.run(ctx, &packets, &refused)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, latencies...)
			if err != nil && failure == nil {
				failure = err
			}
		})
	}
	wait.Wait()
	slices.Sort(all)
	return outcome{packets.Load(), time.Since(began), all, refused.Load()}, failure
}

// connection writes HTTP/1.1 by hand: the standard client would cost as much as the server that is measured.
type connection struct {
	load
	number int
	token  string
	sent   int64
	walk   [4]int64
	random *rand.Rand
	body   bytes.Buffer
	head   bytes.Buffer
}

func (c *connection) run(ctx context.Context, packets, refused *atomic.Int64) ([]time.Duration, error) {
	socket, err := net.Dial("tcp", c.address)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	reader := bufio.NewReaderSize(socket, 32<<10)
	var latencies []time.Duration
	schedule := c.schedule()
	for ctx.Err() == nil {
		c.next()
		began, ok := schedule.wait(ctx)
		if !ok {
			break
		}
		if _, err := socket.Write(c.head.Bytes()); err != nil {
			return latencies, err
		}
		status, err := answer(reader)
		if err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(began))
		switch {
		case status/100 == 2:
			packets.Add(int64(c.batch))
		case status == 429 || status == 503:
			refused.Add(int64(c.batch))
		default:
			return latencies, fmt.Errorf("the server answered %d", status)
		}
	}
	return latencies, nil
}

// next builds the next request: packets of four values, 140 bytes of JSON each.
func (c *connection) next() {
	c.body.Reset()
	if c.batch > 1 {
		c.body.WriteByte('[')
	}
	for i := range c.batch {
		if i > 0 {
			c.body.WriteByte(',')
		}
		c.packet()
	}
	if c.batch > 1 {
		c.body.WriteByte(']')
	}
	c.head.Reset()
	fmt.Fprintf(&c.head, "POST /ingest/v1/packets HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", c.token, c.body.Len())
	c.head.Write(c.body.Bytes())
}

// packet appends a packet whose values wander like measurements do: two decimals, small steps. Values that repeat
// would make the table look smaller than it is.
func (c *connection) packet() {
	c.sent++
	n := c.sent
	for i := range c.walk {
		c.walk[i] += c.random.Int64N(41) - 20
	}
	fmt.Fprintf(&c.body, `{"id":"%d-%d-%d","ts":%d,"kind":"metrics","values":{"temp":%.2f,"humidity":%.2f,"pressure":%.2f,"voltage":%.2f}}`,
		c.start, c.number, n, c.start+n, hundredths(2150+c.walk[0]), hundredths(4800+c.walk[1]), hundredths(101_325+c.walk[2]), hundredths(330+c.walk[3]))
}

func hundredths(n int64) float64 { return float64(n) / 100 }

// schedule says when the requests of one connection are due.
type schedule struct {
	next  time.Time
	every time.Duration // 0: at once
}

func (c *connection) schedule() *schedule {
	if c.rate == 0 {
		return &schedule{}
	}
	every := time.Duration(float64(c.connections*c.batch) / c.rate * float64(time.Second))
	// Connections begin spread over one interval, as devices do that were not switched on by one switch.
	return &schedule{next: time.Now().Add(every * time.Duration(c.number) / time.Duration(c.connections)), every: every}
}

// wait returns the instant from which the latency of the next request counts; false when the load is over.
func (s *schedule) wait(ctx context.Context) (time.Time, bool) {
	if s.every == 0 {
		return time.Now(), true
	}
	due := s.next
	s.next = s.next.Add(s.every)
	if ahead := time.Until(due); ahead > 0 {
		timer := time.NewTimer(ahead)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return due, false
		}
	}
	return due, true
}

// answer reads one response and returns its status.
func answer(r *bufio.Reader) (int, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("not an HTTP answer: %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, err
	}
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return status, err
}
