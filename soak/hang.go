package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// toOurselves lets the program reach destinations on this machine.
func toOurselves() []string { return []string{"--allow-destinations", "127.0.0.0/8"} }

// forwarded is slow enough for one destination of the program, and for what piles up while one hangs.
var forwarded = shape{devices: 4, batch: 5, rate: 60, echo: 0.05}

// hangs is how long the destination does; its queue takes that much.
const hangs = time.Minute

// receiver is a destination of ours. It knows which packets it has taken, and how often the same message came again.
type receiver struct {
	address string
	server  *http.Server

	mu       sync.Mutex
	hung     chan struct{} // closed when it answers again; nil while it answers
	messages map[string]bool
	packets  map[string]bool // by device and device time: what is a fact
	again    int
	delays   []ack // from the program's receiving to ours
}

func openReceiver() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{address: "http://" + listener.Addr().String(), messages: map[string]bool{}, packets: map[string]bool{}}
	r.server = &http.Server{Handler: http.HandlerFunc(r.receive), ReadHeaderTimeout: 10 * time.Second}
	go r.server.Serve(listener) // ends with close
	return r, nil
}

func (r *receiver) close() { _ = r.server.Close() }

func (r *receiver) receive(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	r.mu.Lock()
	hung := r.hung
	r.mu.Unlock()
	if hung != nil {
		select {
		case <-hung:
		case <-request.Context().Done(): // the program has given up
		}
		panic(http.ErrAbortHandler) // without an answer, since it has not taken the message
	}
	var message struct {
		ID   string
		Data struct {
			Device       struct{ ID string }
			TS, Received time.Time
		}
	}
	if err = errors.Join(err, json.Unmarshal(body, &message)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.take(message.ID, message.Data.Device.ID+" "+message.Data.TS.String(), message.Data.Received)
}

func (r *receiver) take(message, packet string, received time.Time) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.messages[message] {
		r.again++
	}
	r.messages[message], r.packets[packet] = true, true
	r.delays = append(r.delays, ack{at: now, took: now.Sub(received)})
}

func (r *receiver) hang() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hung = make(chan struct{})
}

func (r *receiver) recover() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.hung)
	r.hung = nil
}

func (r *receiver) has() (packets, again int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.packets), r.again
}

func (r *receiver) quantile(from, to time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return quantileOf(r.delays, 0.99, from, to)
}

// destinationHangs forwards everything to two destinations, of which one stops answering for a while. Nobody else may
// notice, and when it answers again it gets everything, once.
func destinationHangs(ctx context.Context, s *settings) (row row, err error) {
	row.times = 1
	r, err := newRig(ctx, s, plan{name: "hang", shape: forwarded, flags: toOurselves()})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	well, hanging, err := r.forwardEverything(ctx)
	if err != nil {
		return row, err
	}
	defer well.close()
	defer hanging.close()
	phase := min(s.phase(), hangs)
	r.fleet.start()
	wait(ctx, 10*time.Second) // to warm up
	calm := time.Now()
	wait(ctx, phase)
	hanging.hang()
	down := time.Now()
	wait(ctx, phase)
	up := time.Now()
	hanging.recover()
	if err := r.fleet.finish(ctx); err != nil {
		return row, err
	}
	packets := r.fleet.acked.Load()
	err = until(ctx, 10*time.Minute, "both destinations have everything", func() error {
		a, _ := well.has()
		b, _ := hanging.has()
		if int64(a) != packets || int64(b) != packets {
			return fmt.Errorf("of %d packets one has %d, the other %d", packets, a, b)
		}
		return nil
	})
	caught := time.Since(up)
	_, again := well.has()
	_, late := hanging.has()
	row.figures = fmt.Sprintf("hung for %.0f s; the other one got packets with p99 %.0f ms before, %.0f ms during; ack p99 %.1f ms before, %.1f ms during; of %d packets the last one was delivered %.0f s later, %d and %d more than once",
		up.Sub(down).Seconds(), ms(well.quantile(calm, down)), ms(well.quantile(down, up)), ms(r.fleet.p99(calm, down)), ms(r.fleet.p99(down, up)), packets, caught.Seconds(), again, late)
	if err != nil {
		return row, err
	}
	if again+late > 0 {
		row.broken = "a destination got a message again that it had taken"
	}
	row.verdict, err = r.judge(ctx)
	return row, err
}

// forwardEverything makes two destinations and the rule that sends every packet to both.
func (r *rig) forwardEverything(ctx context.Context) (well, hanging *receiver, err error) {
	var made []string
	receivers := make([]*receiver, 2)
	for i := range receivers {
		if receivers[i], err = openReceiver(); err != nil {
			return nil, nil, err
		}
		id, err := r.create(ctx, "/manage/v1/destinations", fmt.Sprintf(`{"name":"receiver %d","kind":"webhook","url":%q}`, i, receivers[i].address))
		if err != nil {
			return nil, nil, err
		}
		made = append(made, id)
	}
	rule, err := r.create(ctx, "/manage/v1/rules", fmt.Sprintf(`{"name":"everything","when":"true","then":{"forward":[%q,%q]}}`, made[0], made[1]))
	if err != nil {
		return nil, nil, err
	}
	status, body, err := r.call(ctx, http.MethodPost, "/manage/v1/rules/"+rule+"/enable", `{"reason":"soak"}`)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("enabling the rule: %d %s", status, body)
	}
	return receivers[0], receivers[1], err
}

// create makes a thing of the tenant and returns its id.
func (r *rig) create(ctx context.Context, path, body string) (string, error) {
	status, text, err := r.call(ctx, http.MethodPost, path, body)
	var made struct{ ID string }
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	if err != nil || status != http.StatusCreated {
		return "", fmt.Errorf("%s: %d %s: %w", path, status, text, err)
	}
	return made.ID, nil
}
