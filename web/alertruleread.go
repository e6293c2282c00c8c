package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

// alertReader fills in the rule of a form, part by part.
type alertReader struct {
	form     url.Values
	f        *alertForm
	problems []views.Problem
}

func (r *alertReader) wrong(field, text string) {
	r.problems = append(r.problems, views.Problem{Field: field, Text: text})
}

func (r *alertReader) span(field, text string) alertrule.Duration {
	d, err := parseInterval(text)
	if err != nil {
		if d, err2 := time.ParseDuration(strings.ReplaceAll(text, " ", "")); err2 == nil && d >= 0 { // 2h30m, as YAML has it
			return alertrule.Duration(d)
		}
		r.wrong(field, err.Error())
	}
	return alertrule.Duration(d)
}

func (r *alertReader) selector() {
	list := func(name string) []string { return commaList(r.f.texts["selector."+name]) }
	s := alertrule.Selector{Profiles: list("profiles"), Sites: list("sites"), Names: list("names")}
	labels, err := parseLabels(r.f.texts["selector.labels"])
	if err != nil {
		r.wrong("selector.labels", err.Error())
	}
	if len(labels) > 0 {
		s.Labels = labels
	}
	for _, text := range r.form["device"] {
		if d, err := id.Parse[id.Device](text); err == nil {
			s.Devices = append(s.Devices, d)
		}
	}
	r.f.rule.Selector = s
}

func (r *alertReader) levels() {
	for i := range int(alertrule.Critical) {
		prefix := "levels." + strconv.Itoa(i)
		if !r.form.Has(prefix + ".severity") {
			return
		}
		l := levelForm{severity: r.form.Get(prefix + ".severity"), lasting: strings.TrimSpace(r.form.Get(prefix + ".for")), any: r.form.Get(prefix+".any") == "any"}
		l.when, l.clear = r.tests(prefix+".when"), r.tests(prefix+".clear")
		r.f.levels = append(r.f.levels, l)
		one := alertrule.Level{For: r.span(prefix+".for", l.lasting)}
		if err := one.Severity.UnmarshalText([]byte(l.severity)); err != nil {
			r.wrong(prefix+".severity", "is no severity")
		}
		if r.f.rule.Kind != alertrule.NoData {
			one.When = alertrule.Condition{Any: l.any, Tests: r.readTests(prefix+".when", l.when)}
			one.Clear = alertrule.Condition{Tests: r.readTests(prefix+".clear", l.clear)}
		}
		r.f.rule.Levels = append(r.f.rule.Levels, one)
	}
}

func (r *alertReader) tests(prefix string) (list []testForm) {
	metrics, ops, texts := r.form[prefix+".metric"], r.form[prefix+".op"], r.form[prefix+".text"]
	for i := range min(len(metrics), len(ops), len(texts), alertrule.MaxTests) {
		list = append(list, testForm{strings.TrimSpace(metrics[i]), ops[i], strings.TrimSpace(texts[i])})
	}
	return list
}

// readTests leaves out what says nothing yet.
func (r *alertReader) readTests(prefix string, forms []testForm) (list []alertrule.Test) {
	for i, f := range forms {
		if f.metric == "" && f.text == "" {
			continue
		}
		t, problem := f.test()
		if problem != "" {
			r.wrong(prefix+".tests."+strconv.Itoa(i)+".text", problem)
		}
		list = append(list, t)
	}
	return list
}

// test is what menus and text say, or what is wrong with the text.
func (f testForm) test() (t alertrule.Test, problem string) {
	t = alertrule.Test{Metric: f.metric, Op: alertrule.Op(f.op)}
	text, second := f.text, ""
	switch t.Op {
	case alertrule.TextIs, alertrule.TextContains, alertrule.TextMatches:
		t.Text = f.text
		return t, ""
	case alertrule.Changed:
		return t, ""
	case alertrule.Unusual:
		if f.text == "" { // any score that is worth a look
			return t, ""
		}
	case alertrule.Outside, alertrule.Inside:
		text, second, _ = strings.Cut(f.text, " to ")
		to, err := strconv.ParseFloat(strings.TrimSpace(second), 64)
		if err != nil {
			return t, "is no range: write two numbers as 10 to 20"
		}
		t.To = to
	case alertrule.RateAbove, alertrule.RateBelow:
		text, second, _ = strings.Cut(strings.ReplaceAll(f.text, "/", " per "), " per ")
		if t.Per = strings.TrimSpace(second); t.Per == "" {
			t.Per = "min"
		}
	}
	value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return t, "is no number"
	}
	t.Value = value
	return t, ""
}

func (r *alertReader) notify() {
	for i := range alertrule.MaxSteps {
		prefix := "notify.steps." + strconv.Itoa(i)
		if !r.form.Has(prefix + ".after") {
			break
		}
		s := stepForm{after: strings.TrimSpace(r.form.Get(prefix + ".after")), to: r.form[prefix+".destinations"]}
		r.f.steps = append(r.f.steps, s)
		one := alertrule.Step{After: r.span(prefix+".after", s.after)}
		for _, text := range s.to {
			if d, err := id.Parse[id.Destination](text); err == nil {
				one.Destinations = append(one.Destinations, d)
			}
		}
		if len(one.Destinations) > 0 {
			r.f.rule.Notify.Steps = append(r.f.rule.Notify.Steps, one)
		} else if i > 0 {
			r.wrong(prefix+".destinations", "names no destination: choose one, or remove the step")
		}
	}
	r.f.rule.Notify.Repeat = r.span("notify.repeat", r.f.texts["notify.repeat"])
	r.f.rule.Notify.GroupBy = alertrule.GroupBy(r.f.texts["notify.group_by"])
}
