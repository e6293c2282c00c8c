package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"longwave/web/live"
)

// Why a socket ends.
var (
	errRevoked  = errors.New("the session has ended")
	errProtocol = errors.New("not a frame of this protocol")
)

// command is one frame of a browser.
type command struct {
	Sub     uint32   `json:"sub"`
	Unsub   uint32   `json:"unsub"`
	Topic   string   `json:"topic"`
	Device  string   `json:"device"`
	Devices []string `json:"devices"`
	Cursor  string   `json:"cursor"`
	Report  *report  `json:"report"`
	WidgetRef
}

// topic is one open subscription of a browser.
type topic interface {
	// next is the frame of what has come since the last one, without the line's end; empty when nothing has.
	next(number uint32) []byte
	close()
}

// opening is a subscription from its command on; topic is nil until the snapshot is there.
type opening struct {
	number uint32
	topic  topic
	cancel context.CancelFunc
}

// opened is what opening a subscription has led to: a topic and its first frame, or only a frame that says why not.
type opened struct {
	ticket *opening
	topic  topic
	first  []byte
}

// browser is one socket. Its loop owns topics and is the only writer, so that whatever is slow to read holds up
// nothing but itself: meanwhile its subscriptions conflate.
type browser struct {
	socket     *socket
	conn       *websocket.Conn
	visit      visit
	addressKey string
	tasks      sync.WaitGroup
	commands   chan command
	opened     chan opened
	wake       chan struct{}
	topics     map[uint32]*opening
	flushed    time.Time
}

func newBrowser(s *socket, conn *websocket.Conn, v visit, addressKey string) *browser {
	return &browser{
		socket: s, conn: conn, visit: v, addressKey: addressKey,
		commands: make(chan command), opened: make(chan opened), wake: make(chan struct{}, 1),
		topics: make(map[uint32]*opening),
	}
}

// run returns after the connection is closed and everything it had started has ended.
func (b *browser) run(parent context.Context) {
	ctx, end := context.WithCancelCause(parent)
	b.tasks.Go(func() { end(b.watch(ctx)) })
	b.tasks.Go(func() { end(b.read(ctx)) })
	cause := b.loop(ctx)
	end(cause)
	b.farewell(cause)
	b.tasks.Wait()
	for _, o := range b.topics {
		closeTopic(o.topic)
	}
}

func (b *browser) farewell(cause error) {
	switch {
	case errors.Is(cause, errRevoked):
		_ = b.conn.Close(statusRevoked, errRevoked.Error())
	case errors.Is(cause, live.ErrClosed):
		_ = b.conn.Close(websocket.StatusGoingAway, "the server is stopping")
	case errors.Is(cause, errProtocol):
		_ = b.conn.Close(websocket.StatusPolicyViolation, errProtocol.Error())
	default: // the browser has gone, or does not read: there is nobody to say good-bye to
		_ = b.conn.CloseNow()
	}
}

// watch asks every checkEvery whether the session may still see what it sees.
func (b *browser) watch(ctx context.Context) error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		bounded, cancel := context.WithTimeout(ctx, checkEvery)
		err := b.visit.Check(bounded)
		cancel()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%w: %w", errRevoked, err)
		}
	}
}

// read hands over commands until the connection is closed. It is not given the loop's context for reading: the library
// drops a connection whose read is cancelled, and the closing frame could not be sent any more.
func (b *browser) read(ctx context.Context) error {
	for {
		kind, data, err := b.conn.Read(context.WithoutCancel(ctx))
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		var c command
		if kind != websocket.MessageText || json.Unmarshal(data, &c) != nil {
			return errProtocol
		}
		if c.Report != nil && b.visit.Screen != nil {
			b.visit.Screen.report(*c.Report)
			continue
		}
		if (c.Sub == 0) == (c.Unsub == 0) {
			return errProtocol
		}
		select {
		case b.commands <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *browser) loop(ctx context.Context) error {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	flush := time.NewTimer(flushEvery)
	defer flush.Stop()
	err := b.write(ctx, helloFrame(b.socket.options.Version, time.Now()))
	for err == nil && ctx.Err() == nil { // looked at before each write: a session that has ended is sent nothing more
		select {
		case <-ctx.Done():
		case <-b.socket.options.Hub.Done():
			return live.ErrClosed
		case c := <-b.commands:
			err = b.obey(ctx, c)
		case o := <-b.opened:
			err = b.admit(ctx, o)
		case <-b.wake:
			flush.Reset(max(0, flushEvery-time.Since(b.flushed)))
		case <-flush.C:
			err = b.flush(ctx)
		case now := <-beat.C:
			err = b.write(ctx, strconv.AppendInt([]byte(`{"beat":`), now.UnixMilli(), 10), []byte(`}`))
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// obey starts or ends a subscription. Opening one reads the store, which may be slow: it is done beside the loop, so
// that beats and the other subscriptions go on.
func (b *browser) obey(ctx context.Context, c command) error {
	if c.Unsub != 0 {
		b.drop(c.Unsub)
		return nil
	}
	if b.topics[c.Sub] != nil || len(b.topics) >= maxTopics {
		return b.write(ctx, errorFrame(c.Sub, "refused", fmt.Sprintf("A page has at most %d subscriptions, each with its own number.", maxTopics)))
	}
	bounded, cancel := context.WithTimeout(ctx, openTimeout)
	o := &opening{number: c.Sub, cancel: cancel}
	b.topics[c.Sub] = o
	b.tasks.Go(func() {
		defer cancel()
		result := opened{ticket: o}
		result.topic, result.first = b.open(bounded, c)
		select {
		case b.opened <- result:
		case <-ctx.Done():
			closeTopic(result.topic)
		}
	})
	return nil
}

func (b *browser) drop(number uint32) {
	if o := b.topics[number]; o != nil {
		delete(b.topics, number)
		o.cancel()
		closeTopic(o.topic)
	}
}

// admit answers the command with its first frame and lets updates follow.
func (b *browser) admit(ctx context.Context, o opened) error {
	if b.topics[o.ticket.number] != o.ticket { // dropped in the meantime
		closeTopic(o.topic)
		return nil
	}
	o.ticket.topic = o.topic
	if o.topic == nil {
		delete(b.topics, o.ticket.number)
	}
	rouse(b.wake) // what came while it was being opened has been announced to deaf ears
	return b.write(ctx, o.first)
}

func closeTopic(t topic) {
	if t != nil {
		t.close()
	}
}

func rouse(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// flush sends what has come in one message.
func (b *browser) flush(ctx context.Context) error {
	b.flushed = time.Now()
	var frames [][]byte
	for _, number := range b.numbers() {
		if t := b.topics[number].topic; t != nil {
			if frame := t.next(number); len(frame) > 0 {
				frames = append(frames, frame)
			}
		}
	}
	if len(frames) == 0 {
		return nil
	}
	return b.write(ctx, bytes.Join(frames, []byte("\n")))
}

func (b *browser) numbers() []uint32 {
	numbers := make([]uint32, 0, len(b.topics))
	for number := range b.topics {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return numbers
}

// write sends one message. A browser that does not take it in time is given up. The loop's context must not cut a
// message short: the closing frame has to follow it.
func (b *browser) write(ctx context.Context, parts ...[]byte) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := b.conn.Write(bounded, websocket.MessageText, bytes.Join(parts, nil)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
