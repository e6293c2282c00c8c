package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

// window is how many frames a device keeps unanswered.
const window = 16

// stream sends frames of one packet until the duration is over, with a window of frames in flight, and returns when every
// one is answered.
func (c *connection) stream(ctx context.Context) (outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, "ws://"+c.address+"/ingest/v1/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + c.token()}}})
	if err != nil {
		return outcome{}, err
	}
	defer socket.CloseNow()
	flights := make(chan time.Time, window+1)
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
		body, err := c.author.body(1)
		if err != nil {
			return err
		}
		flights <- time.Now()
		if err := socket.Write(ctx, websocket.MessageText, body); err != nil {
			return err
		}
	}
	return nil
}

// collect reads answers until every frame has one. They come in any order; a frame's instant is found by its number.
func (c *connection) collect(ctx context.Context, socket *websocket.Conn, flights <-chan time.Time, slots <-chan struct{}, finished <-chan error) (got outcome, err error) {
	open := make(map[int]time.Time, window)
	for sent := 0; ; {
		for len(open) == 0 {
			at, more := <-flights
			if !more {
				return got, <-finished
			}
			sent++
			open[sent] = at
		}
		name, err := acknowledged(ctx, socket)
		if err != nil {
			return got, err
		}
		for sent < name {
			sent++
			open[sent] = <-flights
		}
		got.latencies = append(got.latencies, time.Since(open[name]))
		got.packets++
		delete(open, name)
		<-slots
	}
}

// acknowledged reads one answer and returns the number of its frame. It looks at the first member only: to decode the
// whole answer would cost the generator more than the frame costs the server.
func acknowledged(ctx context.Context, socket *websocket.Conn) (int, error) {
	_, frame, err := socket.Read(ctx)
	if err != nil {
		return 0, err
	}
	rest, ok := bytes.CutPrefix(frame, []byte(`{"ack":"`))
	name, _, closed := bytes.Cut(rest, []byte(`"`))
	if !ok || !closed {
		return 0, fmt.Errorf("a frame was answered with %s", frame)
	}
	return strconv.Atoi(string(name))
}
