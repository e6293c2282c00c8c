package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/alert/trial"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

// Trials tries alert rules on the past. See package trial.
type Trials interface {
	Run(ctx context.Context, t id.Tenant, o trial.Order) (*trial.Result, error)
}

const (
	// trialRows is how many devices the result of a trial lists.
	trialRows = 20
	// progressEvery keeps a trial on few devices from being told about more than a person sees.
	progressEvery = 100 * time.Millisecond
	// ndjson is what the editor's script asks for: a line for each step.
	ndjson = "application/x-ndjson"
)

// trialPeriods are how far back a rule can be tried: the last one is everything that is kept.
func (w *Web) trialPeriods(t id.Tenant, chosen string) []views.Option {
	options := []views.Option{{Value: "24h", Label: "Last 24 hours"}, {Value: "7d", Label: "Last 7 days"}, {Value: "30d", Label: "Last 30 days"}}
	options = append(options, views.Option{Value: "all", Label: "Everything kept: " + count(uint64(w.keptPeriod(t)/(24*time.Hour)), "day", "days")})
	for i := range options {
		options[i].Selected = options[i].Value == chosen || chosen == "" && options[i].Value == "7d"
	}
	return options
}

// keptPeriod is how long a tenant's readings are kept, as far as a trial looks back.
func (w *Web) keptPeriod(t id.Tenant) time.Duration {
	found, _ := w.o.Tenants.State().Tenant(t)
	return min(trial.MaxPeriod, max(1, time.Duration(found.KeepDays()))*24*time.Hour)
}

func (w *Web) trialPeriod(t id.Tenant, chosen string) time.Duration {
	switch chosen {
	case "24h":
		return 24 * time.Hour
	case "30d":
		return 30 * 24 * time.Hour
	case "all":
		return w.keptPeriod(t)
	}
	return 7 * 24 * time.Hour
}

// tryOnPast answers what the rule in the form would have found: line by line to the editor's script, else as a page.
func (w *Web) tryOnPast(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.alertRule(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	e := alertWriting{rule: found, period: form.Get("period")}
	e.form, e.problems = readAlertRule(form, found.ID)
	if r.Header.Get("Accept") != ndjson {
		past := w.alertTrial(r.Context(), p.Tenant(), &e, nil)
		e.past, e.problems = &past, nil
		return w.renderAlertRule(out, r, p, e)
	}
	return w.streamTrial(out, r, p.Tenant(), &e)
}

// trialLine is one line of the answer to the script: how far it is, or what came of it.
type trialLine struct {
	Done int    `json:"done,omitempty"`
	Of   int    `json:"of,omitempty"`
	HTML string `json:"html,omitempty"`
}

// streamTrial ends the trial when the browser goes away.
func (w *Web) streamTrial(out http.ResponseWriter, r *http.Request, t id.Tenant, e *alertWriting) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	steps, ended := make(chan trialLine, 1), make(chan views.AlertTrialResult, 1)
	go func() {
		ended <- w.alertTrial(ctx, t, e, func(line trialLine) {
			select {
			case steps <- line:
			default: // the one before is not written yet
			}
		})
	}()
	out.Header().Set("Content-Type", ndjson)
	out.Header().Set("Cache-Control", "private, no-store")
	lines, flush := json.NewEncoder(out), http.NewResponseController(out)
	var told time.Time
	for {
		select {
		case line := <-steps:
			if time.Since(told) < progressEvery {
				continue
			}
			told = time.Now()
			if lines.Encode(line) != nil {
				cancel() // nobody reads it; the trial says when it has ended
			}
			_ = flush.Flush()
		case result := <-ended:
			var body bytes.Buffer
			if err := views.AlertTrialResultPart(result).Render(ctx, &body); err != nil {
				return fmt.Errorf("render: %w", err)
			}
			_ = lines.Encode(trialLine{HTML: body.String()}) // a browser that went away is nobody's error
			return nil
		}
	}
}

// alertTrial runs a trial and puts what came of it into words.
func (w *Web) alertTrial(ctx context.Context, t id.Tenant, e *alertWriting, step func(trialLine)) views.AlertTrialResult {
	rule := e.form.rule
	for _, problem := range e.problems {
		if problem.Field != "name" && problem.Field != "reason" {
			return views.AlertTrialResult{Problem: capital(problem.Text) + "."}
		}
	}
	if strings.TrimSpace(rule.Name) == "" {
		rule.Name = "this rule"
	}
	devices, all := w.o.Tenants.State().Matching(t, rule.Selector, trial.MaxDevices)
	now := telemetry.At(w.o.Now().Truncate(time.Second))
	order := trial.Order{Rule: rule, From: now - telemetry.Micros(w.trialPeriod(t, e.period)/time.Microsecond), To: now}
	for _, d := range devices {
		order.Devices = append(order.Devices, alertrule.Device{ID: d.ID, Name: d.Name, Profile: d.Profile, Site: d.Site, Labels: d.Labels, Interval: d.Interval})
	}
	if step != nil {
		order.Progress = func(done int) { step(trialLine{Done: done, Of: len(devices)}) }
	}
	result, err := w.o.Trials.Run(ctx, t, order)
	if err != nil {
		return views.AlertTrialResult{Problem: w.trialProblem(ctx, t, err)}
	}
	v := w.trialWords(t, rule.Notify, result)
	if all > len(devices) {
		v.Notes = append(v.Notes, "Tried on the first "+count(uint64(len(devices)), "device", "devices")+" of "+grouped(uint64(all))+" that it is about.")
	}
	w.trialChart(ctx, &v, t, &rule, result)
	return v
}

func (w *Web) trialProblem(ctx context.Context, t id.Tenant, err error) string {
	switch {
	case errors.Is(err, alertrule.ErrInvalid):
		return capital(alertProblem(viewSentence, err).Text) + "."
	case errors.Is(err, trial.ErrBusy):
		return "As many rules are being tried as can be at once. Try again in a moment."
	case errors.Is(err, trial.ErrTooMuch):
		return "That is more than can be looked at within two minutes. Choose a shorter period, or fewer devices."
	}
	if ctx.Err() == nil {
		w.o.Log.WarnContext(ctx, "an alert rule cannot be tried on the past", "tenant", t, "error", err)
	}
	return "What is stored cannot be read just now. Try again in a moment, or choose a shorter period."
}

// trialWords says what would have been found, without the chart.
func (w *Web) trialWords(t id.Tenant, n alertrule.Notify, r *trial.Result) (v views.AlertTrialResult) {
	period := duration(time.Duration(r.To-r.From) * time.Microsecond)
	noisy := 0
	for i := range r.Devices {
		d := &r.Devices[i]
		if d.Fired == 0 {
			continue
		}
		if noisy++; noisy <= trialRows {
			v.Rows = append(v.Rows, views.AlertTrialRow{Device: d.Device.Name, Href: devicesPath(t) + "/" + string(d.Device.ID), Fired: grouped(uint64(d.Fired)),
				Lasted: duration(d.Lasted), Worst: severityView(d.Worst), Open: d.Open})
		}
	}
	if noisy > trialRows {
		v.More = "And " + count(uint64(noisy-trialRows), "more device", "more devices") + "."
	}
	switch {
	case len(r.Devices) == 0:
		v.Summary = "No device is like this, so there is nothing to try it on."
	case r.Values == 0 && r.Fired == 0:
		v.Summary = "Nothing that the rule looks at is stored of the last " + period + "."
	case r.Fired == 0:
		v.Summary = "In the last " + period + " it would not have fired."
	default:
		v.Summary = "In the last " + period + " it would have fired " + count(uint64(r.Fired), "time", "times") + " on " + strconv.Itoa(noisy) + " of " + count(uint64(len(r.Devices)), "device", "devices") + "."
		v.Notes = append(v.Notes, w.trialMessages(t, n, r))
	}
	if r.Values > 0 {
		v.Notes = append(v.Notes, "Looked at "+count(r.Values, "value", "values")+".")
	}
	if r.Late > 0 {
		v.Notes = append(v.Notes, count(r.Late, "packet", "packets")+" came late or again and were passed over; around those, what a rule saw live may differ.")
	}
	return v
}

// trialMessages says who would have been told how often.
func (w *Web) trialMessages(t id.Tenant, n alertrule.Notify, r *trial.Result) string {
	if len(n.Steps) == 0 {
		return "No message: the rule notifies nobody."
	}
	var parts []string
	for _, d := range w.o.Tenants.State().Destinations(t) {
		if sent := r.Each[d.ID]; sent > 0 {
			parts = append(parts, count(uint64(sent), "message", "messages")+" to "+d.Name)
		}
	}
	text := strings.Join(parts, ", ")
	if len(parts) == 0 {
		text = "No message"
	}
	if !r.Complete {
		text = "More than " + text
	}
	return text + ", if nobody had acknowledged."
}
