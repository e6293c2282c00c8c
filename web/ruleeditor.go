package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/views"
)

func (w *Web) showRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.rule(r, p)
	if err != nil {
		return err
	}
	if found.ID == "" {
		f := formOf(rule.Rule{})
		f.clauses = []rule.Clause{{Is: "above"}}
		return w.renderRule(out, r, p, writing{rule: found, form: f})
	}
	return w.renderRule(out, r, p, writing{rule: found, form: formOf(found.Current())})
}

// writing is a rule and what somebody made of it so far.
type writing struct {
	rule     tenants.Rule // zero for a new one
	form     ruleForm
	problems []views.Problem
}

// saveRule takes the form: to save it, to enable it, or to show it in another view.
func (w *Web) saveRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.rule(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	e := writing{rule: found}
	e.form, e.problems = readRule(form, found.ID)
	switch do := form.Get("do"); do {
	case "enable", "draft":
		if len(e.problems) > 0 {
			return w.renderRule(out, r, p, e)
		}
		return w.storeRule(out, r, p, e, do == "enable")
	default:
		e.turn(do)
		return w.renderRule(out, r, p, e)
	}
}

// turn shows the form in another way. What is wrong keeps the view only when the other one could not show it.
func (e *writing) turn(do string) {
	number, isRemoval := strings.CutPrefix(do, "remove-")
	switch at, err := strconv.Atoi(number); {
	case do == "add":
		rest := slices.IndexFunc(e.form.clauses, func(c rule.Clause) bool { return c.Of == "" && c.Text != "" })
		if rest < 0 {
			rest = len(e.form.clauses)
		}
		e.form.clauses = slices.Insert(e.form.clauses, rest, rule.Clause{Is: "above"})
	case isRemoval && err == nil && at >= 1 && at <= len(e.form.clauses):
		e.form.clauses = slices.Delete(e.form.clauses, at-1, at)
	}
	e.problems = slices.DeleteFunc(e.problems, func(p views.Problem) bool {
		return p.Field != "when" && p.Field != viewYAML && p.Field != ""
	})
	if slices.Contains([]string{viewSentence, viewExpression, viewYAML}, do) && len(e.problems) == 0 {
		e.form.view = do
	}
	if e.form.view == viewYAML && len(e.problems) == 0 {
		e.form.yaml, _ = rule.ToYAML(e.form.rule) // texts and numbers: it cannot fail
	}
}

// storeRule writes the draft, and enables it if that is wanted.
func (w *Web) storeRule(out http.ResponseWriter, r *http.Request, p tenants.Principal, e writing, enable bool) error {
	if enable && strings.TrimSpace(e.form.reason) == "" { // before anything is written
		e.problems = []views.Problem{{Field: "reason", Text: "must not be empty: say why, for whoever reads the history"}}
		return w.renderRule(out, r, p, e)
	}
	saved, err := w.o.Tenants.DraftRule(r.Context(), w.actor(r, p), p.Tenant(), e.form.rule)
	if err == nil && enable {
		e.rule = saved
		saved, err = w.o.Tenants.EnableRule(r.Context(), w.actor(r, p), p.Tenant(), saved.ID, e.form.reason)
	}
	if problem, ok := fault(err); ok {
		e.problems = []views.Problem{problem}
		return w.renderRule(out, r, p, e)
	}
	if err != nil {
		return err
	}
	if enable {
		w.done(out, r, e.form.rule.Name+" enabled as version "+strconv.Itoa(saved.Version)+". It decides about packets from now on.")
		return see(out, r, rulesPath(p.Tenant()))
	}
	w.done(out, r, e.form.rule.Name+" saved as a draft. It decides about nothing until it is enabled.")
	return see(out, r, rulePath(p.Tenant(), saved.ID))
}

func (w *Web) renderRule(out http.ResponseWriter, r *http.Request, p tenants.Principal, e writing) error {
	t, st := p.Tenant(), w.o.Tenants.State()
	trial, trials := w.trial(r.Context(), t, e.form)
	page := views.RuleEditor{
		Heading: "New rule", State: views.State{Key: stateNever, Word: "Not saved"}, ListHref: rulesPath(t), Action: rulesPath(t) + "/" + newRule,
		TryAction: rulesPath(t) + "/" + newRule + "/try", CanEdit: p.May(tenants.EditRules) == nil, EnableWord: "Enable", View: e.form.view, Trial: trial,
		Name: views.Field{ID: "name", Label: "Name", Type: "text", Value: e.form.rule.Name, MaxLength: "100", Autocomplete: "off", Focus: e.rule.ID == ""},
		When: views.Field{ID: "when", Label: "When this is true", Value: e.form.rule.When, Help: "Such as temp > 80 and within(device.site, \"plant-2\"). Empty means every packet. Values by name; device.id, device.profile, device.site, device.labels.NAME, packet.kind; and, or, not, in, contains, matches, has(), ??."},
		YAML: views.Field{ID: "yaml", Label: "The whole rule", Value: e.form.yaml, Help: "Members: name, when, and under then: lane, drop, one_in, labels, forward."},
		Reason: views.Field{ID: "reason", Label: "Why", Type: "text", Value: e.form.reason, MaxLength: "300", Autocomplete: "off",
			Help: "Kept in the history with your name. Needed to enable."},
	}
	if e.rule.ID != "" {
		current, self := e.rule.Current(), rulePath(t, e.rule.ID)
		page.Heading, page.State = current.Name, ruleState(&e.rule)
		page.Action, page.TryAction, page.HistoryHref, page.Delete = self, self+"/try", self+"/history", self+"/delete"
		if e.rule.Enabled {
			page.Disable, page.EnableWord = self+"/disable", "Enable as version "+strconv.Itoa(e.rule.Version+1)
		}
	}
	page.Names = namesIn(trials)
	w.thenFields(&page, st, t, e.form)
	page.Clauses, page.Rest = clauseRows(e.form.clauses, sentenceSubjects(st, t, page.Names, e.form.clauses))
	page.Problems = blame(e.problems, &page.Name, &page.When, &page.YAML, &page.OneIn, &page.Labels, &page.Reason)
	page.Frame = w.frame(out, r, p, page.Heading)
	if e.rule.ID != "" {
		page.Past = w.pastOf(p, string(e.rule.ID))
	}
	status := http.StatusOK
	if len(page.Problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return w.render(out, r, status, views.RuleEditorPage(page))
}

// thenFields are what happens to the packets.
func (w *Web) thenFields(page *views.RuleEditor, st *tenants.State, t id.Tenant, f ruleForm) {
	for _, o := range [][2]string{{"", "The lane of its kind"}, {"critical", "Critical lane"}, {"standard", "Standard lane"}, {"bulk", "Bulk lane"}} {
		page.Lanes = append(page.Lanes, views.Option{Value: o[0], Label: o[1], Selected: o[0] == f.rule.Then.Lane})
	}
	for _, o := range [][2]string{{"all", "All packets"}, {"sample", "A sample"}, {"drop", "None: drop them"}} {
		page.Keeps = append(page.Keeps, views.Option{Value: o[0], Label: o[1], Selected: o[0] == f.keep})
	}
	page.OneIn = views.Field{ID: "one_in", Label: "Sample: one packet in", Type: "text", Mode: "numeric", Value: f.oneIn, Autocomplete: "off", MaxLength: "7"}
	page.Labels = views.Field{ID: "labels", Label: "Add labels", Type: "text", Value: f.labels, Optional: true, Autocomplete: "off",
		Help: "As name=text with commas between. They travel with the packet to destinations."}
	for _, d := range st.Destinations(t) {
		page.Forward = append(page.Forward, views.Tick{ID: "forward-" + string(d.ID), Value: string(d.ID), Label: d.Name,
			Checked: slices.Contains(f.rule.Then.Forward, d.ID)})
	}
}

// maxSubjects bounds the first menu of a condition; the expression knows every name.
const maxSubjects = 200

// sentenceSubjects is what a condition may look at: names that packets really have, and what the rule names already.
func sentenceSubjects(st *tenants.State, t id.Tenant, names []string, clauses []rule.Clause) []views.Option {
	var options []views.Option
	add := func(value, label string) {
		known := slices.ContainsFunc(options, func(o views.Option) bool { return o.Value == value })
		if value != "" && !known && len(options) < maxSubjects {
			options = append(options, views.Option{Value: value, Label: label})
		}
	}
	for _, name := range names {
		add(name, name)
	}
	for _, c := range clauses {
		add(c.Of, subjectWords(c.Of))
	}
	for _, s := range subjects {
		add(s[0], s[1])
	}
	looked := 0
	for d := range st.Devices(t, "") {
		for name := range d.Labels {
			of := rule.Label(name)
			add(of, subjectWords(of))
		}
		if looked++; looked == maxSubjects {
			break
		}
	}
	return options
}

func clauseRows(clauses []rule.Clause, menu []views.Option) (rows []views.ClauseRow, rest views.Field) {
	rest = views.Field{ID: "rest", Label: "and also, as an expression"}
	for _, c := range clauses {
		if c.Of == "" && c.Text != "" {
			rest.Value = c.Text
			continue
		}
		row := views.ClauseRow{Number: strconv.Itoa(len(rows) + 1), Text: c.Text}
		for _, o := range menu {
			o.Selected = o.Value == c.Of
			row.Of = append(row.Of, o)
		}
		for _, is := range rule.Operators() {
			row.Is = append(row.Is, views.Option{Value: is, Label: operatorWords(is), Selected: is == c.Is})
		}
		rows = append(rows, row)
	}
	return rows, rest
}
