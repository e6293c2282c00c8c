package web

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

const operatorsPath = "/system/operators"

func (w *Web) listOperators(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderOperators(out, r, p, views.Operators{Email: operatorField(""), Tenants: scopeField(""), Recover: recoverField("")})
}

func operatorField(value string) views.Field {
	return views.Field{ID: "email", Label: "E-mail or id", Type: "text", Value: value, MaxLength: "254", Autocomplete: "off",
		Help: "The e-mail that the person signs in with, with a password; or the id from an audit trail."}
}

func scopeField(value string) views.Field {
	return views.Field{ID: "tenants", Label: "Tenants", Type: "text", Value: value, MaxLength: "4000", Autocomplete: "off", Optional: true,
		Help: "Ids or names of the tenants that this operator oversees, separated by commas. Empty: the whole installation."}
}

func (w *Web) renderOperators(out http.ResponseWriter, r *http.Request, p tenants.Principal, page views.Operators) error {
	status := http.StatusOK
	if len(page.Problems)+len(page.RecoverProblems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Problems = blame(page.Problems, &page.Email, &page.Tenants)
	}
	page.Frame, page.Tabs, page.Action = w.frame(out, r, p, "Operators"), w.adminTabs(r, p), operatorsPath
	page.Recovery = w.handover.take(w.slot(r, recoverySlot))
	st := w.o.Tenants.State()
	for _, each := range st.Operators() {
		row := views.OperatorRow{Name: each.Name, Email: or(each.Email, string(each.ID)), Oversees: "everything", Revoke: operatorsPath + "/" + string(each.ID) + "/revoke", You: each.ID == p.Person()}
		if each.Scope.Limited {
			row.Oversees = or(scopeWords(st, each.Scope.Tenants), "no tenant any more")
		}
		page.Rows = append(page.Rows, row)
	}
	return w.render(out, r, status, views.OperatorsPage(page))
}

func scopeWords(st *tenants.State, list []id.Tenant) string {
	var names []string
	for _, t := range list {
		if found, ok := st.Tenant(t); ok {
			names = append(names, found.Name)
		}
	}
	return strings.Join(names, ", ")
}

func (w *Web) setOperator(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	again := func(field, text string) error {
		return w.renderOperators(out, r, p, views.Operators{Email: operatorField(form.Get("email")), Tenants: scopeField(form.Get("tenants")), Recover: recoverField(""), Problems: []views.Problem{{Field: field, Text: text}}})
	}
	who, ok := w.personNamed(form.Get("email"))
	if !ok {
		return again("email", "nobody signs in with this; invite the person to a tenant first")
	}
	scope, unknown := w.scopeOf(form.Get("tenants"))
	if unknown != "" {
		return again("tenants", "there is no tenant “"+unknown+"”, or several with that name: use its id")
	}
	if err := w.o.Tenants.SetOperator(r.Context(), w.actor(r, p), who, scope); err != nil {
		return err
	}
	w.done(out, r, "Saved. It holds from now on.")
	return see(out, r, operatorsPath)
}

// scopeOf reads ids and names of tenants; it returns the first that is none, or not one.
func (w *Web) scopeOf(text string) (scope tenants.Scope, unknown string) {
	st := w.o.Tenants.State()
	byName := map[string][]id.Tenant{}
	for _, t := range st.Tenants() {
		byName[strings.ToLower(t.Name)] = append(byName[strings.ToLower(t.Name)], t.ID)
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		scope.Limited = true
		found := byName[strings.ToLower(part)]
		if t, ok := st.Tenant(id.Tenant(part)); ok {
			found = []id.Tenant{t.ID}
		}
		if len(found) != 1 {
			return scope, part
		}
		scope.Tenants = append(scope.Tenants, found[0])
	}
	return scope, ""
}

func (w *Web) revokeOperator(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	who, err := id.Parse[id.Person](chi.URLParam(r, "person"))
	if err != nil {
		return tenants.ErrNotFound
	}
	if err := w.o.Tenants.RevokeOperator(r.Context(), w.actor(r, p), who); err != nil {
		return err
	}
	w.done(out, r, "Revoked, at once and everywhere.")
	if who == p.Person() {
		return see(out, r, "/account")
	}
	return see(out, r, operatorsPath)
}
