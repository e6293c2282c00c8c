package web

import (
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/views"
)

// newRule stands in an address in place of the id of a rule that is not there yet. No id of ours is like it.
const newRule = "new"

func rulesPath(t id.Tenant) string           { return tenantPath(t) + "/rules" }
func rulePath(t id.Tenant, r id.Rule) string { return rulesPath(t) + "/" + string(r) }

func (w *Web) listRules(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	t := p.Tenant()
	list, counts := w.o.Tenants.State().Rules(t), w.o.RuleCounts(t)
	page := views.Rules{
		Frame: w.frame(out, r, p, "Rules"), NewHref: rulesPath(t) + "/" + newRule, CanEdit: p.May(tenants.EditRules) == nil,
	}
	if len(list) > 0 {
		page.Count = count(uint64(len(list)), "rule", "rules")
	}
	for i := range list {
		row := w.ruleRow(t, &list[i], counts[list[i].ID])
		row.Position = strconv.Itoa(i + 1)
		if i > 0 {
			row.UpAction = rulePath(t, list[i].ID) + "/move"
		}
		if i < len(list)-1 {
			row.DownAction = rulePath(t, list[i].ID) + "/move"
		}
		page.Rows = append(page.Rows, row)
	}
	return w.render(out, r, http.StatusOK, views.RulesPage(page))
}

// ruleRow shows what decides; a rule that was never enabled shows its draft.
func (w *Web) ruleRow(t id.Tenant, r *tenants.Rule, c rule.Count) views.RuleRow {
	shown := r.Current()
	if r.Live != nil {
		shown = *r.Live
	}
	row := views.RuleRow{
		Name: shown.Name, Href: rulePath(t, r.ID), When: whenWords(shown.When), Then: thenWords(w.o.Tenants.State(), t, shown.Then),
		State: ruleState(r), Draft: r.Draft != nil && r.Live != nil,
		Matched: grouped(c.Matched), Dropped: grouped(c.Dropped), Forwarded: grouped(c.Forwarded), Errors: grouped(c.Errors),
		Last: viewTime(c.Last, w.o.Now()),
	}
	if c.Failure != "" {
		row.Failure = c.Failure + ", on " + w.deviceName(t, c.Failing)
	}
	if c.Paused > 0 {
		row.Failure += "; paused for " + count(uint64(c.Paused), "device", "devices")
	}
	return row
}

func ruleState(r *tenants.Rule) views.State {
	switch {
	case r.Enabled:
		return views.State{Key: stateLive, Word: "Enabled, version " + strconv.Itoa(r.Version)}
	case r.Live != nil:
		return views.State{Key: stateDisabled, Word: "Disabled"}
	}
	return views.State{Key: stateNever, Word: "Draft"}
}

func (w *Web) deviceName(t id.Tenant, d id.Device) string {
	if device, ok := w.o.Tenants.State().Device(t, d); ok {
		return device.Name
	}
	return string(d)
}

// rule is the rule that the address names, or the zero one for a new rule; tenants.ErrNotFound when the tenant has none of
// that id.
func (w *Web) rule(r *http.Request, p tenants.Principal) (tenants.Rule, error) {
	text := chi.URLParam(r, "rule")
	if text == newRule {
		return tenants.Rule{}, nil
	}
	wanted, err := id.Parse[id.Rule](text)
	if err != nil {
		return tenants.Rule{}, tenants.ErrNotFound
	}
	found, ok := w.o.Tenants.State().Rule(p.Tenant(), wanted)
	if !ok {
		return tenants.Rule{}, tenants.ErrNotFound
	}
	return found, nil
}

// existing is rule for what cannot be done with a new one.
func (w *Web) existing(r *http.Request, p tenants.Principal) (tenants.Rule, error) {
	found, err := w.rule(r, p)
	if err == nil && found.ID == "" {
		err = tenants.ErrNotFound
	}
	return found, err
}

// moveRule takes a rule one place up or down.
func (w *Web) moveRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existing(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	for i, other := range w.o.Tenants.State().Rules(p.Tenant()) {
		if other.ID != found.ID {
			continue
		}
		to := i + 2
		if form.Get("to") == "up" {
			to = max(i, 1)
		}
		if _, err := w.o.Tenants.MoveRule(r.Context(), w.actor(r, p), p.Tenant(), found.ID, to); err != nil {
			return err
		}
	}
	return see(out, r, rulesPath(p.Tenant()))
}

func (w *Web) disableRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existing(r, p)
	if err != nil {
		return err
	}
	if _, err := w.o.Tenants.DisableRule(r.Context(), w.actor(r, p), p.Tenant(), found.ID, ""); err != nil {
		return err
	}
	current := found.Current()
	w.done(out, r, current.Name+" disabled. It decides about no packet until it is enabled again.")
	return see(out, r, rulePath(p.Tenant(), found.ID))
}

// showDeleteRule says what deleting a rule does before it is done.
func (w *Web) showDeleteRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existing(r, p)
	if err != nil {
		return err
	}
	current := found.Current()
	page := views.Confirm{
		Frame:   w.frame(out, r, p, "Delete "+current.Name),
		Heading: "Delete " + current.Name, Action: rulePath(p.Tenant(), found.ID) + "/delete", Submit: "Delete rule",
		Cancel: rulePath(p.Tenant(), found.ID), Back: current.Name,
		Lines: []string{
			"From that moment on it decides about no packet. Packets that are stored already stay where they are.",
			"Its history stays in the log, but the rule itself cannot be brought back. To stop it for a while, disable it.",
		},
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(page))
}

func (w *Web) deleteRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existing(r, p)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.DeleteRule(r.Context(), w.actor(r, p), p.Tenant(), found.ID, ""); err != nil {
		return err
	}
	current := found.Current()
	w.done(out, r, current.Name+" deleted.")
	return see(out, r, rulesPath(p.Tenant()))
}
