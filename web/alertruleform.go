package web

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

// alertForm is an alert rule as somebody is writing it: what is wrong is kept as it was typed. Its fields are called as the
// paths of the rule are, so that an error finds its field.
type alertForm struct {
	view   string
	rule   alertrule.Rule    // as far as it could be read
	texts  map[string]string // what was typed, by field
	levels []levelForm
	steps  []stepForm
	yaml   string
	reason string
}

// levelForm and stepForm are parts of it; a testForm is one test as menus and a text.
type (
	levelForm struct {
		severity, lasting string
		any               bool
		when, clear       []testForm
	}
	testForm struct{ metric, op, text string }
	stepForm struct {
		after string
		to    []string
	}
)

// single are the fields of which there is one.
func single() []string {
	return []string{"name", "note", "kind", "metric", "after", "message", "notify.repeat", "notify.group_by",
		"selector.profiles", "selector.sites", "selector.labels", "selector.names"}
}

// alertFormOf is the form of a rule as it stands.
func alertFormOf(r alertrule.Rule) alertForm {
	f := alertForm{view: viewSentence, rule: r, texts: map[string]string{
		"name": r.Name, "note": r.Note, "kind": string(r.Kind), "metric": r.Metric, "after": spanText(r.After), "message": r.Message,
		"notify.repeat": spanText(r.Notify.Repeat), "notify.group_by": string(r.Notify.GroupBy),
		"selector.profiles": strings.Join(r.Selector.Profiles, ", "), "selector.sites": strings.Join(r.Selector.Sites, ", "),
		"selector.labels": strings.Join(labelTexts(r.Selector.Labels), ", "), "selector.names": strings.Join(r.Selector.Names, ", "),
	}}
	for _, l := range r.Levels {
		one := levelForm{severity: l.Severity.String(), lasting: spanText(l.For), any: l.When.Any}
		for _, t := range l.When.Tests {
			one.when = append(one.when, testOf(t))
		}
		for _, t := range l.Clear.Tests {
			one.clear = append(one.clear, testOf(t))
		}
		f.levels = append(f.levels, one)
	}
	for _, s := range r.Notify.Steps {
		one := stepForm{after: spanText(s.After)}
		for _, d := range s.Destinations {
			one.to = append(one.to, string(d))
		}
		f.steps = append(f.steps, one)
	}
	return f
}

func spanText(d alertrule.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// testOf is a test as menus and a text: the text of "outside" is "10 to 20", that of a rate "2 per min".
func testOf(t alertrule.Test) testForm {
	f := testForm{metric: t.Metric, op: string(t.Op), text: strconv.FormatFloat(t.Value, 'f', -1, 64)}
	switch t.Op {
	case alertrule.Outside, alertrule.Inside:
		f.text += " to " + strconv.FormatFloat(t.To, 'f', -1, 64)
	case alertrule.RateAbove, alertrule.RateBelow:
		f.text += " per " + t.Per
	case alertrule.TextIs, alertrule.TextContains, alertrule.TextMatches:
		f.text = t.Text
	case alertrule.Changed:
		f.text = ""
	case alertrule.Unusual:
		if t.Value == 0 { // any score that is worth a look
			f.text = ""
		}
	}
	return f
}

// readAlertRule reads a posted form, and everything that is wrong with it.
func readAlertRule(form url.Values, wanted id.AlertRule) (alertForm, []views.Problem) {
	f := alertForm{view: form.Get("view"), reason: form.Get("reason"), texts: map[string]string{}}
	if f.view == viewYAML {
		return readAlertYAML(form, wanted)
	}
	f.view = viewSentence
	for _, name := range single() {
		f.texts[name] = strings.TrimSpace(form.Get(name))
	}
	f.rule = alertrule.Rule{ID: wanted, Name: f.texts["name"], Note: f.texts["note"], Kind: alertrule.Kind(f.texts["kind"]), Message: f.texts["message"]}
	r := alertReader{form: form, f: &f}
	r.selector()
	r.levels()
	r.notify()
	if f.rule.Kind == alertrule.NoData {
		f.rule.Metric, f.rule.After = f.texts["metric"], r.span("after", f.texts["after"])
	}
	if len(r.problems) == 0 {
		if err := f.rule.Validate(); err != nil {
			r.problems = append(r.problems, alertProblem(f.view, err))
		}
	}
	return f, r.problems
}

func readAlertYAML(form url.Values, wanted id.AlertRule) (alertForm, []views.Problem) {
	text := form.Get("yaml")
	r, err := alertrule.FromYAML(text)
	f := alertFormOf(r)
	f.view, f.yaml, f.reason, f.rule.ID = viewYAML, text, form.Get("reason"), wanted
	if err != nil {
		return f, []views.Problem{alertProblem(viewYAML, err)}
	}
	return f, nil
}

// alertProblem says in which field of the view something is wrong.
func alertProblem(view string, err error) views.Problem {
	var wrong *alertrule.InvalidError
	var refused *tenants.InvalidError
	field, detail := "", err.Error()
	switch {
	case errors.As(err, &wrong):
		field, detail = wrong.Field, wrong.Detail
	case errors.As(err, &refused):
		field, detail = refused.Field, refused.Detail
	}
	if view == viewYAML && field != "reason" && field != "" {
		if field != viewYAML {
			detail = field + ": " + detail
		}
		return views.Problem{Field: viewYAML, Text: detail}
	}
	for _, last := range []string{".value", ".to", ".per"} { // one text says them all
		if rest, ok := strings.CutSuffix(field, last); ok && strings.Contains(field, ".tests.") {
			field = rest + ".text"
		}
	}
	return views.Problem{Field: field, Text: detail}
}

// problemAt takes the problem of a field out of a list.
func problemAt(problems []views.Problem, field string) string {
	if i := slices.IndexFunc(problems, func(p views.Problem) bool { return p.Field == field }); i >= 0 {
		return capital(problems[i].Text) + "."
	}
	return ""
}
