package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

func alertRulesPath(t id.Tenant) string                { return tenantPath(t) + "/alert-rules" }
func alertRulePath(t id.Tenant, r id.AlertRule) string { return alertRulesPath(t) + "/" + string(r) }
func silencesPath(t id.Tenant) string                  { return tenantPath(t) + "/silences" }

// alertTabs are the pages about alerts.
func (w *Web) alertTabs(r *http.Request, t id.Tenant) (tabs []views.Link) {
	for _, one := range [][2]string{{"Alerts", alertsPath(t)}, {"Rules", alertRulesPath(t)}, {"Silences", silencesPath(t)}} {
		tabs = append(tabs, views.Link{Label: one[0], Href: one[1], Current: below(r.URL.Path, one[1])})
	}
	return tabs
}

func (w *Web) listAlertRules(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	t := p.Tenant()
	list := w.o.Tenants.State().AlertRules(t)
	page := views.AlertRules{
		Frame: w.frame(out, r, p, "Alert rules"), Tabs: w.alertTabs(r, t), NewHref: alertRulesPath(t) + "/" + newRule, CanEdit: p.May(tenants.EditRules) == nil,
	}
	if len(list) > 0 {
		page.Count = count(uint64(len(list)), "rule", "rules")
	}
	facts := w.alertRuleFacts(t)
	runs, warning := w.alertRuns(r, t)
	page.Warning, page.EvaluatedBy = warning, evaluatedBy(runs)
	for i := range list {
		row := w.alertRuleRow(t, &list[i])
		f := facts[list[i].ID]
		run := runs.Rules[list[i].ID]
		row.Late, row.Failure = lateWords(run), run.Failure
		row.Open, row.Last = grouped(uint64(f.open)), viewTime(f.last, w.o.Now())
		if f.open > 0 {
			row.OpenHref, row.Worst = alertQuery{rule: string(list[i].ID), shadow: list[i].Mode == alertrule.Shadow}.address(alertsPath(t)), severityView(f.worst)
		}
		page.Rows = append(page.Rows, row)
	}
	return w.render(out, r, http.StatusOK, views.AlertRulesPage(page))
}

// alertRuleFact is what became of a rule: what it has open, and when it fired last as far as that is at hand.
type alertRuleFact struct {
	open  int
	worst alertrule.Severity
	last  time.Time
}

func (w *Web) alertRuleFacts(t id.Tenant) map[id.AlertRule]alertRuleFact {
	facts := map[id.AlertRule]alertRuleFact{}
	for _, a := range w.o.Alerts.Find(t, alert.Filter{}, alert.Filter{Shadow: true}) {
		f := facts[a.Rule]
		if a.Firing {
			f.open, f.worst = f.open+1, max(f.worst, a.Severity)
		}
		if began := a.Began.Time(); began.After(f.last) {
			f.last = began
		}
		facts[a.Rule] = f
	}
	return facts
}

// alertRuleRow shows what runs; a rule that never ran shows its draft.
func (w *Web) alertRuleRow(t id.Tenant, r *tenants.AlertRule) views.AlertRuleRow {
	shown := r.Current()
	if r.Live != nil {
		shown = *r.Live
	}
	_, n := w.o.Tenants.State().Matching(t, shown.Selector, 0)
	return views.AlertRuleRow{
		Name: shown.Name, Href: alertRulePath(t, r.ID), When: "When " + shown.Sentence(), About: w.aboutWords(t, shown.Selector),
		Runs: count(uint64(n), "device", "devices"), State: alertRuleState(r), Draft: r.Draft != nil && r.Live != nil, Notification: w.notifyWords(t, shown.Notify),
	}
}

func alertRuleState(r *tenants.AlertRule) views.State {
	version := ", version " + strconv.Itoa(r.Version)
	switch r.Mode {
	case alertrule.Enabled:
		return views.State{Key: stateLive, Word: "Enabled" + version}
	case alertrule.Shadow:
		return views.State{Key: stateUnknown, Word: "In shadow" + version}
	case alertrule.Paused:
		return views.State{Key: stateDisabled, Word: "Paused"}
	}
	return views.State{Key: stateNever, Word: "Draft"}
}

// aboutWords is which devices something is about: "on pumps in plant-2".
func (w *Web) aboutWords(t id.Tenant, s alertrule.Selector) string {
	if s.IsZero() {
		return "on every device"
	}
	words := []string{"on"}
	switch {
	case len(s.Names)+len(s.Devices) > 0:
		names := slices.Clone(s.Names)
		for _, d := range s.Devices {
			names = append(names, w.deviceName(t, d))
		}
		words = append(words, strings.Join(names, " or "))
	case len(s.Profiles) == 0:
		words = append(words, "devices")
	}
	if len(s.Profiles) > 0 {
		words = append(words, "of profile "+strings.Join(s.Profiles, " or "))
	}
	if len(s.Sites) > 0 {
		words = append(words, "in "+strings.Join(s.Sites, " or "))
	}
	if len(s.Labels) > 0 {
		words = append(words, "with "+strings.Join(labelTexts(s.Labels), ", "))
	}
	return strings.Join(words, " ")
}

func (w *Web) notifyWords(t id.Tenant, n alertrule.Notify) string {
	st := w.o.Tenants.State()
	var words []string
	for _, step := range n.Steps {
		var to []string
		for _, d := range step.Destinations {
			to = append(to, destinationName(st, t, d))
		}
		text := strings.Join(to, ", ")
		if step.After > 0 {
			text = "after " + step.After.String() + " " + text
		}
		words = append(words, text)
	}
	if len(words) == 0 {
		return "Notifies nobody: shows on the pages only"
	}
	return "Notifies " + strings.Join(words, "; ")
}

// alertRule is the rule that the address names, or the zero one for a new rule; tenants.ErrNotFound when the tenant has none
// of that id.
func (w *Web) alertRule(r *http.Request, p tenants.Principal) (tenants.AlertRule, error) {
	text := chi.URLParam(r, "rule")
	if text == newRule {
		return tenants.AlertRule{}, nil
	}
	wanted, err := id.Parse[id.AlertRule](text)
	if err != nil {
		return tenants.AlertRule{}, tenants.ErrNotFound
	}
	found, ok := w.o.Tenants.State().AlertRule(p.Tenant(), wanted)
	if !ok {
		return tenants.AlertRule{}, tenants.ErrNotFound
	}
	return found, nil
}

// existingAlertRule is alertRule for what cannot be done with a new one.
func (w *Web) existingAlertRule(r *http.Request, p tenants.Principal) (tenants.AlertRule, error) {
	found, err := w.alertRule(r, p)
	if err == nil && found.ID == "" {
		err = tenants.ErrNotFound
	}
	return found, err
}

func (w *Web) pauseAlertRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existingAlertRule(r, p)
	if err != nil {
		return err
	}
	if _, err := w.o.Tenants.PauseAlertRule(r.Context(), w.actor(r, p), p.Tenant(), found.ID, ""); err != nil {
		return err
	}
	current := found.Current()
	w.done(out, r, current.Name+" paused. Its open alerts end, and it looks at nothing until it is enabled again.")
	return see(out, r, alertRulePath(p.Tenant(), found.ID))
}

func (w *Web) deleteAlertRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existingAlertRule(r, p)
	if err != nil {
		return err
	}
	at, err := w.o.Tenants.DeleteAlertRule(r.Context(), w.actor(r, p), p.Tenant(), found.ID)
	if err != nil {
		return err
	}
	current := found.Current()
	undo := url.Values{"position": {strconv.FormatUint(at, 10)}}
	w.undoable(out, r, current.Name+" deleted. Its open alerts end.", alertRulePath(p.Tenant(), found.ID)+"/revive?"+undo.Encode())
	return see(out, r, alertRulesPath(p.Tenant()))
}

// reviveAlertRule takes a deletion back. The rule that the address names is gone by then.
func (w *Web) reviveAlertRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	wanted, err := id.Parse[id.AlertRule](chi.URLParam(r, "rule"))
	at, err2 := strconv.ParseUint(r.URL.Query().Get("position"), 10, 64)
	if err != nil || err2 != nil {
		return tenants.ErrNotFound
	}
	revived, err := w.o.Tenants.ReviveAlertRule(r.Context(), w.actor(r, p), p.Tenant(), wanted, at)
	if err != nil {
		return err
	}
	current := revived.Current()
	w.done(out, r, current.Name+" is back as it was.")
	return see(out, r, alertRulesPath(p.Tenant()))
}

func (w *Web) showAlertRuleHistory(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existingAlertRule(r, p)
	if err != nil {
		return err
	}
	current, self := found.Current(), alertRulePath(p.Tenant(), found.ID)
	page := views.RuleHistory{Frame: w.frame(out, r, p, "History of "+current.Name), Name: current.Name, RuleHref: self, ListHref: alertRulesPath(p.Tenant()), ListName: "Alert rules"}
	if p.May(tenants.EditRules) == nil {
		page.RestoreAction = self + "/restore"
	}
	return w.renderHistory(out, r, p, page, string(found.ID))
}

func (w *Web) restoreAlertRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existingAlertRule(r, p)
	if err != nil {
		return err
	}
	at, err := postedPosition(out, r)
	if err != nil {
		return err
	}
	restored, err := w.o.Tenants.RestoreAlertRule(r.Context(), w.actor(r, p), p.Tenant(), found.ID, at)
	if problem, ok := fault(err); ok {
		return w.renderAlertRule(out, r, p, alertWriting{rule: found, form: alertFormOf(found.Current()), problems: []views.Problem{problem}})
	}
	if err != nil {
		return err
	}
	current := restored.Current()
	w.done(out, r, current.Name+" as it was then is the draft now. It looks at nothing until it is enabled.")
	return see(out, r, alertRulePath(p.Tenant(), found.ID))
}
