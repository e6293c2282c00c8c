package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// The two forms of the page; the names of their fields begin with these.
const (
	authorityForm = "authority"
	issuerForm    = "issuer"
)

func trustPath(t id.Tenant) string { return tenantPath(t) + "/trust" }

func (w *Web) listTrust(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderTrust(out, r, p, typedForm{Values: url.Values{}})
}

func (w *Web) renderTrust(out http.ResponseWriter, r *http.Request, p tenants.Principal, form typedForm) error {
	t := p.Tenant()
	page := views.Trust{
		Frame: w.frame(out, r, p, "Device trust"), Tabs: w.adminTabs(r, p), Action: trustPath(t), Example: w.origin(r) + "/ingest/v1/packets?tenant=" + string(t),
		Authority: authorityFields(form), Issuer: issuerFields(form),
	}
	if !strings.HasPrefix(w.origin(r), "https://") {
		page.Warning = "Certificates are shown in TLS: the server needs --tls-cert and --client-certificates, and nobody in front of it may end TLS."
	}
	for _, each := range w.o.Tenants.State().Trusts(t) {
		page.Rows = append(page.Rows, trustRow(each))
	}
	return w.render(out, r, form.status(), views.TrustPage(page))
}

func trustRow(t tenants.Trust) views.TrustRow {
	row := views.TrustRow{
		Name: t.Name, Kind: "Authority", Who: t.Subject, Until: expiry(t.Expires), Names: namingWords(t.Names),
		Remove: trustPath(t.Tenant) + "/" + string(t.ID) + "/remove",
	}
	if t.IssuesTokens() {
		row.Kind, row.Until = "Issuer of tokens", ""
		keys := "keys found there"
		if len(t.Keys) > 0 {
			keys = "keys pasted"
		}
		row.Who = t.Issuer + " for " + t.Audience + ", " + keys
	}
	return row
}

func namingWords(n tenants.Naming) string {
	text := or(fieldWord(n.Field), n.Field)
	if n.Prefix != "" {
		text += " behind " + n.Prefix
	}
	return text + ", as its " + string(n.By)
}

func authorityFields(form typedForm) views.TrustForm {
	get := func(name string) string { return form.Get(authorityForm + "-" + name) }
	f := views.TrustForm{
		Kind:   authorityForm,
		Fields: []views.Field{{ID: authorityForm + "-name", Label: "Name", Type: "text", Value: get("name"), MaxLength: "100", Autocomplete: "off", Help: "What people call it: Plant CA."}},
		Text:   views.Field{ID: authorityForm + "-certificate", Label: "Certificate of the authority", Value: get("certificate"), Help: "In PEM. It counts for what it has signed for client authentication, also through authorities between."},
		Names:  []views.Field{prefixField(authorityForm, get("prefix"))}, By: byOptions(get("by")),
	}
	for _, field := range tenants.CertificateFields() {
		f.ByField = append(f.ByField, views.Option{Value: field, Label: fieldWord(field), Selected: field == get("field")})
	}
	if form.Get("kind") == authorityForm {
		f.Problems = blame(form.problems, &f.Fields[0], &f.Text, &f.Names[0])
	}
	return f
}

func fieldWord(field string) string {
	return map[string]string{
		tenants.CommonName: "Common name", tenants.SerialNumber: "Serial number of the subject", tenants.DNSName: "DNS name", tenants.URI: "URI",
	}[field]
}

func issuerFields(form typedForm) views.TrustForm {
	get := func(name string) string { return form.Get(issuerForm + "-" + name) }
	at := func(name string) string { return issuerForm + "-" + name }
	f := views.TrustForm{
		Kind: issuerForm,
		Fields: []views.Field{
			{ID: at("name"), Label: "Name", Type: "text", Value: get("name"), MaxLength: "100", Autocomplete: "off", Help: "What people call it: Works login."},
			{ID: at("issuer"), Label: "Issuer", Type: "url", Value: get("issuer"), Autocomplete: "off", Placeholder: "https://login.example.com", Help: "The claim iss of its tokens, to the letter."},
			{ID: at("audience"), Label: "Audience", Type: "text", Value: get("audience"), Autocomplete: "off", Help: "The claim aud that its tokens must have."},
			{ID: at("algorithms"), Label: "Algorithms", Type: "text", Value: get("algorithms"), Optional: true, Autocomplete: "off", Placeholder: "ES256, RS256", Help: "With commas between. Left empty, all asymmetric ones are accepted."},
		},
		Text: views.Field{ID: at("keys"), Label: "Keys (optional)", Value: get("keys"), Help: "A JSON Web Key Set. Left empty, the keys are found at the issuer, and followed when they change."},
		Names: []views.Field{
			{ID: at("field"), Label: "Claim that names the device", Type: "text", Value: or(get("field"), "sub"), Autocomplete: "off", Help: "Nested ones with dots: device.name."},
			prefixField(issuerForm, get("prefix")),
		},
		By: byOptions(get("by")),
	}
	if form.Get("kind") == issuerForm {
		f.Problems = blame(form.problems, &f.Fields[0], &f.Fields[1], &f.Fields[2], &f.Fields[3], &f.Text, &f.Names[0], &f.Names[1])
	}
	return f
}

func prefixField(kind, value string) views.Field {
	return views.Field{ID: kind + "-prefix", Label: "Prefix", Type: "text", Value: value, Optional: true, Autocomplete: "off", Placeholder: "urn:device:", Help: "What stands before it there."}
}

func byOptions(chosen string) []views.Option {
	return []views.Option{
		{Value: string(tenants.ByName), Label: "name", Selected: chosen == string(tenants.ByName)},
		{Value: string(tenants.ByID), Label: "id (d-…)", Selected: chosen == string(tenants.ByID)},
	}
}

func (w *Web) addTrust(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	kind := form.Get("kind")
	if kind != issuerForm {
		kind = authorityForm
		form.Set("kind", kind)
	}
	get := func(name string) string { return strings.TrimSpace(form.Get(kind + "-" + name)) }
	wanted := tenants.NewTrust{Name: get("name"), Names: tenants.Naming{Field: get("field"), Prefix: get("prefix"), By: tenants.NamingBy(get("by"))}}
	if kind == issuerForm {
		wanted.Issuer, wanted.Audience, wanted.Algorithms, wanted.Keys = get("issuer"), get("audience"), commaList(get("algorithms")), get("keys")
	} else {
		wanted.PEM = or(get("certificate"), "nothing") // an empty one asks for an issuer
	}
	made, err := w.o.Tenants.AddTrust(r.Context(), w.actor(r, p), p.Tenant(), wanted)
	if problem, ok := fault(err); ok {
		if problem.Field != "" {
			problem.Field = kind + "-" + problem.Field
		}
		return w.renderTrust(out, r, p, typedForm{form, []views.Problem{problem}})
	}
	if err != nil {
		return err
	}
	w.done(out, r, made.Name+" is trusted about devices from now on.")
	return see(out, r, trustPath(p.Tenant()))
}

// trust is the one that the address names; tenants.ErrNotFound when the tenant has none of that id.
func (w *Web) trust(r *http.Request, p tenants.Principal) (tenants.Trust, error) {
	wanted, err := id.Parse[id.Trust](chi.URLParam(r, "trust"))
	if err != nil {
		return tenants.Trust{}, tenants.ErrNotFound
	}
	found, ok := w.o.Tenants.State().Trust(p.Tenant(), wanted)
	if !ok {
		return tenants.Trust{}, tenants.ErrNotFound
	}
	return found, nil
}

func (w *Web) showRemoveTrust(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.trust(r, p)
	if err != nil {
		return err
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(views.Confirm{
		Frame: w.frame(out, r, p, "Remove "+found.Name), Heading: "Remove " + found.Name, Submit: "Remove", Cancel: trustPath(p.Tenant()), Back: "Device trust",
		Action: trustPath(p.Tenant()) + "/" + string(found.ID) + "/remove",
		Lines: []string{
			"Devices that show what comes from there are refused from that moment on, and their open connections end within a second.",
			"Their tokens of Longwave, and certificates that are registered on their own pages, go on working.",
		},
	}))
}

func (w *Web) removeTrust(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.trust(r, p)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.RemoveTrust(r.Context(), w.actor(r, p), p.Tenant(), found.ID); err != nil {
		return err
	}
	w.done(out, r, found.Name+" is not trusted any more.")
	return see(out, r, trustPath(p.Tenant()))
}
