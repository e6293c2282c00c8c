package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The rule of alarms, and how its devices send. Between the two limits nothing changes, whatever has been.
const (
	firesAbove  = 90
	clearsBelow = 50

	alarmed    = 48 // devices: each fires once in a story, so that no message waits for another one's group
	halfStory  = 20 // readings
	perRequest = 2
	apart      = 100 * time.Millisecond // of device time between readings
	between    = 50 * time.Millisecond  // at most, from one request to the next
	toldIn     = 2 * time.Minute        // far above what it takes, a cluster that elects leaders included
)

// alarms is devices with an alert rule over what they send. A device sends the next request only when the one before it is
// acknowledged, so that a plain loop over its ledger says what must fire; what is repeated is in no order.
type alarms struct {
	rig     *rig
	inbox   *inbox
	rule    string
	devices []*alarm
}

// alarm is one device and everything that it ever sent.
type alarm struct {
	rig    *rig
	device device
	random *rand.Rand
	sent   []sample
	acked  int // how many of them, from the first
}

type sample struct {
	at    int64 // device time, in milliseconds since 1970
	value int
}

// raised is one alert: of which device, and when it began and ended by the device's time.
type raised struct {
	device       string
	began, ended int64
}

// withAlarms registers the devices, and a rule that tells a webhook of ours about each of them. It returns when one of the copies
// evaluates: what came before the first rule of an installation is seen by none.
func (r *rig) withAlarms(ctx context.Context, copies ...*rig) (*alarms, error) {
	a := &alarms{rig: r}
	var err error
	if a.inbox, err = openInbox(); err != nil {
		return nil, err
	}
	for n := range alarmed {
		d, err := r.register(ctx, fmt.Sprintf("alarm-%d", n))
		if err != nil {
			return a, err
		}
		a.devices = append(a.devices, &alarm{rig: r, device: d, random: rand.New(rand.NewPCG(uint64(n), 2))})
	}
	hook, err := r.create(ctx, "/manage/v1/destinations", fmt.Sprintf(`{"name":"inbox","kind":"webhook","url":%q}`, a.inbox.address))
	if err != nil {
		return a, err
	}
	a.rule, err = r.enableAlert(ctx, fmt.Sprintf(`{"name":"alarm","kind":"threshold","selector":{"names":["alarm-*"]},
		"levels":[{"severity":"critical","when":{"tests":[{"metric":"n","op":"above","value":%d}]},"clear":{"tests":[{"metric":"n","op":"below","value":%d}]}}],
		"notify":{"steps":[{"destinations":[%q]}],"group_by":"device"}}`, firesAbove, clearsBelow, hook))
	if err == nil {
		_, err = active(ctx, copies)
	}
	return a, err
}

// enableAlert writes an alert rule and has it run.
func (r *rig) enableAlert(ctx context.Context, text string) (rule string, err error) {
	if rule, err = r.create(ctx, "/manage/v1/alert-rules", text); err != nil {
		return "", err
	}
	status, body, err := r.call(ctx, http.MethodPost, "/manage/v1/alert-rules/"+rule+"/start", `{"mode":"enabled","reason":"soak"}`)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("enabling the alert rule: %d %s", status, body)
	}
	return rule, err
}

func (a *alarms) close() { a.inbox.close() }

// tell has every device fire and then recover, at a time by the program's clock, and returns when everybody was told of
// everything. In the middle of each half something goes wrong.
func (a *alarms) tell(ctx context.Context, now func() time.Time, blow func() error) error {
	for _, half := range []func(*alarm, time.Time){(*alarm).rise, (*alarm).fall} {
		var senders sync.WaitGroup
		for _, one := range a.devices {
			half(one, now())
			senders.Go(func() { one.deliver(ctx) })
		}
		wait(ctx, between+rand.N(halfStory/perRequest/2*between))
		err := blow()
		senders.Wait()
		if err != nil {
			return err
		}
		if err := until(ctx, toldIn, "everybody is told of every alert", func() error { return a.compare(ctx).missing() }); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// rise lets the device fire once: something between before, something between after.
func (d *alarm) rise(now time.Time) {
	peak := d.random.IntN(halfStory)
	for n := range halfStory {
		value := d.random.IntN(firesAbove + 1)
		if n == peak {
			value = firesAbove + 1 + d.random.IntN(10)
		} else if n > peak {
			value = clearsBelow + d.random.IntN(50)
		}
		d.add(now, value)
	}
}

// fall lets it recover.
func (d *alarm) fall(now time.Time) {
	low := d.random.IntN(halfStory)
	for n := range halfStory {
		value := d.random.IntN(firesAbove + 1)
		if n == low {
			value = d.random.IntN(clearsBelow)
		} else if n < low {
			value = clearsBelow + d.random.IntN(50)
		}
		d.add(now, value)
	}
}

// add puts a reading into the ledger, later than the one before it.
func (d *alarm) add(now time.Time, value int) {
	at := now.Add(-halfStory * apart).UnixMilli()
	if n := len(d.sent); n > 0 {
		at = max(at, d.sent[n-1].at+apart.Milliseconds())
	}
	d.sent = append(d.sent, sample{at, value})
}

// deliver sends what is not acknowledged yet, in order, and repeats something older now and then.
func (d *alarm) deliver(ctx context.Context) {
	for d.acked < len(d.sent) && ctx.Err() == nil {
		numbers := make([]int, 0, perRequest)
		for n := d.acked; n < min(d.acked+perRequest, len(d.sent)); n++ {
			numbers = append(numbers, n)
		}
		if d.post(ctx, numbers, "a") == nil {
			d.acked += len(numbers)
		}
		if d.acked > perRequest && d.random.IntN(4) == 0 {
			d.repeat(ctx, d.random.IntN(d.acked), d.random.IntN(2) == 0)
		}
		wait(ctx, time.Duration(d.random.Int64N(int64(between))))
	}
}

// again has every device send everything once more, in any order.
func (a *alarms) again(ctx context.Context, renamed bool) {
	var senders sync.WaitGroup
	for _, d := range a.devices {
		senders.Go(func() {
			for _, n := range d.random.Perm(d.acked) {
				d.repeat(ctx, n, renamed)
			}
		})
	}
	senders.Wait()
}

// repeat sends acknowledged readings again, as a device that empties its buffer a second time; nobody minds when it fails.
func (d *alarm) repeat(ctx context.Context, n int, renamed bool) {
	prefix := "a"
	if renamed {
		prefix = fmt.Sprintf("r%x", d.random.Uint32())
	}
	_ = d.post(ctx, []int{n, d.random.IntN(d.acked)}, prefix)
}

func (d *alarm) post(ctx context.Context, numbers []int, prefix string) error {
	var body strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&body, `{"id":"%s-%d","ts":%d,"values":{"n":%d}}`+"\n", prefix, n, d.sent[n].at, d.sent[n].value)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.rig.fleet.base()+"/ingest/v1/packets", strings.NewReader(body.String()))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+d.device.Token)
	request.Header.Set("Content-Type", "application/x-ndjson")
	response, err := d.rig.fleet.client.Do(request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusOK || !strings.Contains(string(text), fmt.Sprintf(`"accepted":%d`, len(numbers))) {
		return errors.Join(fmt.Errorf("%d %s", response.StatusCode, text), err)
	}
	return err
}

// expected is what must have fired by now: the plain reference.
func (a *alarms) expected() (list []raised) {
	for _, d := range a.devices {
		fires := false
		for _, s := range d.sent {
			switch {
			case !fires && s.value > firesAbove:
				fires, list = true, append(list, raised{device: d.device.ID, began: s.at})
			case fires && s.value < clearsBelow:
				fires, list[len(list)-1].ended = false, s.at
			}
		}
	}
	return list
}
