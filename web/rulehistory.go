package web

import (
	"net/http"
	"strconv"

	"longwave/tenants"
	"longwave/views"
)

// historyRows is how many changes a page of the history shows.
const historyRows = 50

func (w *Web) showRuleHistory(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existing(r, p)
	if err != nil {
		return err
	}
	current, self := found.Current(), rulePath(p.Tenant(), found.ID)
	page := views.RuleHistory{Frame: w.frame(out, r, p, "History of "+current.Name), Name: current.Name,
		RuleHref: self, ListHref: rulesPath(p.Tenant()), ListName: "Rules"}
	if p.May(tenants.EditRules) == nil {
		page.RestoreAction = self + "/restore"
	}
	return w.renderHistory(out, r, p, page, string(found.ID))
}

// renderHistory shows what became of one thing, newest first. What it says now needs no restoring.
func (w *Web) renderHistory(out http.ResponseWriter, r *http.Request, p tenants.Principal, page views.RuleHistory, about string) error {
	page.Past = w.pastOf(p, about)
	after := r.URL.Query().Get("after")
	past, err := w.o.Tenants.History(r.Context(), p.Tenant(), tenants.HistoryQuery{About: about, Cursor: after, Limit: historyRows})
	if err != nil {
		return err
	}
	if past.Next != "" {
		page.Next = page.RuleHref + "/history?after=" + past.Next
	}
	newest := after == ""
	for _, one := range past.Past {
		row := views.PastRow{Time: viewTime(one.At, w.o.Now()), By: one.By, Did: one.Did}
		for _, c := range one.Changes {
			row.Changes = append(row.Changes, views.Change(c))
		}
		if one.Text && !newest {
			row.Restore = strconv.FormatUint(one.Position, 10)
		}
		newest = newest && !one.Text
		page.Rows = append(page.Rows, row)
	}
	return w.render(out, r, http.StatusOK, views.RuleHistoryPage(page))
}

// restoreRule makes what the rule said once its draft. What cannot be taken any more is said in the editor.
func (w *Web) restoreRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.existing(r, p)
	if err != nil {
		return err
	}
	at, err := postedPosition(out, r)
	if err != nil {
		return err
	}
	restored, err := w.o.Tenants.RestoreRule(r.Context(), w.actor(r, p), p.Tenant(), found.ID, at)
	if problem, ok := fault(err); ok {
		return w.renderRule(out, r, p, writing{rule: found, form: formOf(found.Current()), problems: []views.Problem{problem}})
	}
	if err != nil {
		return err
	}
	current := restored.Current()
	w.done(out, r, current.Name+" as it was then is the draft now. It decides about nothing until it is enabled.")
	return see(out, r, rulePath(p.Tenant(), found.ID))
}

// postedPosition is which change of a history a form names; tenants.ErrNotFound for what is no number.
func postedPosition(out http.ResponseWriter, r *http.Request) (uint64, error) {
	form, err := parse(out, r)
	if err != nil {
		return 0, err
	}
	at, err := strconv.ParseUint(form.Get("position"), 10, 64)
	if err != nil {
		return 0, tenants.ErrNotFound
	}
	return at, nil
}
