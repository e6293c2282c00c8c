package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
	"longwave/web/oidc"
)

// providerView is a draft to be shown, and what was wrong with it.
type providerView struct {
	draft
	problem  *views.Problem
	err      error // an *oidc.Error of a question to the provider
	untested bool
}

// spareRows are the empty rows behind the rules, for the next ones.
const spareRows = 3

func (w *Web) renderProvider(out http.ResponseWriter, r *http.Request, p tenants.Principal, v providerView) error {
	var asked *oidc.Error
	if v.err != nil && !errors.As(v.err, &asked) {
		return v.err
	}
	_, exists := w.o.Tenants.State().Provider(v.ID)
	at := providersPath(p.Tenant()) + "/" + string(v.ID)
	page := views.Provider{
		Back: providersPath(p.Tenant()), Heading: "Set up identity provider", Action: at, Tested: w.proven(v.draft), ForAll: p.Tenant() == "",
		Name:     views.Field{ID: "name", Label: "Name", Type: "text", Value: v.Name, MaxLength: "100", Autocomplete: "off", Help: "As people know it: it stands on the button of the sign-in."},
		Issuer:   views.Field{ID: "issuer", Label: "Issuer", Type: "url", Value: v.Issuer, MaxLength: "500", Autocomplete: "off", Placeholder: "https://login.example.com", Help: "The provider's address, to the letter as it writes it."},
		ClientID: views.Field{ID: "client_id", Label: "Client id", Type: "text", Value: v.ClientID, MaxLength: "500", Autocomplete: "off"},
		Secret:   views.Field{ID: "secret", Label: "Client secret", Type: "password", Autocomplete: "off", Optional: exists || v.secret != "", Help: secretHelp(exists, v.secret)},
		Domains:  domainsField(p, v.Domains),
		Register: []views.Copy{
			{ID: "redirect-url", Label: "Redirect URL", Text: w.origin(r) + callbackPath(v.ID)},
			{ID: "logout-url", Label: "Back-channel logout URL", Text: w.origin(r) + noticePath(v.ID)},
			{ID: "after-logout-url", Label: "URL after signing out", Text: w.origin(r) + "/sign-in"},
		},
		Found: foundFacts(v.found),
	}
	if exists {
		page.Heading, page.Remove = v.Name, at+"/remove"
		saved, _ := w.o.Tenants.State().Provider(v.ID)
		page.Switch, page.Disabled = at+"/switch", saved.Disabled
	}
	w.showRules(&page, p, v.draft)
	status := http.StatusOK
	switch {
	case v.problem != nil:
		page.Problems, status = []views.Problem{*v.problem}, http.StatusUnprocessableEntity
	case v.untested:
		page.Problems, status = []views.Problem{{Text: "Test the sign-in first: it has not worked yet with this issuer, client id and secret."}}, http.StatusUnprocessableEntity
	case asked != nil:
		page.Problems, status = []views.Problem{{Field: "issuer", Text: asked.Problem + " " + asked.Remedy}}, http.StatusUnprocessableEntity
	}
	page.Problems = blame(page.Problems, &page.Name, &page.Issuer, &page.ClientID, &page.Secret, &page.Domains)
	page.Frame = w.frame(out, r, p, page.Heading)
	if exists {
		page.Past = w.pastOf(p, string(v.ID))
	}
	return w.render(out, r, status, views.ProviderPage(page))
}

func secretHelp(exists bool, typed string) string {
	switch {
	case typed != "":
		return "Kept from what you typed; leave it empty, or type another one."
	case exists:
		return "Leave it empty to keep the saved one. It is stored sealed and never shown."
	}
	return "It is stored sealed and never shown again."
}

func domainsField(p tenants.Principal, domains []string) views.Field {
	help := "People who type an address of these domains at the sign-in are led here."
	if !p.Operator() {
		help = "Only an operator of the installation can change these. Your people can always use the sign-in address of the tenant."
	}
	return views.Field{ID: "domains", Label: "E-mail domains", Type: "text", Value: strings.Join(domains, ", "), Optional: true, Autocomplete: "off", Placeholder: "example.com", Help: help}
}

func foundFacts(f *oidc.Found) []views.Fact {
	if f == nil {
		return nil
	}
	yes := func(ok bool, text string) string {
		if ok {
			return text
		}
		return "no"
	}
	return []views.Fact{
		{Name: "Issuer", Value: f.Issuer}, {Name: "People sign in at", Value: f.Authorization}, {Name: "Signs with", Value: strings.Join(f.Algorithms, ", ")},
		{Name: "Scopes", Value: strings.Join(f.Scopes, ", ")}, {Name: "Tells more about people", Value: yes(f.UserInfo, "yes (userinfo)")},
		{Name: "Says who answers", Value: yes(f.AnswersIssuer, "yes (RFC 9207)")}, {Name: "Ends its session at sign-out", Value: yes(f.EndsSessions, "yes")},
		{Name: "Tells when a session ended there", Value: yes(f.NotifiesOut, "yes (back-channel logout)")},
	}
}

// showRules puts the rules of a draft on the page, and what the test makes of each.
func (w *Web) showRules(page *views.Provider, p tenants.Principal, d draft) {
	provider := tenants.Provider{ID: d.ID, Tenant: d.Tenant, Rows: d.Rows}
	var results []tenants.RowResult
	if d.test != nil {
		page.Test, results = w.showTest(provider, *d.test)
	}
	for i := range len(d.Rows) + spareRows {
		row := views.ClaimRow{Number: strconv.Itoa(i + 1)}
		var rule tenants.RoleRow
		if i < len(d.Rows) {
			rule = d.Rows[i]
		}
		row.Claim, row.Value = rule.Claim, rule.Value
		for _, role := range tenants.Roles() {
			row.Roles = append(row.Roles, views.Option{Value: role.String(), Label: capital(role.String()), Selected: role == rule.Role})
		}
		if p.Tenant() == "" {
			row.Tenants = w.tenantOptions(rule.Tenant)
		}
		if i < len(results) {
			row.Result, row.State = capital(results[i].Reason), "never"
			if results[i].Matched {
				row.State = "live"
			}
		}
		page.Rows = append(page.Rows, row)
	}
}

func (w *Web) tenantOptions(chosen id.Tenant) []views.Option {
	var list []views.Option
	for _, t := range w.o.Tenants.State().Tenants() {
		list = append(list, views.Option{Value: string(t.ID), Label: t.Name, Selected: t.ID == chosen})
	}
	return list
}

// showTest says what a test brought and what it would give.
func (w *Web) showTest(p tenants.Provider, t draftTest) (*views.ProviderTest, []tenants.RowResult) {
	var failed *oidc.Error
	if errors.As(t.err, &failed) {
		return &views.ProviderTest{Problem: failed.Problem, Remedy: failed.Remedy, Step: string(failed.Step) + " (" + failed.Code + ")"}, nil
	}
	d := p.Decide(t.who.Claims)
	out := &views.ProviderTest{Who: t.who.Subject + " at " + t.who.Issuer, Good: len(d.Roles) > 0}
	var given []string
	for _, tenant := range slices.Sorted(maps.Keys(d.Roles)) {
		found, _ := w.o.Tenants.State().Tenant(tenant)
		given = append(given, d.Roles[tenant].String()+" of "+found.Name)
	}
	out.Verdict = "With these rules the person would be " + strings.Join(given, ", ") + "."
	if !out.Good {
		out.Verdict = "No rule matches, so this person would have no access. The last column below says why each row does not match."
	}
	for _, name := range slices.Sorted(maps.Keys(t.who.Claims)) {
		out.Claims = append(out.Claims, views.Fact{Name: name, Value: claimText(t.who.Claims[name])})
	}
	return out, d.Rows
}

// maxClaim bounds what is shown of one claim.
const maxClaim = 500

func claimText(value any) string {
	if text, ok := value.(string); ok {
		return short(text)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return short(string(text))
}

func short(text string) string {
	if len(text) <= maxClaim {
		return text
	}
	return strings.ToValidUTF8(text[:maxClaim], "") + "…"
}
