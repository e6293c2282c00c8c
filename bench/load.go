package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// load is one way of sending. Without a rate the loop is closed: each connection keeps one request in flight, or a window of
// frames, and the rate is what the server allows. With one it is open: a request that could not be sent in time because
// the answer before it was late counts its latency from when it was due, so that a stall is not hidden (coordinated omission).
type load struct {
	form
	address     string   // host:port
	tokens      []string // requests take them in turn; those of two connections never at once if there are enough
	connections int
	batch       int // packets per request
	duration    time.Duration
	start       int64   // device time of the first packet, in ms; every packet of a connection gets its own
	rate        float64 // packets per second of all connections together, on a schedule; 0 sends as fast as answers come
	socket      bool    // frames over a device's WebSocket instead of posts
}

// outcome is what one load saw.
type outcome struct {
	packets   int64
	elapsed   time.Duration
	latencies []time.Duration // of every request, sorted
	refused   int64
}

func (o outcome) rate() float64 { return float64(o.packets) / max(o.elapsed.Seconds(), 1e-9) }

func (o outcome) quantile(q float64) time.Duration {
	if len(o.latencies) == 0 {
		return 0
	}
	return o.latencies[min(len(o.latencies)-1, int(q*float64(len(o.latencies))))]
}

// outcomes collects what connections saw.
type outcomes struct {
	sync.Mutex
	outcome
	err error
}

func (o *outcomes) add(one outcome, err error) {
	o.Lock()
	defer o.Unlock()
	o.packets, o.refused = o.packets+one.packets, o.refused+one.refused
	o.latencies = append(o.latencies, one.latencies...)
	if o.err == nil {
		o.err = err
	}
}

// run sends until the duration is over and returns when every connection has its last answer.
func (l load) run(ctx context.Context) (outcome, error) {
	connections := make([]*connection, l.connections)
	for i := range connections {
		author, err := newAuthor(l.form, i, l.start)
		if err != nil {
			return outcome{}, err
		}
		connections[i] = &connection{load: l, author: author}
		if err := connections[i].prepare(); err != nil {
			return outcome{}, err
		}
	}
	var all outcomes
	var wait sync.WaitGroup
	began := time.Now()
	for _, c := range connections {
		wait.Go(func() {
			if l.socket {
				all.add(c.stream(ctx))
			} else {
				all.add(c.post(ctx))
			}
		})
	}
	wait.Wait()
	all.elapsed = time.Since(began)
	slices.Sort(all.latencies)
	return all.outcome, all.err
}

// connection writes HTTP/1.1 by hand: the standard client would cost as much as the server that is measured.
type connection struct {
	load
	author  *author
	turn    int
	ready   [][]byte // bodies that were compressed before the clock started
	request bytes.Buffer
}

// readyBodies is how many bodies a connection compresses beforehand for each second: a sender that shares the machine with
// the server must not have its work counted as the server's. What comes beyond it is compressed on the way.
const readyBodies = 120

func (c *connection) prepare() error {
	if c.encoding == "" {
		return nil
	}
	for range int(c.duration.Seconds() * readyBodies) {
		body, err := c.author.body(c.batch)
		if err != nil {
			return err
		}
		c.ready = append(c.ready, bytes.Clone(body))
	}
	return nil
}

// token is another device's for each request, as far as there are any.
func (c *connection) token() string {
	c.turn++
	return c.tokens[(c.author.number+c.turn*c.connections)%len(c.tokens)]
}

// next builds the next request.
func (c *connection) next() error {
	var body []byte
	if len(c.ready) > 0 {
		body, c.ready = c.ready[0], c.ready[1:]
	} else {
		var err error
		if body, err = c.author.body(c.batch); err != nil {
			return err
		}
	}
	c.request.Reset()
	fmt.Fprintf(&c.request, "POST /ingest/v1/packets HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", c.token(), c.contentType, len(body))
	if c.encoding != "" {
		fmt.Fprintf(&c.request, "Content-Encoding: %s\r\n", c.encoding)
	}
	c.request.WriteString("\r\n")
	c.request.Write(body)
	return nil
}

func (c *connection) post(ctx context.Context) (got outcome, err error) {
	socket, err := net.Dial("tcp", c.address)
	if err != nil {
		return got, err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	reader := bufio.NewReaderSize(socket, 32<<10)
	until := time.Now().Add(c.duration)
	for schedule := c.schedule(); ; {
		if err := c.next(); err != nil {
			return got, err
		}
		due := schedule.wait(until)
		if !due.Before(until) {
			return got, nil
		}
		if late := time.Now(); late.After(until.Add(c.duration)) {
			got.latencies = append(got.latencies, schedule.unsent(due, until, late)...)
			return got, nil
		}
		if _, err := socket.Write(c.request.Bytes()); err != nil {
			return got, err
		}
		status, err := answer(reader)
		if err != nil {
			return got, err
		}
		got.latencies = append(got.latencies, time.Since(due))
		switch {
		case status/100 == 2:
			got.packets += int64(c.batch)
		case status == 429 || status == 503:
			got.refused += int64(c.batch)
		default:
			return got, fmt.Errorf("the server answered %d", status)
		}
	}
}

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
	return &schedule{next: time.Now().Add(every * time.Duration(c.author.number) / time.Duration(c.connections)), every: every}
}

// wait returns the instant from which the latency of the next request counts, once that has come or until is over.
func (s *schedule) wait(until time.Time) time.Time {
	if s.every == 0 {
		return time.Now()
	}
	due := s.next
	s.next = s.next.Add(s.every)
	if due.Before(until) {
		time.Sleep(time.Until(due))
	}
	return due
}

// unsent is how long each request has waited that a server much too slow for its rate never got: no less than this.
func (s *schedule) unsent(due, until, now time.Time) (waited []time.Duration) {
	for ; due.Before(until); due = due.Add(s.every) {
		waited = append(waited, now.Sub(due))
	}
	return waited
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
