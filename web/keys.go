package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwave/tenants"
	"longwave/views"
)

// newKeySlot is where the secret of a new API key waits for the redirect.
const newKeySlot = "api-key "

// keyDays are the lifetimes that the form offers; 0 is none. The chosen one survives a holiday and not a forgotten script.
func keyDays() []int { return []int{7, 30, chosenKeyDays, 365, 0} }

const chosenKeyDays = 90

func (w *Web) listKeys(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderKeys(out, r, p, typedForm{Values: url.Values{}})
}

func (w *Web) renderKeys(out http.ResponseWriter, r *http.Request, p tenants.Principal, form typedForm) error {
	page := views.Keys{
		Name:     views.Field{ID: "name", Label: "Name", Type: "text", Value: form.Get("name"), MaxLength: "100", Autocomplete: "off", Help: "What will use it: nightly-report, say."},
		Sites:    views.Field{ID: "sites", Label: "Sites", Type: "text", Value: form.Get("sites"), Optional: true, Autocomplete: "off", Help: "At one of these or below, with commas between: plant-2, plant-3/line-1."},
		Profiles: views.Field{ID: "profiles", Label: "Profiles", Type: "text", Value: form.Get("profiles"), Optional: true, Autocomplete: "off", Help: "Of one of these: pump, valve."},
		Labels:   views.Field{ID: "labels", Label: "Labels", Type: "text", Value: form.Get("labels"), Optional: true, Autocomplete: "off", Help: "With all of these: customer=acme."},
	}
	if len(form.problems) > 0 {
		page.Problems = blame(form.problems, &page.Name, &page.Sites, &page.Profiles, &page.Labels)
	}
	page.Frame, page.Tabs, page.Action = w.frame(out, r, p, "API keys"), w.adminTabs(r, p), keysPath(p.Tenant())
	page.Secret = w.handover.take(w.slot(r, newKeySlot+string(p.Tenant())))
	page.Example = "curl -sS '" + w.origin(r) + "/manage/v1/devices' \\\n  -H 'Authorization: Bearer " + page.Secret + "'"
	for _, role := range tenants.Roles() {
		page.Roles = append(page.Roles, views.Option{Value: role.String(), Label: roleLabel(role), Selected: role.String() == form.Get("role")})
	}
	page.Expires = keyLifetimes(form.Get("expires"))
	page.Rows, page.Warning = w.keyRows(r.Context(), p)
	return w.render(out, r, form.status(), views.KeysPage(page))
}

func keyLifetimes(chosen string) []views.Option {
	var list []views.Option
	for _, days := range keyDays() {
		label := "until it is revoked"
		if days > 0 {
			label = count(uint64(days), "day", "days")
		}
		text := strconv.Itoa(days)
		list = append(list, views.Option{Value: text, Label: label, Selected: text == or(chosen, strconv.Itoa(chosenKeyDays))})
	}
	return list
}

// keyRows lists the keys; without the bucket nobody knows when they were used, and the page says so.
func (w *Web) keyRows(ctx context.Context, p tenants.Principal) (rows []views.KeyRow, warning string) {
	used, err := w.o.Tenants.KeysUsed(ctx, p.Tenant())
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without the use of keys", "tenant", p.Tenant(), "error", err)
		warning = "When keys were last used cannot be read just now."
	}
	now := w.o.Now()
	for _, k := range w.o.Tenants.State().Keys(p.Tenant()) {
		row := views.KeyRow{
			Name: k.Name, Role: capital(k.Role.String()), Prefix: k.Prefix(), Created: k.Created.UTC().Format("2006-01-02 15:04"),
			Revoke: keysPath(p.Tenant()) + "/" + string(k.ID) + "/revoke", Scope: or(capital(k.Scope.Words()), "All"),
			Expires: "until revoked", Used: viewTime(used[k.ID], now),
		}
		if !k.Expires.IsZero() {
			row.Expires, row.Over = k.Expires.UTC().Format("2006-01-02 15:04"), !now.Before(k.Expires)
		}
		if err != nil {
			row.Used = views.Time{Text: "not known"}
		}
		rows = append(rows, row)
	}
	return rows, warning
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
	wanted, problems, err := w.newKey(form)
	if err == nil && len(problems) == 0 {
		var secret string
		_, secret, err = w.o.Tenants.CreateKey(r.Context(), w.actor(r, p), p.Tenant(), wanted)
		if err == nil {
			w.handover.put(w.slot(r, newKeySlot+string(p.Tenant())), secret)
			return see(out, r, keysPath(p.Tenant()))
		}
	}
	if err != nil {
		problem, ok := fault(err)
		if !ok {
			return err
		}
		problems = append(problems, problem)
	}
	return w.renderKeys(out, r, p, typedForm{form, problems})
}

// newKey reads the form. Its error is that of a role that does not exist.
func (w *Web) newKey(form url.Values) (tenants.NewKey, []views.Problem, error) {
	role, err := tenants.ParseRole(form.Get("role"))
	wanted := tenants.NewKey{Name: form.Get("name"), Role: role}
	days, wrongNumber := strconv.Atoi(form.Get("expires"))
	if wrongNumber != nil || !slices.Contains(keyDays(), days) { // nothing that was not chosen lasts for ever
		days = chosenKeyDays
	}
	if days > 0 {
		wanted.Expires = w.o.Now().Add(time.Duration(days) * 24 * time.Hour)
	}
	wanted.Scope.Sites, wanted.Scope.Profiles = commaList(form.Get("sites")), commaList(form.Get("profiles"))
	labels, wrong := parseLabels(form.Get("labels"))
	if wrong != nil {
		return wanted, []views.Problem{{Field: "labels", Text: wrong.Error()}}, err
	}
	wanted.Scope.Labels = labels
	return wanted, nil, err
}

// commaList reads texts with commas between them.
func commaList(text string) []string {
	var list []string
	for _, each := range strings.Split(text, ",") {
		if each = strings.TrimSpace(each); each != "" {
			list = append(list, each)
		}
	}
	return list
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
