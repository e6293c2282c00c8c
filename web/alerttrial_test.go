package web

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"longwave/ingest/telemetry"
	"longwave/processors/alert/trial"
	"longwave/tenants/id"
)

// past is stored readings, one a minute: the first device asked for swings between 60 and 100 every six hours, the others stay at 60.
type past struct {
	failure error
	hold    chan struct{} // when it is not nil, nothing is answered until it is closed
}

// Arrivals implements trial.Reader.
func (p *past) Arrivals(ctx context.Context, q telemetry.ArrivalsQuery, yield func(*telemetry.Arrival) error) error {
	if p.hold != nil {
		select {
		case <-p.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	const minute, period = telemetry.Micros(60_000_000), 360
	for i := range q.Devices {
		for at := q.From; at < q.To; at += minute {
			a := telemetry.Arrival{Device: i, Received: at, At: at, Value: telemetry.Value{Num: 60}}
			if i == 0 {
				a.Value.Num = 80 - 20*math.Cos(2*math.Pi*float64((at-q.From)/minute%period)/period)
			}
			if err := yield(&a); err != nil {
				return err
			}
		}
	}
	return p.failure
}

func (p *past) trials(t testing.TB) Trials {
	t.Helper()
	trials, err := trial.New(func(id.Tenant) trial.Reader { return p })
	if err != nil {
		t.Fatal(err)
	}
	return trials
}

// hotOnes is a form that says what to try.
func hotOnes() url.Values {
	return url.Values{"view": {"sentence"}, "kind": {"threshold"}, "selector.names": {"pump-0*"}, "levels.0.severity": {"critical"}, "levels.0.when.metric": {"temp"}, "levels.0.when.op": {"above"},
		"levels.0.when.text": {"90"}, "levels.0.clear.metric": {"temp"}, "levels.0.clear.op": {"below"}, "levels.0.clear.text": {"85"}, "period": {"24h"}}
}

func TestAlertRuleIsTriedOnThePast(t *testing.T) {
	s, b, ids := watched(t)
	self := alertRulePath(s.claimed.Tenant.ID, ids[0]) + "/past"
	ask := func(form url.Values) string {
		return strings.Join(strings.Fields(b.post(self, form).page.text("#past-result")), " ")
	}
	got := ask(hotOnes())
	for _, part := range []string{"In the last 24 h it would have fired 4 times on 1 of 9 devices.", "No message: the rule notifies nobody.", "Looked at 12,960 values.", "Critical"} {
		if !strings.Contains(got, part) {
			t.Errorf("without %q: %s", part, got)
		}
	}
	for field, spoil := range map[string]struct{ value, want string }{"selector.names": {"nobody", "No device is like this"}, "levels.0.when.text": {"much", "Is no number"}} {
		form := hotOnes()
		form.Set(field, spoil.value)
		if got := ask(form); !strings.Contains(got, spoil.want) {
			t.Errorf("%s: %s", field, got)
		}
	}
	form := hotOnes()
	form.Set("levels.0.when.text", "101")
	if got := ask(form); !strings.Contains(got, "it would not have fired") {
		t.Error(got)
	}
	form.Set("levels.0.when.op", "unusual")
	form.Set("levels.0.when.text", "0.9")
	if got := ask(form); !strings.Contains(got, "it would not have fired") || !strings.Contains(got, "grey band is what was usual") {
		t.Error(got)
	}
	s.past.failure = errors.New("down")
	if got := ask(hotOnes()); !strings.Contains(got, "cannot be read just now") {
		t.Error(got)
	}
}

// The script gets a line for each step, and the last one has what came of it.
func TestATrialTellsHowFarItIs(t *testing.T) {
	s, b, ids := watched(t)
	got := b.do(http.MethodPost, alertRulePath(s.claimed.Tenant.ID, ids[0])+"/past", hotOnes(), http.Header{"Accept": {ndjson}})
	lines := strings.Split(strings.TrimSpace(got.body), "\n")
	var last trialLine
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || got.status != http.StatusOK || !strings.Contains(last.HTML, "fired 4 times") {
		t.Errorf("%d: %s, %v", got.status, got.body, err)
	}
}

func TestAlertRuleIsTriedInABrowser(t *testing.T) {
	axe := readAxe(t)
	s, b, ids := watched(t)
	s.past.hold = make(chan struct{})
	series := telemetry.Series{Metric: "temp", Step: "10m"}
	now := telemetry.At(time.Now())
	q := telemetry.ArrivalsQuery{Devices: []id.Device{"d"}, From: now - 7*24*3_600_000_000, To: now}
	_ = new(past).Arrivals(t.Context(), q, func(a *telemetry.Arrival) error {
		if len(series.Points) == 0 || a.At-series.Points[len(series.Points)-1].Time >= 600_000_000 {
			series.Points = append(series.Points, telemetry.Point{Time: a.At, Value: a.Value.Num, Min: a.Value.Num - 1, Max: a.Value.Num + 1, Count: 10})
		}
		return nil
	})
	s.storage.overview = []telemetry.Series{series}
	w := openWindow(t)
	w.become(s, b)
	w.show(s.server.URL+alertRulePath(s.claimed.Tenant.ID, ids[0]), screens()[0])
	w.until(`document.querySelector("#past-try") !== null`)
	w.click("#past-try")
	w.until(`!document.querySelector("#past-progress").hidden && !document.querySelector("#past-cancel").hidden`)
	w.click("#past-cancel")
	w.until(`document.querySelector("#past-said")?.textContent.startsWith("Cancelled")`)
	close(s.past.hold)
	for _, size := range examined() {
		w.show(s.server.URL+alertRulePath(s.claimed.Tenant.ID, ids[0]), size)
		w.until(`document.querySelector("#past-try") !== null`)
		w.click("#past-try")
		w.until(`document.querySelector("#past-chart canvas") !== null && document.querySelector("#past-summary").textContent.includes("fired 28 times")`)
		w.do(chromedp.ScrollIntoView("#past"))
		w.capture("alert-rule-past-" + size.name)
		for _, violation := range w.violations(axe) {
			t.Errorf("%s: %s", size.name, violation)
		}
		if run(w, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > document.documentElement.clientWidth")) {
			t.Errorf("%s: wider than the screen", size.name)
		}
	}
	w.do(chromedp.SetValue("#levels\\.0\\.when\\.tests\\.0\\.op", "unusual"), chromedp.SetValue("#levels\\.0\\.when\\.tests\\.0\\.text", "0.9"))
	w.click("#past-try")
	w.until(`document.querySelector(".usual-note") !== null && document.querySelector("#past-chart canvas") !== null`)
	w.do(chromedp.ScrollIntoView("#past"))
	w.capture("alert-rule-past-unusual")
	for _, violation := range w.violations(axe) {
		t.Errorf("unusual: %s", violation)
	}
	if complaints := w.heard(); complaints != "" {
		t.Error(complaints)
	}
}
