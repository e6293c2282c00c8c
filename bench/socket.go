package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// window is how many frames a device keeps unanswered.
const window = 16

// runSockets is run over device sockets: one packet a frame, a window of frames in flight on each connection.
func (l load) runSockets(ctx context.Context) (outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wait    sync.WaitGroup
		packets atomic.Int64
		mu      sync.Mutex
		all     []time.Duration
		failure error
	)
	began := time.Now()
	for i := range l.connections {
		wait.Go(func() {
			c := &connection{load: l, number: i, token: l.tokens[i%len(l.tokens)], random: rand.New(rand.NewPCG(uint64(l.start), uint64(i)))}
			latencies, err := c.stream(ctx)
			packets.Add(int64(len(latencies)))
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
	return outcome{packets: packets.Load(), elapsed: time.Since(began), latencies: all}, failure
}

// stream sends frames until the duration is over and every one is answered.
func (c *connection) stream(ctx context.Context) ([]time.Duration, error) {
	socket, _, err := websocket.Dial(ctx, "ws://"+c.address+"/ingest/v1/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + c.token}}})
	if err != nil {
		return nil, err
	}
	defer socket.CloseNow()
	flights := make(chan time.Time, 1<<20) // frames are answered in any order; their instants are matched by number
	slots := make(chan struct{}, window)
	finished := make(chan error, 1)
	go func() { finished <- c.send(ctx, socket, flights, slots) }()
	return c.collect(ctx, socket, flights, slots, finished)
}

func (c *connection) send(ctx context.Context, socket *websocket.Conn, flights chan<- time.Time, slots chan<- struct{}) error {
	defer close(flights)
	for until := time.Now().Add(c.duration); time.Now().Before(until); {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		c.body.Reset()
		c.packet()
		flights <- time.Now()
		if err := socket.Write(ctx, websocket.MessageText, c.body.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// collect reads answers until every frame has one.
func (c *connection) collect(ctx context.Context, socket *websocket.Conn, flights <-chan time.Time, slots <-chan struct{}, finished <-chan error) ([]time.Duration, error) {
	var sent []time.Time // by number of the frame
	var latencies []time.Duration
	for {
		for len(sent) == len(latencies) { // all that are known are answered
			at, more := <-flights
			if !more {
				return latencies, <-finished
			}
			sent = append(sent, at)
		}
		number, err := acknowledged(ctx, socket)
		if err != nil {
			return latencies, err
		}
		for len(sent) < number {
			sent = append(sent, <-flights)
		}
		latencies = append(latencies, time.Since(sent[number-1]))
		<-slots
	}
}

// acknowledged reads one answer and returns the number of its frame.
func acknowledged(ctx context.Context, socket *websocket.Conn) (int, error) {
	_, frame, err := socket.Read(ctx)
	if err != nil {
		return 0, err
	}
	var answer struct{ Ack, Nack, Detail string }
	if err := json.Unmarshal(frame, &answer); err != nil {
		return 0, err
	}
	if answer.Nack != "" {
		return 0, fmt.Errorf("frame %s was refused: %s", answer.Nack, answer.Detail)
	}
	return strconv.Atoi(answer.Ack)
}
