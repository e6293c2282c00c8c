package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/oidc"
)

// maxRuleRows bounds one form of rules.
const maxRuleRows = 100

// changeProvider takes the form: it asks the provider about itself, tests a sign-in, or saves, as the button says.
func (w *Web) changeProvider(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.draft(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	if err := fillDraft(&d, form, p); err != nil {
		return err
	}
	of := draftOf{p.Person(), d.ID}
	w.drafts.put(of, d)
	switch form.Get("do") {
	case "save":
		return w.saveProvider(out, r, p, d)
	case "test":
		return w.testProvider(out, r, p, d)
	}
	found, err := w.o.Providers.Discover(r.Context(), d.Issuer)
	if err != nil {
		return w.renderProvider(out, r, p, providerView{draft: d, err: err})
	}
	d.found = &found
	w.drafts.put(of, d)
	return see(out, r, providersPath(p.Tenant())+"/"+string(d.ID))
}

// fillDraft takes what was typed. Domains are for operators: who leads all of example.com to a page must not be who says so.
func fillDraft(d *draft, form url.Values, p tenants.Principal) error {
	d.Name, d.ClientID = form.Get("name"), strings.TrimSpace(form.Get("client_id"))
	if issuer := strings.TrimSpace(form.Get("issuer")); issuer != d.Issuer {
		d.Issuer, d.found = issuer, nil
	}
	if secret := strings.TrimSpace(form.Get("secret")); secret != "" {
		d.secret = secret
	}
	if p.Operator() {
		d.Domains = strings.FieldsFunc(form.Get("domains"), func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\r' })
	}
	claims, values, roles, where := form["claim"], form["value"], form["role"], form["tenant"]
	if len(claims) != len(values) || len(claims) != len(roles) || len(claims) > maxRuleRows || p.Tenant() == "" && len(where) != len(claims) {
		return badQuery("The form of rules is damaged. Reload the page and try again.")
	}
	d.Rows = nil
	for i, claim := range claims {
		row := tenants.RoleRow{Claim: strings.TrimSpace(claim), Value: strings.TrimSpace(values[i])}
		if row.Claim == "" && row.Value == "" {
			continue
		}
		var err error
		if row.Role, err = tenants.ParseRole(roles[i]); err != nil {
			return badQuery("Choose a role in every rule.")
		}
		if p.Tenant() == "" {
			if row.Tenant, err = id.Parse[id.Tenant](where[i]); err != nil {
				return badQuery("Choose a tenant in every rule.")
			}
		}
		d.Rows = append(d.Rows, row)
	}
	return nil
}

// draftConfig is Longwave's registration as it stands in a draft.
func (w *Web) draftConfig(r *http.Request, d draft) (oidc.Config, error) {
	saved, _ := w.o.Tenants.State().Provider(d.ID)
	saved.ID, saved.Tenant, saved.Issuer, saved.ClientID, saved.Rows = d.ID, d.Tenant, d.Issuer, d.ClientID, d.Rows
	if d.secret != "" {
		saved.Secret = ""
	}
	cfg, err := w.registration(r, saved)
	if d.secret != "" {
		cfg.Secret = d.secret
	}
	return cfg, err
}

// testProvider sends the person to the provider with the registration that is not saved yet.
func (w *Web) testProvider(out http.ResponseWriter, r *http.Request, p tenants.Principal, d draft) error {
	found, err := w.o.Providers.Discover(r.Context(), d.Issuer)
	if err == nil {
		d.found = &found
		w.drafts.put(draftOf{p.Person(), d.ID}, d)
	}
	cfg, configErr := w.draftConfig(r, d)
	if configErr != nil {
		return configErr
	}
	way := departure{journey: journey{Provider: d.ID, Purpose: forTest, Person: p.Person(), Next: providersPath(p.Tenant()) + "/" + string(d.ID)}}
	var address string
	if err == nil {
		address, err = w.depart(out, r, cfg, way)
	}
	if err != nil {
		return w.renderProvider(out, r, p, providerView{draft: d, err: err})
	}
	return w.leave(out, r, "Test sign-in", address)
}

// finishTest keeps what a test brought with the draft, and shows it there. Nothing else comes of it.
func (w *Web) finishTest(out http.ResponseWriter, r *http.Request, j journey) error {
	found, err := w.session(r.Context(), r)
	of := draftOf{j.Person, j.Provider}
	begun, ok := w.drafts.get(of)
	if err != nil || found.Person != j.Person || !ok {
		return w.signInFailed(out, r, tenants.Provider{}, oidc.ErrState)
	}
	d := *begun
	cfg, err := w.draftConfig(r, d)
	if err != nil {
		return err
	}
	who, err := w.finish(r.Context(), cfg, j, r.URL.Query())
	if errors.Is(err, oidc.ErrSignedOut) {
		err = oidc.ErrRefused
	}
	d.test = &draftTest{connection: d.connection(), who: who, err: err}
	w.drafts.put(of, d)
	return see(out, r, j.Next)
}

// saveProvider saves what has worked: a registration that is new, or other than the saved one, must have been tested.
func (w *Web) saveProvider(out http.ResponseWriter, r *http.Request, p tenants.Principal, d draft) error {
	if !w.proven(d) {
		return w.renderProvider(out, r, p, providerView{draft: d, untested: true})
	}
	n := d.NewProvider
	saved, _ := w.o.Tenants.State().Provider(d.ID)
	n.Secret, n.Disabled = saved.Secret, saved.Disabled
	if d.secret != "" {
		sealed, err := w.o.Secrets.Seal(tenants.SecretPlace(d.Tenant, d.ID), []byte(d.secret))
		if err != nil {
			return err
		}
		n.Secret = sealed
	}
	made, err := w.o.Tenants.SetProvider(r.Context(), w.actor(r, p), n)
	if problem, ok := fault(err); ok {
		return w.renderProvider(out, r, p, providerView{draft: d, problem: &problem})
	}
	if err != nil {
		return err
	}
	w.drafts.drop(draftOf{p.Person(), d.ID})
	text := made.Name + " saved. People can sign in with it from now on."
	if made.Disabled {
		text = made.Name + " saved. It is disabled: nobody can sign in with it."
	}
	w.done(out, r, text)
	return see(out, r, providersPath(p.Tenant()))
}

// proven says whether the registration of a draft works as far as is known.
func (w *Web) proven(d draft) bool {
	saved, exists := w.o.Tenants.State().Provider(d.ID)
	unchanged := exists && saved.Issuer == d.Issuer && saved.ClientID == d.ClientID && d.secret == ""
	return unchanged || d.tested()
}
