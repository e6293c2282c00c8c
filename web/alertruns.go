package web

import (
	"net/http"

	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// alertRuns is how the rules of a tenant fare. That it cannot be read just now is said on the page, and keeps nothing else off it.
func (w *Web) alertRuns(r *http.Request, t id.Tenant) (runs alert.Runs, warning string) {
	runs, err := w.o.Alerts.Runs(r.Context(), t)
	switch {
	case err != nil:
		w.o.Log.WarnContext(r.Context(), "how alert rules fare cannot be shown", "error", err)
		return alert.Runs{}, "How the rules fare cannot be read just now."
	case runs.PassedOver > 0:
		warning = "These rules have more to do than this tenant is allowed: " + count(runs.PassedOver, "message or change was", "messages and changes were") + " left out since " + runs.Process + " evaluates them."
	case runs.LeftOut > 0:
		warning = "These rules are about more devices than they may: " + count(uint64(runs.LeftOut), "pair", "pairs") + " of a rule and a device are not evaluated."
	}
	return runs, warning
}

// lateWords says how many packets did not count.
func lateWords(run alert.RuleRun) string {
	if run.Late == 0 {
		return ""
	}
	return count(run.Late, "packet", "packets") + " too late to count"
}

// evaluatedBy says where rules are evaluated; empty when they are not.
func evaluatedBy(runs alert.Runs) string {
	if runs.Process == "" {
		return ""
	}
	return "Evaluated by " + runs.Process
}

// alertRuleFare is how one rule fares, for its own page.
func (w *Web) alertRuleFare(r *http.Request, p tenants.Principal, rule *tenants.AlertRule) (facts []views.Fact, warning string) {
	if !rule.Mode.Evaluated() {
		return nil, ""
	}
	t := p.Tenant()
	runs, warning := w.alertRuns(r, t)
	run, last := runs.Rules[rule.ID], "not yet, as far as is at hand"
	if f := w.alertRuleFacts(t)[rule.ID]; !f.last.IsZero() {
		last = age(f.last, w.o.Now())
	}
	facts = []views.Fact{{Name: "Last fired", Value: last}}
	if run.Version != rule.Version && run.Failure == "" { // this version was started a moment ago
		return append(facts, views.Fact{Name: "Evaluated", Value: "for some seconds; figures follow"}), warning
	}
	return append(facts, views.Fact{Name: "Runs on", Value: count(uint64(run.Devices), "device", "devices")},
		views.Fact{Name: "Late", Value: or(lateWords(run), "no packet was too late to count")},
		views.Fact{Name: "Last error", Value: or(run.Failure, "none")},
		views.Fact{Name: "Evaluated by", Value: runs.Process}), warning
}
