package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	doomedNames    = "condemned_" // begins every name that the deleted tenant has
	doomedDevices  = 1000
	doomedPackets  = 500 // of each device, in one request
	doomedMetrics  = 20  // of each packet: ten million readings
	doomedPosts    = 4   // requests at once
	doomedSpacing  = 2 * time.Second
	filledIn       = 15 * time.Minute
	erasedIn       = 30 * time.Minute
	longestRun     = 8 * time.Second  // of the job before it is killed: it takes about that from its order to its end
	replacedLonger = 15 * time.Minute // ClickHouse keeps replaced files for eight minutes, and looks for them now and then
)

// besides is the tenant that stays. It sends before, during and after, into the same lanes, blocks and parts.
var besides = shape{devices: 4, batch: 50, rate: 1_000, echo: 0.1}

// doomed is the tenant that is deleted.
type doomed struct {
	rig      *rig
	tenant   string
	name     string
	devices  []device
	traces   traces
	readings atomic.Int64 // acknowledged
	browser  *http.Client // of the operator
}

// eraseTenant deletes a tenant with a thousand devices and ten million readings while another one sends, kills everything
// in the middle, and looks for what is left of it: in what the program counts, and in the bytes of every file.
func eraseTenant(ctx context.Context, s *settings) (row row, err error) {
	r, err := newRig(ctx, s, plan{name: "erase-tenant", shape: besides})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	d, err := r.addDoomed(ctx, max(s.times(doomedDevices)/s.lighter(), 1))
	if err != nil {
		return row, err
	}
	began := time.Now()
	if err := d.fill(ctx); err != nil {
		return row, err
	}
	filled := time.Since(began)
	wait(ctx, s.rest) // so that there are windows, too
	before, err := d.traces.search(r.data)
	if err != nil {
		return row, err
	}
	r.fleet.start()
	ordered := time.Now()
	if row.times, err = d.delete(ctx); err != nil {
		return row, err
	}
	took := time.Since(ordered)
	removed, left, err := d.proof(ctx)
	if err != nil {
		return row, err
	}
	after, clean, err := d.look(ctx)
	if err != nil {
		return row, err
	}
	row.figures = fmt.Sprintf("%d devices, %d readings stored within %.0f s; gone %.0f s after the order: %s; its traces were in %d files of ClickHouse and %d of NATS, and are in %d and %d %v %.0f s later, and its id in %d commands; %d MiB before, %d MiB then",
		len(d.devices), d.readings.Load(), filled.Seconds(), took.Seconds(), removed, before.readings, len(before.queues), after.readings, len(after.queues), after.queues, clean.Seconds(), after.orders, before.bytes>>20, after.bytes>>20)
	row.broken = broken(before, after, left)
	row.verdict, err = r.judge(ctx)
	return row, err
}

// lighter is by how much less the short form stores.
func (s *settings) lighter() int {
	if s.short {
		return 5
	}
	return 1
}

// broken says what of the tenant is left, and whether it was there at all before.
func broken(before, after found, left int) string {
	switch {
	case before.readings == 0 || len(before.queues) == 0:
		return "nothing of the tenant was found before it was deleted: the search finds nothing"
	case left > 0:
		return fmt.Sprintf("%d things are left, as the program itself counts", left)
	case after.readings > 0 || len(after.others) > 0:
		return fmt.Sprintf("traces are left in %d files of ClickHouse and in %q", after.readings, after.others)
	}
	return ""
}

// addDoomed makes the tenant and its devices while the program does not run.
func (r *rig) addDoomed(ctx context.Context, devices int) (*doomed, error) {
	if err := r.process.stop(); err != nil {
		return nil, err
	}
	p := plan{tenants: 1, names: doomedNames, shape: shape{devices: devices}}
	made, err := populate(ctx, r.data, p)
	if err != nil {
		return nil, err
	}
	d := &doomed{rig: r, devices: made, tenant: made[0].Tenant, name: p.part(0, nil).name}
	d.traces.addID(d.tenant)
	d.traces.add(doomedNames)
	for _, each := range made {
		d.traces.addID(each.ID)
	}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	d.browser, err = r.browser(ctx)
	return d, err
}

// fill stores everything of the tenant, while the other one sends, too.
func (d *doomed) fill(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, filledIn)
	defer cancel()
	d.rig.fleet.start()
	first := time.Now().Add(-24 * time.Hour).Truncate(time.Hour)
	posts, sending := errgroup.WithContext(ctx)
	posts.SetLimit(doomedPosts)
	for _, one := range d.devices {
		posts.Go(func() error {
			if err := d.post(sending, one, `[{"`+doomedNames+`bad":{}}]`, http.StatusBadRequest); err != nil {
				return err
			}
			d.readings.Add(doomedPackets * doomedMetrics)
			return d.post(sending, one, body(one, first), http.StatusOK)
		})
	}
	err := posts.Wait()
	d.rig.fleet.halt()
	if err != nil {
		return err
	}
	return d.rig.drained(ctx, filledIn)
}

// body is everything that a device of the tenant ever sends, in one array.
func body(of device, first time.Time) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `[{"kind":"logs","values":{"line":%q}}`, of.Name+" is here")
	for n := range doomedPackets {
		fmt.Fprintf(&b, `,{"ts":%d,"values":{`, first.Add(time.Duration(n)*doomedSpacing).UnixMilli())
		for m := range doomedMetrics {
			fmt.Fprintf(&b, `"%smetric_%d":%d,`, doomedNames, m, rand.IntN(1000))
		}
		b.Truncate(b.Len() - 1) // the last comma
		b.WriteString("}}")
	}
	b.WriteString("]")
	return b.String()
}

// post sends a request until it is answered as it should; whoever is told to come again does.
func (d *doomed) post(ctx context.Context, one device, body string, want int) error {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.rig.base()+"/ingest/v1/packets", strings.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+one.Token)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		switch {
		case err != nil:
			return err
		case response.StatusCode == want:
			return nil
		case response.StatusCode != http.StatusServiceUnavailable && response.StatusCode != http.StatusTooManyRequests:
			return fmt.Errorf("%s was answered %d: %.300s", one.Name, response.StatusCode, text)
		}
		wait(ctx, 200*time.Millisecond)
	}
}

func (d *doomed) page() string { return d.rig.base() + "/system/tenants/" + d.tenant + "/delete" }

// delete orders the deletion as an operator does, kills everything at random moments until it is done, and returns how
// often that was.
func (d *doomed) delete(ctx context.Context) (kills int, err error) {
	ctx, cancel := context.WithTimeout(ctx, erasedIn)
	defer cancel()
	if _, _, err := fillIn(ctx, d.browser, d.page(), url.Values{"confirm": {"something else"}}); err == nil {
		return 0, errors.New("the tenant is deleted without its name being typed")
	}
	if _, _, err := fillIn(ctx, d.browser, d.page(), url.Values{"confirm": {d.name}}); err != nil {
		return 0, err
	}
	for most := d.rig.settings.times(10); ; {
		wait(ctx, rand.N(longestRun))
		over, err := d.over(ctx)
		if over || err != nil {
			return kills, err
		}
		if kills == most {
			continue
		}
		d.rig.process.kill()
		kills++
		if err := d.rig.start(ctx); err != nil {
			return kills, err
		}
	}
}

// over says whether the program has finished the deletion.
func (d *doomed) over(ctx context.Context) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.page(), nil)
	if err != nil {
		return false, err
	}
	response, err := d.browser.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return false, nil
	case http.StatusNotFound:
		return true, nil
	}
	return false, fmt.Errorf("the progress of the deletion is answered %d", response.StatusCode)
}

// proof is what the audit of the platform says of the deletion: what was removed, in words, and how much of it is left.
func (d *doomed) proof(ctx context.Context) (words string, left int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.rig.base()+"/system/audit.ndjson", nil)
	if err != nil {
		return "", 0, err
	}
	response, err := d.browser.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	for lines := json.NewDecoder(response.Body); ; {
		var line struct {
			Type    string
			Changes []struct{ What, Before, After string }
		}
		if err := lines.Decode(&line); err != nil {
			return "", 0, fmt.Errorf("the audit says nothing of the deletion: %w", err)
		}
		if line.Type != "tenant.erased" {
			continue
		}
		var parts []string
		for _, c := range line.Changes {
			if c.After != "0" {
				left++
			}
			if c.Before != "0" {
				parts = append(parts, c.Before+" "+c.What)
			}
		}
		return strings.Join(parts, ", "), left, nil
	}
}

// look searches until ClickHouse has removed the files that it replaced, and says how long that took.
func (d *doomed) look(ctx context.Context) (after found, took time.Duration, err error) {
	began := time.Now()
	for {
		after, err = d.traces.search(d.rig.data)
		if err != nil || after.readings == 0 || time.Since(began) > replacedLonger {
			return after, time.Since(began), err
		}
		wait(ctx, 10*time.Second)
	}
}
