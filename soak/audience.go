package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	audience = 1_000
	// listeners is how many of the screens say when each packet came to them; reading every frame of all would cost the
	// machine more than the program does. They lie evenly among the others.
	listeners = 50
	// atOnce is how many screens open their sockets at the same time.
	atOnce = 20
	// audienceSees is the delay within which 99 % of what is shown must be there.
	audienceSees = time.Second
)

// onStage is ten devices, each with ten updates a second: a widget that shows all of them changes ten times a second, which is
// as often as a screen is told.
var onStage = shape{devices: 10, batch: 1, rate: 100}

// oneDashboard shows the same values in three ways.
const oneDashboard = `longwave: dashboard/1
id: ""
name: Stage
widgets:
  - {id: w1, kind: line, title: All, at: {x: 0, y: 0, w: 12, h: 5}, metrics: [{name: n}]}
  - {id: w2, kind: table, title: Newest, at: {x: 0, y: 5, w: 6, h: 5}, metrics: [{name: n}]}
  - {id: w3, kind: number, title: One, at: {x: 6, y: 5, w: 6, h: 5}, metrics: [{name: n}]}
`

// manyLookAtOne lets a thousand screens look at one dashboard and says what that costs the program.
func manyLookAtOne(ctx context.Context, s *settings) (row row, err error) {
	row.times = 1
	r, err := newRig(ctx, s, plan{name: "screens", shape: onStage})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	a, err := r.seat(ctx, audience)
	if err != nil {
		return row, err
	}
	defer a.close()
	r.fleet.start()
	wait(ctx, 10*time.Second) // to warm up
	from, messages, before := time.Now(), a.messages.Load(), r.spent()
	wait(ctx, s.phase())
	to, after := time.Now(), r.spent()
	seconds := to.Sub(from).Seconds()
	p50, p99 := a.seen.quantile(0.5, from, to), a.seen.quantile(0.99, from, to)
	row.figures = fmt.Sprintf("%d screens with one widget of ten series and two more, 10 updates/s: %.0f messages/s; POST to screen p50 %.1f ms, p99 %.1f ms (of %d screens); program %.2f cores, engine %.2f cores, %.0f MB",
		audience, float64(a.messages.Load()-messages)/seconds, ms(p50), ms(p99), listeners,
		(after.program-before.program).Seconds()/seconds, (after.engine-before.engine).Seconds()/seconds, float64(after.resident)/1e6)
	if p99 == 0 || p99 > audienceSees {
		row.broken = fmt.Sprintf("99 %% of what a screen shows came within %.0f ms, promised are %.0f", ms(p99), ms(audienceSees))
	}
	if err := a.seen.failed(); err != nil {
		return row, fmt.Errorf("a screen went dark: %w", err)
	}
	a.close()
	row.verdict, err = r.judge(ctx)
	return row, err
}

// crowd is screens on one dashboard.
type crowd struct {
	seen     *screens // those that say when something came
	sockets  []*websocket.Conn
	readers  sync.WaitGroup
	messages atomic.Int64
	closing  atomic.Bool
}

// seat makes the dashboard and lets screens open it.
func (r *rig) seat(ctx context.Context, count int) (*crowd, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{Jar: jar}
	if _, _, err := fillIn(ctx, browser, r.base()+"/sign-in", url.Values{"email": {operator}, "password": {password}}); err != nil {
		return nil, err
	}
	at, _, err := fillIn(ctx, browser, r.base()+"/t/"+r.tenant+"/dashboards/import", url.Values{"yaml": {oneDashboard}})
	if err != nil {
		return nil, err
	}
	c := &crowd{seen: &screens{sent: map[string]time.Time{}}}
	r.fleet.leaves = c.leaves
	doors := make(chan struct{}, atOnce)
	failed := make(chan error, count)
	var opening sync.WaitGroup
	c.sockets = make([]*websocket.Conn, count)
	for i := range count {
		doors <- struct{}{}
		opening.Go(func() {
			defer func() { <-doors }()
			socket, err := r.lookAt(ctx, browser, path.Base(at))
			if err != nil {
				failed <- err
			}
			c.sockets[i] = socket
		})
	}
	opening.Wait()
	close(failed)
	if err := <-failed; err != nil {
		c.close()
		return nil, fmt.Errorf("opening %d screens: %w", count, err)
	}
	for i, socket := range c.sockets {
		c.readers.Go(func() { c.read(ctx, socket, i%(count/listeners) == 0) })
	}
	return c, nil
}

// lookAt opens the socket of a dashboard's page and asks for its widgets.
func (r *rig) lookAt(ctx context.Context, browser *http.Client, dashboard string) (*websocket.Conn, error) {
	socket, _, err := websocket.Dial(ctx, r.base()+"/t/"+r.tenant+"/live", &websocket.DialOptions{HTTPClient: browser, HTTPHeader: http.Header{"Origin": {r.base()}}})
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(16 << 20)
	for n := 1; n <= 3; n++ {
		if err := socket.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"sub":%d,"topic":"widget","dashboard":%q,"widget":"w%d"}`, n, dashboard, n)); err != nil {
			socket.CloseNow()
			return nil, err
		}
	}
	return socket, nil
}

// leaves remembers when a packet was sent for the first time.
func (c *crowd) leaves(from *series, d delivery) {
	c.seen.mu.Lock()
	defer c.seen.mu.Unlock()
	for _, n := range d.numbers {
		if key := fmt.Sprint(from.device.ID, from.at(n)); c.seen.sent[key].IsZero() {
			c.seen.sent[key] = time.Now()
		}
	}
}

// read counts what comes to a screen; one that listens looks into it.
func (c *crowd) read(ctx context.Context, socket *websocket.Conn, listens bool) {
	for {
		_, message, err := socket.Read(ctx)
		if err != nil {
			if !c.closing.Load() {
				c.seen.ended(err)
			}
			return
		}
		c.messages.Add(1)
		if !listens {
			continue
		}
		now := time.Now()
		for line := range bytes.Lines(message) {
			var frame struct {
				Sub    int
				Points [][4]json.RawMessage
			}
			if err := json.Unmarshal(line, &frame); err != nil {
				c.seen.ended(err)
				return
			}
			if frame.Sub == 1 {
				c.arrived(frame.Points, now)
			}
		}
	}
}

// arrived says how long each point took to this screen.
func (c *crowd) arrived(points [][4]json.RawMessage, now time.Time) {
	c.seen.mu.Lock()
	defer c.seen.mu.Unlock()
	for _, p := range points {
		if at, ok := c.seen.sent[strings.Trim(string(p[0]), `"`)+string(p[2])]; ok {
			c.seen.seen = append(c.seen.seen, ack{now, now.Sub(at)})
		}
	}
}

func (c *crowd) close() {
	c.closing.Store(true)
	for _, socket := range c.sockets {
		if socket != nil {
			socket.CloseNow()
		}
	}
	c.readers.Wait()
}

// expense is what the program and its children have used.
type expense struct {
	program, engine time.Duration // of the processors
	resident        int64
}

func (r *rig) spent() expense {
	pid := r.process.command.Process.Pid
	var e expense
	e.program, e.resident = usage(pid)
	for _, child := range children(pid) {
		cpu, resident := usage(child)
		e.engine, e.resident = e.engine+cpu, e.resident+resident
	}
	return e
}

// ticks is how many the kernel counts a second for user space; Linux fixes it (proc(5)).
const ticks = 100

func usage(pid int) (cpu time.Duration, resident int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	var user, system, pages int64
	fields := strings.Fields(rest)
	if len(fields) < 22 {
		return 0, 0
	}
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	fmt.Sscan(fields[21], &pages)
	return time.Duration(user+system) * time.Second / ticks, pages * int64(os.Getpagesize())
}
