package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// watching is the sockets of browsers on the page of the first device.
type watching []*websocket.Conn

func (w watching) close() {
	for _, socket := range w {
		socket.CloseNow()
	}
}

// watchers opens sockets as browsers do, all with one session.
func (p *program) watchers(ctx context.Context, count int) (all watching, err error) {
	client, err := p.signIn(ctx)
	if err != nil {
		return nil, err
	}
	for range count {
		socket, err := p.watch(ctx, client, p.devices[0])
		if err != nil {
			return all, err
		}
		all = append(all, socket)
	}
	return all, nil
}

// signIn returns a client with the operator's session.
func (p *program) signIn(ctx context.Context) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar}
	form := url.Values{"email": {benchOperator}, "password": {benchPassword}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("signing in: status %d", response.StatusCode)
	}
	return client, nil
}

// watch opens the socket of the device's page and waits for its snapshot.
func (p *program) watch(ctx context.Context, client *http.Client, device string) (*websocket.Conn, error) {
	base := "http://" + p.address
	socket, _, err := websocket.Dial(ctx, base+"/t/"+p.tenant+"/live", &websocket.DialOptions{HTTPClient: client, HTTPHeader: http.Header{"Origin": {base}}})
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(16 << 20)
	err = socket.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"sub":1,"topic":"device","device":%q}`, device))
	for err == nil {
		var frame []byte
		if _, frame, err = socket.Read(ctx); bytes.Contains(frame, []byte(`"snapshot"`)) {
			return socket, nil
		}
	}
	socket.CloseNow()
	return nil, err
}

// fanRate is how many packets a second everybody watches: a delivery is a packet in a frame of one browser.
const fanRate = 1000

// fanOut measures how many deliveries a second browsers get, and what they cost.
func (p *program) fanOut(ctx context.Context, duration time.Duration) (table, error) {
	fan := table{
		title:   "Screens",
		columns: []string{"browsers on one device", "packets/s", "deliveries/s", "cores of the program", "deliveries/s and core", "conflated frames", "resident MB"},
		note:    "A delivery is one packet in a frame of one browser; the cores include taking the packets in and storing them. A browser that does not keep up gets conflated frames with the newest values, and is told how many it skipped.",
	}
	for _, browsers := range []int{1, 100, screens} {
		row, err := p.fanOutTo(ctx, browsers, duration)
		if err != nil {
			return fan, fmt.Errorf("fan-out to %d: %w", browsers, err)
		}
		fan.rows = append(fan.rows, row)
		progress("fan-out: %s", strings.Join(row, " | "))
	}
	return fan, nil
}

func (p *program) fanOutTo(ctx context.Context, browsers int, duration time.Duration) ([]string, error) {
	sockets, err := p.watchers(ctx, browsers)
	defer sockets.close()
	if err != nil {
		return nil, err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var delivered, skipped atomic.Int64
	var wait sync.WaitGroup
	for _, socket := range sockets {
		wait.Go(func() {
			for {
				_, frame, err := socket.Read(reading)
				if err != nil {
					return
				}
				delivered.Add(int64(bytes.Count(frame, []byte(`"voltage",`))))
				if bytes.Contains(frame, []byte(`"skipped":`)) {
					skipped.Add(1)
				}
			}
		})
	}
	before, began := p.cost(), time.Now()
	l := load{form: arrays(), address: p.address, tokens: p.tokens[:1], connections: 4, batch: 10, rate: fanRate, duration: duration, start: time.Now().Add(-time.Duration(browsers+2) * time.Hour).UnixMilli()}
	got, err := l.run(ctx)
	if err != nil {
		return nil, err
	}
	took, spent := time.Since(began).Seconds(), p.cost().minus(before)
	rate, cores := float64(delivered.Load())/took, spent.program.Seconds()/took
	stop()
	wait.Wait()
	return []string{fmt.Sprint(browsers), number(got.rate()), number(rate), fmt.Sprintf("%.2f", cores), number(rate / cores), count(skipped.Load()), megabytes(spent.resident)}, p.drained(ctx)
}
