package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

// alertWriting is an alert rule and what somebody made of it so far.
type alertWriting struct {
	rule     tenants.AlertRule // zero for a new one
	form     alertForm
	problems []views.Problem
	period   string                  // that was chosen to try it on
	past     *views.AlertTrialResult // what came of it; nil when it was not tried
}

func (w *Web) showAlertRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.alertRule(r, p)
	if err != nil {
		return err
	}
	if found.ID != "" {
		return w.renderAlertRule(out, r, p, alertWriting{rule: found, form: alertFormOf(found.Current())})
	}
	fresh := alertrule.Rule{Kind: alertrule.Threshold, Levels: []alertrule.Level{{Severity: alertrule.Warning}}}
	if d, err := id.Parse[id.Device](r.URL.Query().Get("device")); err == nil {
		if _, ok := w.o.Tenants.State().Device(p.Tenant(), d); ok {
			fresh.Selector.Devices = []id.Device{d}
		}
	}
	f := alertFormOf(fresh)
	f.levels[0].when = []testForm{{metric: r.URL.Query().Get("metric"), op: string(alertrule.Above)}}
	return w.renderAlertRule(out, r, p, alertWriting{form: f})
}

// saveAlertRule takes the form: to save it, to run it, or to show it in another way.
func (w *Web) saveAlertRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.alertRule(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	e := alertWriting{rule: found}
	e.form, e.problems = readAlertRule(form, found.ID)
	modes := map[string]alertrule.Mode{"enable": alertrule.Enabled, "shadow": alertrule.Shadow, "draft": alertrule.Draft}
	mode, save := modes[form.Get("do")]
	if save && len(e.problems) == 0 {
		return w.storeAlertRule(out, r, p, e, mode)
	}
	if !save {
		e.turn(form.Get("do"))
	}
	return w.renderAlertRule(out, r, p, e)
}

// turn shows the form in another way. Of what is wrong it says only what keeps it from being shown so.
func (e *alertWriting) turn(do string) {
	f := &e.form
	words := strings.Split(do, "-")
	at := func(n int) int {
		if n >= len(words) {
			return -1
		}
		i, err := strconv.Atoi(words[n])
		if err != nil {
			return -1
		}
		return i
	}
	switch {
	case do == viewYAML && len(e.problems) == 0:
		f.view = viewYAML
		f.yaml, _ = alertrule.ToYAML(f.rule) // texts and numbers: it cannot fail
		return
	case do == viewSentence && f.view == viewYAML && len(e.problems) == 0:
		reason, rule := f.reason, f.rule
		*f = alertFormOf(rule)
		f.reason = reason
		return
	case do == viewYAML, do == viewSentence:
		return
	case do == "add-level" && len(f.levels) < int(alertrule.Critical):
		f.levels = append(f.levels, levelForm{severity: f.freeSeverity(), when: []testForm{{op: string(alertrule.Above)}}})
	case do == "add-step" && len(f.steps) < alertrule.MaxSteps:
		f.steps = append(f.steps, stepForm{})
	case strings.HasPrefix(do, "remove-level-") && at(2) >= 0 && at(2) < len(f.levels):
		f.levels = slices.Delete(f.levels, at(2), at(2)+1)
	case strings.HasPrefix(do, "remove-step-") && at(2) >= 0 && at(2) < len(f.steps):
		f.steps = slices.Delete(f.steps, at(2), at(2)+1)
	default:
		f.turnTests(words, at)
	}
	e.problems = nil
}

// turnTests adds or removes a test: add-when-0, add-clear-0, remove-when-0-1, remove-clear-0-1.
func (f *alertForm) turnTests(words []string, at func(int) int) {
	if len(words) < 3 || at(2) < 0 || at(2) >= len(f.levels) {
		return
	}
	list := &f.levels[at(2)].when
	if words[1] == "clear" {
		list = &f.levels[at(2)].clear
	}
	switch i := at(3); {
	case words[0] == "add" && len(*list) < alertrule.MaxTests:
		added := testForm{op: string(alertrule.Above)}
		if words[1] == "clear" {
			added = testForm{metric: f.levels[at(2)].firstMetric(), op: string(alertrule.Below)}
		}
		*list = append(*list, added)
	case words[0] == "remove" && i >= 0 && i < len(*list):
		*list = slices.Delete(*list, i, i+1)
	}
}

func (l *levelForm) firstMetric() string {
	if len(l.when) == 0 {
		return ""
	}
	return l.when[0].metric
}

// freeSeverity is the worst one that the rule has not yet.
func (f *alertForm) freeSeverity() string {
	for s := alertrule.Critical; s > alertrule.None; s-- {
		if !slices.ContainsFunc(f.levels, func(l levelForm) bool { return l.severity == s.String() }) {
			return s.String()
		}
	}
	return alertrule.Info.String()
}

// storeAlertRule writes the draft, and runs it if that is wanted.
func (w *Web) storeAlertRule(out http.ResponseWriter, r *http.Request, p tenants.Principal, e alertWriting, mode alertrule.Mode) error {
	if mode.Evaluated() && strings.TrimSpace(e.form.reason) == "" { // before anything is written
		e.problems = []views.Problem{{Field: "reason", Text: "must not be empty: say why, for whoever reads the history"}}
		return w.renderAlertRule(out, r, p, e)
	}
	saved, err := w.o.Tenants.DraftAlertRule(r.Context(), w.actor(r, p), p.Tenant(), e.form.rule)
	if err == nil && mode.Evaluated() {
		e.rule = saved
		saved, err = w.o.Tenants.StartAlertRule(r.Context(), w.actor(r, p), p.Tenant(), saved.ID, tenants.AlertRuleStart{Mode: mode, Reason: e.form.reason})
	}
	if problem, ok := fault(err); ok {
		e.problems = []views.Problem{problem}
		if problem.Field != "" {
			e.problems[0] = alertProblem(e.form.view, err)
		}
		return w.renderAlertRule(out, r, p, e)
	}
	if err != nil {
		return err
	}
	text := e.form.rule.Name + " saved as a draft. It looks at nothing until it is enabled."
	switch mode {
	case alertrule.Enabled:
		text = e.form.rule.Name + " enabled as version " + strconv.Itoa(saved.Version) + "."
	case alertrule.Shadow:
		text = e.form.rule.Name + " runs in shadow as version " + strconv.Itoa(saved.Version) + ": it records what it finds and notifies nobody."
	}
	w.done(out, r, text)
	return see(out, r, alertRulePath(p.Tenant(), saved.ID))
}

func (w *Web) renderAlertRule(out http.ResponseWriter, r *http.Request, p tenants.Principal, e alertWriting) error {
	t, st := p.Tenant(), w.o.Tenants.State()
	verdict, metrics := w.alertVerdict(r.Context(), t, e.form.rule, e.problems)
	base := alertRulesPath(t) + "/" + newRule
	page := views.AlertRuleEditor{
		Heading: "New alert rule", State: views.State{Key: stateNever, Word: "Not saved"}, ListHref: alertRulesPath(t), Action: base, TryAction: base + "/try",
		CanEdit: p.May(tenants.EditRules) == nil, EnableWord: "Enable", View: e.form.view, Verdict: verdict, Lists: suggestions(st, t, metrics),
		YAML: views.Field{ID: "yaml", Label: "The whole rule", Value: e.form.yaml, Help: "Members: name, note, kind (threshold or no_data), selector, levels, after, metric, message, notify."},
		Reason: views.Field{ID: "reason", Label: "Why", Type: "text", Value: e.form.reason, MaxLength: "300", Autocomplete: "off",
			Help: "Kept in the history with your name. Needed to enable or to run in shadow."},
	}
	if e.rule.ID != "" {
		current, self := e.rule.Current(), alertRulePath(t, e.rule.ID)
		page.Heading, page.State = current.Name, alertRuleState(&e.rule)
		page.Action, page.TryAction, page.HistoryHref, page.Delete = self, self+"/try", self+"/history", self+"/delete"
		if e.rule.Mode.Evaluated() {
			page.Fare, page.Warning = w.alertRuleFare(r, p, &e.rule)
			page.Pause, page.EnableWord = self+"/pause", "Enable as version "+strconv.Itoa(e.rule.Version+1)
		}
	}
	if page.CanEdit {
		page.Trial = views.AlertTrial{Action: page.Action + "/past", Periods: w.trialPeriods(t, e.period), Result: e.past}
	}
	w.alertFields(&page, st, t, e)
	page.Problems = e.blameAlert(&page)
	page.Frame = w.frame(out, r, p, page.Heading)
	if e.rule.ID != "" {
		page.Past = w.pastOf(p, string(e.rule.ID))
	}
	status := http.StatusOK
	if len(page.Problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return w.render(out, r, status, views.AlertRuleEditorPage(page))
}

// blameAlert writes problems beside the fields of which there is one; what belongs to a level, a test or a step was written
// there already.
func (e *alertWriting) blameAlert(page *views.AlertRuleEditor) []views.Problem {
	fields := []*views.Field{&page.Name, &page.Note, &page.Metric, &page.After, &page.Message, &page.Repeat, &page.YAML, &page.Reason}
	for i := range page.About {
		fields = append(fields, &page.About[i])
	}
	return blame(e.problems, fields...)
}
