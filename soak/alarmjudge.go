package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// inbox is a webhook of ours. It keeps every message under the key by which a receiver knows a repetition.
type inbox struct {
	address string
	server  *http.Server

	mu       sync.Mutex
	messages map[string][]raised // by key; what has not ended fires
	again    int
}

func openInbox() (*inbox, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &inbox{address: "http://" + listener.Addr().String(), messages: map[string][]raised{}}
	b.server = &http.Server{Handler: http.HandlerFunc(b.receive), ReadHeaderTimeout: 10 * time.Second}
	go b.server.Serve(listener) // ends with close
	return b, nil
}

func (b *inbox) close() { _ = b.server.Close() }

func (b *inbox) receive(w http.ResponseWriter, request *http.Request) {
	var message struct {
		Data struct {
			Alerts []struct {
				Device struct{ ID string }
				Began  time.Time
				Ended  time.Time
			}
		}
	}
	if err := json.NewDecoder(request.Body).Decode(&message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var told []raised
	for _, one := range message.Data.Alerts {
		told = append(told, raisedAt(one.Device.ID, one.Began, one.Ended))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := request.Header.Get("Webhook-Id")
	if _, known := b.messages[key]; known {
		b.again++
	}
	b.messages[key] = told
}

// raisedAt is an alert as the program tells of it; one that has not ended has no end.
func raisedAt(device string, began, ended time.Time) raised {
	r := raised{device: device, began: began.UnixMilli()}
	if !ended.IsZero() {
		r.ended = ended.UnixMilli()
	}
	return r
}

// told is every notification, once for each message that a receiver takes for a new one.
func (b *inbox) told() (list []raised) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, message := range b.messages {
		list = append(list, message...)
	}
	return list
}

// shown is every alert that the program has.
func (a *alarms) shown(ctx context.Context) (list []raised, err error) {
	status, body, err := a.rig.call(ctx, http.MethodGet, "/manage/v1/alerts?state=all&rule="+a.rule, "")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Items []struct {
			Device       string
			Began, Ended time.Time
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("alerts: %d %.300s", status, body), err)
	}
	for _, one := range answer.Items {
		list = append(list, raisedAt(one.Device, one.Began, one.Ended))
	}
	return list, nil
}

// reckoning is what was expected, what there is, and the difference.
type reckoning struct {
	alerts, notices tally
	err             error
}

// tally counts what is wrong with a list.
type tally struct{ wanted, lost, doubled, strange int }

func (t tally) wrong() int { return t.lost + t.doubled + t.strange }

// check compares a list, in any order, with what it must be.
func check(want, have []raised) tally {
	t := tally{wanted: len(want)}
	left, known := map[raised]int{}, map[raised]bool{}
	for _, r := range want {
		left[r]++
		known[r] = true
	}
	for _, r := range have {
		left[r]--
		if left[r] < 0 && known[r] {
			t.doubled++
		} else if !known[r] {
			t.strange++
		}
	}
	for _, n := range left {
		t.lost += max(n, 0)
	}
	return t
}

// compare holds alerts and notifications against the ledger.
func (a *alarms) compare(ctx context.Context) (r reckoning) {
	shown, err := a.shown(ctx)
	want := a.expected()
	return reckoning{alerts: check(want, shown), notices: check(noticesOf(want), a.inbox.told()), err: err}
}

// noticesOf is what people must have been told: that each began, and that it is over.
func noticesOf(alerts []raised) (list []raised) {
	for _, r := range alerts {
		list = append(list, raised{device: r.device, began: r.began})
		if r.ended != 0 {
			list = append(list, r)
		}
	}
	return list
}

// missing says what is not there yet.
func (r reckoning) missing() error {
	if r.err != nil || r.alerts.lost+r.notices.lost == 0 {
		return r.err
	}
	return fmt.Errorf("%d of %d alerts and %d of %d notifications are missing; %d and %d are not expected", r.alerts.lost, r.alerts.wanted, r.notices.lost, r.notices.wanted,
		r.alerts.strange, r.notices.strange)
}

// settled is how long what would be told twice has to show.
const settled = 5 * time.Second

// judge compares for the last time.
func (a *alarms) judge(ctx context.Context) (figures, broken string, err error) {
	wait(ctx, settled)
	r := a.compare(ctx)
	if r.err != nil {
		return "", "", r.err
	}
	a.inbox.mu.Lock()
	again := a.inbox.again
	a.inbox.mu.Unlock()
	figures = fmt.Sprintf("of %d expected alerts %d missing, %d doubled, %d not expected; of %d notifications %d, %d and %d (%d messages came again under their key)",
		r.alerts.wanted, r.alerts.lost, r.alerts.doubled, r.alerts.strange, r.notices.wanted, r.notices.lost, r.notices.doubled, r.notices.strange, again)
	if r.alerts.wrong()+r.notices.wrong() > 0 {
		broken = figures
	}
	return figures, broken, nil
}
