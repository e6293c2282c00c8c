package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// Identity providers belong to the tenant in the address, or to the platform where there is none: the principal's tenant is
// empty then, and so is it in everything below.

func providersPath(t id.Tenant) string {
	if t == "" {
		return "/system/providers"
	}
	return tenantPath(t) + "/providers"
}

func (w *Web) listProviders(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	t := p.Tenant()
	page := views.Providers{Frame: w.frame(out, r, p, "Identity providers"), Tabs: w.adminTabs(r, p), New: providersPath(t) + "/new"}
	for _, each := range w.o.Tenants.State().Providers(t) {
		page.Rows = append(page.Rows, views.ProviderRow{
			Name: each.Name, Href: providersPath(t) + "/" + string(each.ID), Issuer: each.Issuer, Domains: strings.Join(each.Domains, ", "),
			Disabled: each.Disabled, Rules: strconv.Itoa(len(each.Rows)), Since: each.Created.UTC().Format("2006-01-02 15:04"),
		})
	}
	if tenant, ok := w.o.Tenants.State().Tenant(t); ok {
		page.Passwords = passwordSwitch(tenant)
		if len(page.Rows) > 0 {
			page.Address = w.origin(r) + signInPlace(t)
		}
	}
	return w.render(out, r, http.StatusOK, views.ProvidersPage(page))
}

func passwordSwitch(t tenants.Tenant) views.PasswordSwitch {
	action := providersPath(t.ID) + "/passwords"
	if t.NoPasswords {
		return views.PasswordSwitch{
			Action: action, State: "Signing in with a password does not open this tenant.", Submit: "Allow passwords", Value: "false",
			Help: "While the provider fails, nobody comes in, and only an owner who is still signed in can allow passwords again.",
		}
	}
	return views.PasswordSwitch{
		Action: action, State: "Members may also sign in with a password.", Submit: "Turn off passwords", Value: "true",
		Help: "It is the way in when the provider fails. Without it, only those whom the provider lets in can enter, and while the provider fails only an owner who is still signed in can allow passwords again.",
	}
}

// switchPasswords turns passwords off only for somebody who has shown that it works without.
func (w *Web) switchPasswords(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	found, err := w.session(r.Context(), r)
	if err != nil {
		return err
	}
	off := form.Get("off") == "true"
	provider, _ := w.o.Tenants.State().Provider(found.Meta.Provider)
	if off && (found.Meta.Provider == "" || provider.Tenant != p.Tenant()) {
		w.flash(out, r, views.Flash{Failed: true, Text: "Sign in with the identity provider of this tenant first, so that you do not lock yourself out."})
		return see(out, r, providersPath(p.Tenant()))
	}
	if err := w.o.Tenants.SwitchPasswords(r.Context(), w.actor(r, p), p.Tenant(), off); err != nil {
		return err
	}
	text := "Members may sign in with a password again."
	if off {
		text = "Passwords do not open this tenant any more."
	}
	w.done(out, r, text)
	return see(out, r, providersPath(p.Tenant()))
}

// newProvider begins a draft with its id, so that the addresses to register are known before anything else.
func (w *Web) newProvider(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	saved := func(i id.Provider) bool { _, ok := w.o.Tenants.State().Provider(i); return ok }
	made, ok := w.drafts.begun(p.Person(), p.Tenant(), saved)
	if !ok {
		made = id.New[id.Provider]()
		w.drafts.put(draftOf{p.Person(), made}, draft{NewProvider: tenants.NewProvider{ID: made, Tenant: p.Tenant()}})
	}
	return see(out, r, providersPath(p.Tenant())+"/"+string(made))
}

// draft is the provider in the address as this person left it: unsaved, or as it is saved. It returns tenants.ErrNotFound for
// one of another tenant like for none.
func (w *Web) draft(r *http.Request, p tenants.Principal) (draft, error) {
	wanted, err := id.Parse[id.Provider](chi.URLParam(r, "provider"))
	if err != nil {
		return draft{}, tenants.ErrNotFound
	}
	saved, exists := w.o.Tenants.State().Provider(wanted)
	if exists && saved.Tenant != p.Tenant() {
		return draft{}, tenants.ErrNotFound
	}
	if begun, ok := w.drafts.get(draftOf{p.Person(), wanted}); ok && begun.Tenant == p.Tenant() {
		return *begun, nil
	}
	if !exists {
		return draft{}, tenants.ErrNotFound
	}
	return draft{NewProvider: tenants.NewProvider{
		ID: saved.ID, Tenant: saved.Tenant, Name: saved.Name, Issuer: saved.Issuer, ClientID: saved.ClientID, Domains: saved.Domains, Rows: saved.Rows,
	}}, nil
}

func (w *Web) showProvider(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.draft(r, p)
	if err != nil {
		return err
	}
	if _, saved := w.o.Tenants.State().Provider(d.ID); saved {
		if err := w.note(r, p, tenants.Look{What: tenants.OpenedProvider, Thing: string(d.ID)}); err != nil {
			return err
		}
	}
	return w.renderProvider(out, r, p, providerView{draft: d})
}

func (w *Web) showRemoveProvider(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.savedProvider(r, p)
	if err != nil {
		return err
	}
	at := providersPath(p.Tenant())
	members := 0
	for _, m := range w.o.Tenants.State().Members(p.Tenant()) {
		if m.Via == found.ID {
			members++
		}
	}
	lines := []string{
		"Nobody can sign in with it any more, and everybody who did is signed out at once.",
		"Whoever has a role from its rules alone loses it. Accounts and what they did stay.",
	}
	if p.Tenant() != "" {
		lines[1] = fmt.Sprintf("%s whose role comes from its rules lose access. Accounts and what they did stay.", capital(count(uint64(members), "member", "members")))
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(views.Confirm{
		Frame: w.frame(out, r, p, "Remove "+found.Name), Heading: "Remove " + found.Name, Action: at + "/" + string(found.ID) + "/remove",
		Submit: "Remove provider", Cancel: at + "/" + string(found.ID), Back: found.Name, Lines: lines,
	}))
}

func (w *Web) removeProvider(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.savedProvider(r, p)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.RemoveProvider(r.Context(), w.actor(r, p), p.Tenant(), found.ID); err != nil {
		return err
	}
	w.drafts.drop(draftOf{p.Person(), found.ID})
	w.done(out, r, found.Name+" removed.")
	return see(out, r, providersPath(p.Tenant()))
}

// savedProvider is the provider in the address; tenants.ErrNotFound for one of another tenant like for none.
func (w *Web) savedProvider(r *http.Request, p tenants.Principal) (tenants.Provider, error) {
	found, err := w.providerInPath(r)
	if err != nil || found.Tenant != p.Tenant() {
		return tenants.Provider{}, tenants.ErrNotFound
	}
	return found, nil
}

// switchProvider lets people sign in with a provider, or not. A session that was opened with one that is disabled opens nothing.
func (w *Web) switchProvider(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.savedProvider(r, p)
	if err != nil {
		return err
	}
	n := tenants.NewProvider{
		ID: found.ID, Tenant: found.Tenant, Name: found.Name, Issuer: found.Issuer, ClientID: found.ClientID, Secret: found.Secret,
		Domains: found.Domains, Rows: found.Rows, Disabled: !found.Disabled,
	}
	_, err = w.o.Tenants.SetProvider(r.Context(), w.actor(r, p), n)
	at := providersPath(p.Tenant()) + "/" + string(found.ID)
	if problem, ok := fault(err); ok {
		w.flash(out, r, views.Flash{Failed: true, Text: "It was not changed: " + problem.Text + "."})
		return see(out, r, at)
	}
	if err != nil {
		return err
	}
	text := found.Name + " is enabled: people can sign in with it."
	if n.Disabled {
		text = found.Name + " is disabled: nobody can sign in with it, and sessions that were opened with it have ended."
	}
	w.done(out, r, text)
	return see(out, r, at)
}
