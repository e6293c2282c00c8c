package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/views"
)

const (
	// trialPackets is how many of the last real packets a rule is tried on: what a person looks through.
	trialPackets = 30
	// trialTimeout is how long the editor waits for them.
	trialTimeout = 3 * time.Second
	// trialValues bounds what is shown of one packet, in bytes.
	trialValues = 200
)

// tryRule answers, while somebody types, what the rule would have done.
func (w *Web) tryRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.rule(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	written, problems := readRule(form, found.ID)
	if strings.TrimSpace(written.rule.Name) == "" && written.view != viewYAML { // it needs no name to be tried
		written.rule.Name = "this rule"
		problems = nil
	}
	var part views.RuleTrial
	if len(problems) > 0 {
		part.Problem = capital(problems[0].Text) + "."
	} else {
		part, _ = w.trial(r.Context(), p.Tenant(), written)
	}
	return w.render(out, r, http.StatusOK, views.RuleTrialPart(part))
}

// trial tries a rule on what came last. Without an answer of the lanes the page comes without it.
func (w *Web) trial(ctx context.Context, t id.Tenant, f ruleForm) (views.RuleTrial, []rule.Trial) {
	state := w.o.Tenants.State()
	tried := f.rule
	if strings.TrimSpace(tried.Name) == "" {
		tried.Name = "this rule"
	}
	set, at, err := state.TrialSet(t, tried)
	if err != nil {
		set, at, _ = state.TrialSet(t, rule.Rule{ID: tried.ID, Name: "this rule"}) // for the names of values
	}
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	packets, readErr := w.o.Recent(ctx, t, trialPackets)
	if readErr != nil {
		w.o.Log.WarnContext(ctx, "a rule is not tried", "tenant", t, "error", readErr)
		return views.RuleTrial{Problem: "The lanes do not answer, so the last packets cannot be shown. The rule can be saved all the same."}, nil
	}
	trials := set.Try(packets, func(d id.Device) rule.Sender { return state.Sender(t, d) })
	if problem, ok := fault(err); ok {
		return views.RuleTrial{Problem: capital(problem.Text) + "."}, trials
	}
	part := views.RuleTrial{Summary: summary(trials, at)}
	for i := range trials {
		part.Rows = append(part.Rows, w.trialRow(t, set, at, &trials[i]))
	}
	return part, trials
}

func summary(trials []rule.Trial, at int) string {
	if len(trials) == 0 {
		return "No packets yet. As soon as a device sends, its last packets stand here, with what the rule says about each."
	}
	matched, failed, lost := 0, 0, 0
	for i := range trials {
		own := trials[i].Outcomes[at]
		if own.Matched {
			matched++
			if own.Decides && trials[i].Verdict.Fate != rule.Keep {
				lost++
			}
		}
		if own.Failed {
			failed++
		}
	}
	text := fmt.Sprintf("%d of the last %s match.", matched, count(uint64(len(trials)), "packet", "packets"))
	if lost > 0 {
		text += fmt.Sprintf(" It would drop %d.", lost)
	}
	if failed > 0 {
		text += fmt.Sprintf(" On %d it cannot be computed.", failed)
	}
	return text
}

func (w *Web) trialRow(t id.Tenant, set *rule.Set, at int, trial *rule.Trial) views.TrialRow {
	own := trial.Outcomes[at]
	row := views.TrialRow{
		Device: w.deviceName(t, trial.Device), Href: devicesPath(t) + "/" + string(trial.Device), Time: viewTime(trial.Received.Time(), w.o.Now()),
		Kind: trial.Packet.Kind.String(), Values: valueWords(trial.Packet.Values), Reason: own.Reason, Outcome: outcomeWords(trial, set),
		Verdict: "none", Word: "No match",
	}
	switch {
	case own.Failed:
		row.Verdict, row.Word = "failed", "Error"
	case own.Matched:
		row.Verdict, row.Word = "match", "Matches"
	}
	return row
}

// valueWords is a packet's values on one line, as far as it reaches.
func valueWords(values []telemetry.Value) string {
	var text strings.Builder
	for i := range values {
		if text.Len() > trialValues {
			text.WriteString(" …")
			break
		}
		if i > 0 {
			text.WriteString("  ")
		}
		content := fmt.Sprint(values[i].Content())
		if values[i].Type == telemetry.Text {
			content = strconv.Quote(clip(content))
		}
		text.WriteString(values[i].Name + "=" + content)
	}
	return text.String()
}

// clip shortens a long text at a character.
func clip(text string) string {
	runes := []rune(text)
	if len(runes) <= 80 {
		return text
	}
	return string(runes[:80]) + "…"
}
