package web

import (
	"net/http"

	"longwave/tenants"
	"longwave/views"
)

// newKeySlot is where the secret of a new API key waits for the redirect.
const newKeySlot = "api-key "

func (w *Web) listKeys(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderKeys(out, r, p, views.Keys{Name: keyName("")}, tenants.Viewer)
}

func keyName(value string) views.Field {
	return views.Field{ID: "name", Label: "Name", Type: "text", Value: value, MaxLength: "100", Autocomplete: "off", Help: "What will use it: nightly-report, say."}
}

func (w *Web) renderKeys(out http.ResponseWriter, r *http.Request, p tenants.Principal, page views.Keys, chosen tenants.Role) error {
	status := http.StatusOK
	if len(page.Problems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Problems = blame(page.Problems, &page.Name)
	}
	tenant := p.Tenant()
	page.Frame, page.Tabs = w.frame(out, r, p, "API keys"), w.adminTabs(r, p)
	page.Action, page.CanEdit = keysPath(tenant), true
	page.Secret = w.handover.take(w.slot(r, newKeySlot+string(p.Tenant())))
	page.Example = "curl -sS '" + w.origin(r) + "/manage/v1/devices' \\\n  -H 'Authorization: Bearer " + page.Secret + "'"
	for _, role := range tenants.Roles() {
		page.Roles = append(page.Roles, views.Option{Value: role.String(), Label: roleLabel(role), Selected: role == chosen})
	}
	for _, k := range w.o.Tenants.State().Keys(p.Tenant()) {
		page.Rows = append(page.Rows, views.KeyRow{
			ID: string(k.ID), Name: k.Name, Role: capital(k.Role.String()), Created: k.Created.UTC().Format("2006-01-02 15:04"),
			Revoke: keysPath(tenant) + "/" + string(k.ID) + "/revoke",
		})
	}
	return w.render(out, r, status, views.KeysPage(page))
}

func roleLabel(r tenants.Role) string {
	switch r {
	case tenants.Viewer:
		return "Viewer: reads devices and readings"
	case tenants.Editor:
		return "Editor: also registers and changes devices"
	}
	return "Owner: also deletes devices and makes keys"
}

func (w *Web) createKey(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	role, err := tenants.ParseRole(form.Get("role"))
	if err == nil {
		var secret string
		_, secret, err = w.o.Tenants.CreateKey(r.Context(), w.actor(r, p), p.Tenant(), tenants.NewKey{Name: form.Get("name"), Role: role})
		if err == nil {
			w.handover.put(w.slot(r, newKeySlot+string(p.Tenant())), secret)
			return see(out, r, keysPath(p.Tenant()))
		}
	}
	problem, ok := fault(err)
	if !ok {
		return err
	}
	return w.renderKeys(out, r, p, views.Keys{Name: keyName(form.Get("name")), Problems: []views.Problem{problem}}, role)
}

func (w *Web) revokeKey(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	key, err := w.key(r, p)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.RevokeKey(r.Context(), w.actor(r, p), p.Tenant(), key.ID); err != nil {
		return err
	}
	w.done(out, r, "Key "+key.Name+" revoked. Requests with it are refused from now on.")
	return see(out, r, keysPath(p.Tenant()))
}
