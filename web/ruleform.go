package web

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/views"
)

// The views of one rule. They are the values of buttons.
const (
	viewSentence   = "sentence"
	viewExpression = "expression"
	viewYAML       = "yaml"
)

// ruleForm is a rule as somebody is writing it: what is wrong is kept as it was typed.
type ruleForm struct {
	view    string
	rule    rule.Rule
	clauses []rule.Clause // of a sentence, one that is not filled in yet among them
	yaml    string        // as typed
	oneIn   string
	labels  string
	keep    string
	reason  string
}

// formOf is the form of a rule as it stands.
func formOf(r rule.Rule) ruleForm {
	f := ruleForm{view: viewSentence, rule: r, labels: strings.Join(labelTexts(r.Then.Labels), ", "), keep: "all", oneIn: "10"}
	switch {
	case r.Then.Drop:
		f.keep = "drop"
	case r.Then.OneIn > 1:
		f.keep, f.oneIn = "sample", strconv.Itoa(r.Then.OneIn)
	}
	f.clauses, _ = rule.Sentence(r.When) // what is no expression is shown as one
	return f
}

// readRule reads a posted form, and everything that is wrong with it.
func readRule(form url.Values, wanted id.Rule) (ruleForm, []views.Problem) {
	f := ruleForm{view: form.Get("view"), reason: form.Get("reason"), keep: form.Get("keep"), oneIn: form.Get("one_in"), labels: form.Get("labels")}
	if f.view == viewYAML {
		f.yaml = form.Get("yaml")
		r, err := rule.FromYAML(f.yaml)
		if err != nil {
			return f, []views.Problem{ruleProblem(viewYAML, err)}
		}
		reason := f.reason
		f = formOf(r)
		f.view, f.yaml, f.reason, f.rule.ID = viewYAML, form.Get("yaml"), reason, wanted
		return f, nil
	}
	f.rule = rule.Rule{ID: wanted, Name: form.Get("name"), When: form.Get("when")}
	if f.view != viewExpression {
		f.view = viewSentence
		f.clauses = readClauses(form)
		f.rule.When = rule.Expression(filled(f.clauses))
	}
	problems := f.readThen(form)
	r, err := rule.Check(f.rule)
	if err != nil {
		return f, append(problems, ruleProblem(f.view, err))
	}
	f.rule = r
	if f.view == viewExpression {
		f.clauses, _ = rule.Sentence(r.When)
	}
	return f, problems
}

// maxClauses bounds a sentence; what is longer is an expression.
const maxClauses = 20

func readClauses(form url.Values) (list []rule.Clause) {
	of, is, text := form["of"], form["is"], form["text"]
	for i := range min(len(of), len(is), len(text), maxClauses) {
		if slices.Contains(rule.Operators(), is[i]) {
			list = append(list, rule.Clause{Of: of[i], Is: is[i], Text: strings.TrimSpace(text[i])})
		}
	}
	if rest := strings.TrimSpace(form.Get("rest")); rest != "" {
		list = append(list, rule.Clause{Text: rest})
	}
	return list
}

// filled leaves out conditions that say nothing yet.
func filled(list []rule.Clause) []rule.Clause {
	return slices.DeleteFunc(slices.Clone(list), func(c rule.Clause) bool { return c.Of != "" && c.Text == "" && c.Is != "present" })
}

func (f *ruleForm) readThen(form url.Values) (problems []views.Problem) {
	f.rule.Then = rule.Then{Lane: form.Get("lane"), Drop: f.keep == "drop"}
	if f.keep == "sample" {
		n, err := strconv.Atoi(strings.TrimSpace(f.oneIn))
		if err != nil || n < 2 {
			problems = append(problems, views.Problem{Field: "one_in", Text: "is no whole number above 1"})
		}
		f.rule.Then.OneIn = max(n, 0)
	}
	labels, err := parseLabels(f.labels)
	if err != nil {
		problems = append(problems, views.Problem{Field: "labels", Text: err.Error()})
	}
	if len(labels) > 0 {
		f.rule.Then.Labels = labels
	}
	for _, text := range form["forward"] {
		if d, err := id.Parse[id.Destination](text); err == nil {
			f.rule.Then.Forward = append(f.rule.Then.Forward, d)
		}
	}
	return problems
}

// ruleProblem says in which field of the view something is wrong.
func ruleProblem(view string, err error) views.Problem {
	var wrong *rule.InvalidError
	if !errors.As(err, &wrong) {
		return views.Problem{Text: err.Error()}
	}
	text := wrong.Detail
	if wrong.Column > 0 {
		text = "at character " + strconv.Itoa(wrong.Column) + ": " + text
	}
	field := map[string]string{"then.lane": "lane", "then.one_in": "one_in", "then.labels": "labels", "then.drop": "keep", "then.forward": "forward"}[wrong.Field]
	switch {
	case view == viewYAML:
		field = viewYAML
	case field == "":
		field = wrong.Field
	}
	if field == "when" && view == viewSentence {
		field = ""
	}
	return views.Problem{Field: field, Text: text}
}
