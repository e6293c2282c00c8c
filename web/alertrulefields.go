package web

import (
	"slices"
	"strconv"
	"strings"

	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

// alertFields are the menus and texts of a rule.
func (w *Web) alertFields(page *views.AlertRuleEditor, st *tenants.State, t id.Tenant, e alertWriting) {
	f := &e.form
	text := func(name, label, help string) views.Field {
		return views.Field{ID: name, Label: label, Value: f.texts[name], Help: help, Type: "text", Optional: true, Autocomplete: "off"}
	}
	page.Name = text("name", "Name", "")
	page.Name.Optional, page.Name.MaxLength, page.Name.Focus = false, "100", e.rule.ID == ""
	page.Note = text("note", "What to do about it", "For whoever is woken: shown with the alert, and in messages as {note}.")
	page.Message = text("message", "Message", "Empty for the usual sentence. {"+strings.Join(alertrule.Placeholders(), "}, {")+"} stand for what happened.")
	page.NoData = f.texts["kind"] == string(alertrule.NoData)
	page.Kinds = []views.Option{
		{Value: string(alertrule.Threshold), Label: "values are not as they should be", Selected: !page.NoData},
		{Value: string(alertrule.NoData), Label: "a device sends nothing", Selected: page.NoData},
	}
	page.Metric, page.After = text("metric", "Of the metric", "Empty for any packet."), text("after", "For", "Such as 10 min. Empty for three times the interval that is expected of the device.")
	page.Metric.Mode = "metrics"
	for _, part := range [][3]string{{"profiles", "Profile", "profiles"}, {"sites", "Site, with everything in it", "sites"}, {"labels", "Labels", ""}, {"names", "Name", "devices"}} {
		one := text("selector."+part[0], part[1], map[string]string{"labels": "As name=text.", "names": "A star stands for any characters."}[part[0]])
		one.Mode, one.Placeholder = part[2], "any"
		page.About = append(page.About, one)
	}
	for _, d := range f.rule.Selector.Devices {
		page.Devices = append(page.Devices, views.Tick{ID: "device-" + string(d), Value: string(d), Label: w.deviceName(t, d), Checked: true})
	}
	for i, l := range f.levels {
		page.Levels = append(page.Levels, levelView(i, l, e.problems))
	}
	page.MoreLevels = len(f.levels) < int(alertrule.Critical)
	page.Repeat = text("notify.repeat", "Again, while nobody has acknowledged", "Every so often, such as 1 h. Empty for never.")
	for _, o := range [][2]string{{string(alertrule.GroupRule), "all devices of the rule"}, {string(alertrule.GroupSite), "each site"}, {string(alertrule.GroupDevice), "each device"}} {
		page.Groupings = append(page.Groupings, views.Option{Value: o[0], Label: o[1], Selected: o[0] == f.texts["notify.group_by"]})
	}
	w.stepFields(page, st, t, e)
}

func levelView(i int, l levelForm, problems []views.Problem) views.AlertLevel {
	field := "levels." + strconv.Itoa(i)
	v := views.AlertLevel{Number: strconv.Itoa(i), Error: problemAt(problems, field+".when"),
		For: views.Field{ID: field + ".for", Label: "For how long", Value: l.lasting, Placeholder: "at once", Error: problemAt(problems, field+".for")}}
	if v.Error == "" {
		v.Error = problemAt(problems, field+".severity")
	}
	for s := alertrule.Critical; s > alertrule.None; s-- {
		v.Severities = append(v.Severities, views.Option{Value: s.String(), Label: capital(s.String()), Selected: s.String() == l.severity})
	}
	v.Joins = []views.Option{{Value: "all", Label: "all of these hold", Selected: !l.any}, {Value: "any", Label: "any of these holds", Selected: l.any}}
	v.When, v.Clear = testViews(field+".when", l.when, problems), testViews(field+".clear", l.clear, problems)
	return v
}

func testViews(name string, tests []testForm, problems []views.Problem) (list []views.AlertTest) {
	for i, t := range tests {
		n := strconv.Itoa(i)
		v := views.AlertTest{ID: name + ".tests." + n, Name: name, Metric: t.metric, Text: t.text}
		words := strings.Split(name, ".") // levels.0.when
		v.Remove = "remove-" + words[2] + "-" + words[1] + "-" + n
		for _, part := range []string{"", ".metric", ".op", ".text"} {
			if v.Error == "" {
				v.Error = problemAt(problems, v.ID+part)
			}
		}
		for _, op := range alertrule.Ops() {
			v.Ops = append(v.Ops, views.Option{Value: string(op), Label: opWords(op), Selected: string(op) == t.op})
		}
		list = append(list, v)
	}
	return list
}

// opWords is an operator as a menu says it.
func opWords(op alertrule.Op) string {
	return map[alertrule.Op]string{
		alertrule.Above: "is above", alertrule.Below: "is below", alertrule.Outside: "is outside", alertrule.Inside: "is inside", alertrule.Equals: "equals",
		alertrule.Differs: "differs from", alertrule.Changed: "changes", alertrule.RateAbove: "rises faster than", alertrule.RateBelow: "changes by less than",
		alertrule.TextIs: "is the text", alertrule.TextContains: "contains the text", alertrule.TextMatches: "matches the pattern",
		alertrule.BitSet: "has this bit set", alertrule.BitClear: "has this bit clear",
		alertrule.Unusual: "is unusual, with a score above",
	}[op]
}

// stepFields are whom the rule notifies. A rule without a step is offered the first one.
func (w *Web) stepFields(page *views.AlertRuleEditor, st *tenants.State, t id.Tenant, e alertWriting) {
	all := st.Destinations(t)
	if len(all) == 0 {
		page.NoDestinations = destinationsPath(t) + "/new"
		return
	}
	steps := e.form.steps
	if len(steps) == 0 {
		steps = []stepForm{{}}
	}
	for i, s := range steps {
		field := "notify.steps." + strconv.Itoa(i)
		v := views.AlertStep{Number: strconv.Itoa(i), Error: problemAt(e.problems, field+".destinations"),
			After: views.Field{ID: field + ".after", Label: "After how long", Value: s.after, Placeholder: "at once", Error: problemAt(e.problems, field+".after")}}
		if v.Error == "" {
			v.Error = v.After.Error
		}
		for _, d := range all {
			v.Destinations = append(v.Destinations, views.Tick{ID: field + "." + string(d.ID), Value: string(d.ID), Label: d.Name, Checked: slices.Contains(s.to, string(d.ID))})
		}
		page.Steps = append(page.Steps, v)
	}
	page.MoreSteps = len(steps) < alertrule.MaxSteps
}

// maxSuggestions bounds what an input offers, and suggestFrom the devices that are looked at for it.
const (
	maxSuggestions = 200
	suggestFrom    = 2000
)

// suggestions are what the tenant's devices really have.
func suggestions(st *tenants.State, t id.Tenant, metrics []string) []views.Suggestions {
	sites, profiles, names := map[string]bool{}, map[string]bool{}, map[string]bool{}
	looked := 0
	for d := range st.Devices(t, "") {
		for list, text := range map[*map[string]bool]string{&sites: d.Site, &profiles: d.Profile, &names: d.Name} {
			if text != "" && len(*list) < maxSuggestions {
				(*list)[text] = true
			}
		}
		if looked++; looked == suggestFrom {
			break
		}
	}
	all := []views.Suggestions{{ID: "metrics", Values: metrics}}
	for _, one := range []struct {
		id   string
		from map[string]bool
	}{{"sites", sites}, {"profiles", profiles}, {"devices", names}} {
		values := make([]string, 0, len(one.from))
		for text := range one.from {
			values = append(values, text)
		}
		slices.Sort(values)
		all = append(all, views.Suggestions{ID: one.id, Values: values})
	}
	return all
}
