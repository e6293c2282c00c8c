package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/handler"
	"longwave/web/oidc"
)

// Discoverer asks a provider what it publishes about itself. Its error is an *oidc.Error.
type Discoverer interface {
	Discover(ctx context.Context, issuer string) (oidc.Found, error)
}

// ProviderPath is the part of an address that names an identity provider.
type ProviderPath struct {
	Provider string `path:"provider" doc:"Id of the identity provider" example:"i-7k3m9c2p5v8x1z4b"`
}

type (
	providerBody struct {
		ID       string      `json:"id" example:"i-7k3m9c2p5v8x1z4b"`
		Name     string      `json:"name" example:"Works login"`
		Issuer   string      `json:"issuer" example:"https://login.example.com"`
		Client   string      `json:"client_id" example:"longwave"`
		Secret   bool        `json:"has_client_secret" doc:"Whether there is one. It is stored sealed and never told" example:"true"`
		Enabled  bool        `json:"enabled" doc:"Whether people can sign in with it. While it is not, sessions that were opened with it open nothing" example:"true"`
		Redirect string      `json:"redirect_path" doc:"Behind the address of this installation: the redirect URL to register" example:"/sign-in/callback/i-7k3m9c2p5v8x1z4b"`
		Notice   string      `json:"logout_path" doc:"Behind the address of this installation: the back-channel logout URL to register" example:"/sign-in/ended/i-7k3m9c2p5v8x1z4b"`
		Domains  []string    `json:"domains" doc:"E-mail domains whose people are led to it; operators set them" example:"[\"example.com\"]"`
		Rules    []claimBody `json:"rules" doc:"Who gets which role"`
		Created  time.Time   `json:"created"`
	}
	claimBody struct {
		Claim string `json:"claim" doc:"Nested ones with dots" example:"groups"`
		Value string `json:"value" doc:"One of its values, or * for any" example:"operators"`
		Role  string `json:"role" enum:"viewer,editor,owner" example:"editor"`
	}
	listProvidersIn struct{ call }
	providersOut    struct {
		Body struct {
			Items []providerBody `json:"items" doc:"Client secrets are never told"`
		}
	}
	createProviderIn struct {
		call
		Body struct {
			Name    string      `json:"name" doc:"As people know it, 1 to 100 characters" minLength:"1" example:"Works login"`
			Issuer  string      `json:"issuer" doc:"The provider's address, to the letter as it writes it" example:"https://login.example.com"`
			Client  string      `json:"client_id" example:"longwave"`
			Secret  string      `json:"client_secret,omitempty" doc:"Stored sealed and never told; missing for a public client" maxLength:"1000" example:"a secret of the provider"`
			Rules   []claimBody `json:"rules" doc:"Who gets which role"`
			Enabled bool        `json:"enabled,omitempty" doc:"Whether people can sign in with it at once. The provider is asked first. Better: register redirect_path there, test, then enable" example:"false"`
		}
	}
	createProviderOut struct {
		Location string `header:"Location"`
		Body     providerBody
	}
	oneProviderIn struct {
		call
		ProviderPath
	}
	oneProviderOut   struct{ Body providerBody }
	changeProviderIn struct {
		call
		ProviderPath
		Body struct {
			Name    *string      `json:"name,omitempty" doc:"The new name" minLength:"1" example:"Works login"`
			Issuer  *string      `json:"issuer,omitempty" doc:"The new issuer. People are the pair of issuer and subject, so nobody who signed in at the old one is known by it" example:"https://login.example.com"`
			Client  *string      `json:"client_id,omitempty" doc:"The new client id" example:"longwave"`
			Secret  *string      `json:"client_secret,omitempty" doc:"The new client secret; empty for none" maxLength:"1000" example:"another secret"`
			Rules   *[]claimBody `json:"rules,omitempty" doc:"All rules; they hold from the next sign-in or check"`
			Enabled *bool        `json:"enabled,omitempty" doc:"Whether people can sign in with it. Enabling asks the provider first" example:"true"`
		} `contentType:"application/merge-patch+json"`
	}
	testProviderOut struct {
		Body struct {
			Works      bool     `json:"works" doc:"Whether the provider says about itself what is needed. Only a sign-in, which its page can test, tries client id and secret" example:"true"`
			Step       string   `json:"step,omitempty" doc:"What failed" example:"reading what the provider says about itself"`
			Code       string   `json:"code,omitempty" example:"issuer_differs"`
			Problem    string   `json:"problem,omitempty" doc:"What is wrong, and what helps"`
			Algorithms []string `json:"algorithms" doc:"Ways of signing that it has and that are accepted" example:"[\"RS256\"]"`
			Scopes     []string `json:"scopes" example:"[\"openid\"]"`
			EndsThere  bool     `json:"ends_sessions" doc:"Whether it offers an address for signing out" example:"true"`
			Notifies   bool     `json:"notifies_logout" doc:"Whether it sends notices of back-channel logout" example:"true"`
		}
	}
)

// mountProviders adds the identity providers of the tenant. Whoever changes them decides who gets in, so the key must have the
// role of owner and must not be limited to some devices; pages ask for a recent proof of who it is, which a script cannot give.
func (m *management) mountProviders() {
	const all, one = "/identity-providers", "/identity-providers/{provider}"
	create := describe(http.MethodPost, all, "create-identity-provider", "Set up an identity provider", tenants.ManageTenant)
	create.DefaultStatus = http.StatusCreated
	register(m, describe(http.MethodGet, all, "list-identity-providers", "Identity providers of the tenant", tenants.ManageTenant), m.listProviders)
	register(m, create, m.createProvider)
	register(m, describe(http.MethodGet, one, "get-identity-provider", "Look at an identity provider", tenants.ManageTenant), m.getProvider)
	register(m, describe(http.MethodPatch, one, "change-identity-provider", "Change, enable or disable an identity provider", tenants.ManageTenant), m.changeProvider)
	register(m, describe(http.MethodPost, one+"/test", "test-identity-provider", "Ask an identity provider about itself", tenants.ManageTenant), m.testProvider)
	register(m, describe(http.MethodDelete, one, "delete-identity-provider", "Remove an identity provider, and every role that comes from its rules alone", tenants.ManageTenant), m.deleteProvider)
}

func bodyOfProvider(p tenants.Provider) providerBody {
	body := providerBody{
		ID: string(p.ID), Name: p.Name, Issuer: p.Issuer, Client: p.ClientID, Secret: p.Secret != "", Enabled: !p.Disabled, Created: p.Created.UTC(),
		Redirect: "/sign-in/callback/" + string(p.ID), Notice: "/sign-in/ended/" + string(p.ID),
		Domains: append([]string{}, p.Domains...), Rules: []claimBody{},
	}
	for _, row := range p.Rows {
		body.Rules = append(body.Rules, claimBody{row.Claim, row.Value, row.Role.String()})
	}
	return body
}

// providerOf finds a provider of the visitor's tenant, with the same error for everybody else's and for text that is no id.
func (m *management) providerOf(who visitor, text string) (tenants.Provider, error) {
	wanted, err := id.Parse[id.Provider](text)
	found, ok := m.api.tenants.State().Provider(wanted)
	if err != nil || !ok || found.Tenant != who.tenant {
		return tenants.Provider{}, fmt.Errorf("identity provider: %w", tenants.ErrNotFound)
	}
	return found, nil
}

func (m *management) listProviders(ctx context.Context, who visitor, _ *listProvidersIn) (*providersOut, error) {
	if err := m.noted(ctx, who, tenants.OpenedProvider); err != nil {
		return nil, err
	}
	out := &providersOut{}
	out.Body.Items = []providerBody{}
	for _, p := range m.api.tenants.State().Providers(who.tenant) {
		out.Body.Items = append(out.Body.Items, bodyOfProvider(p))
	}
	return out, nil
}

func (m *management) getProvider(ctx context.Context, who visitor, in *oneProviderIn) (*oneProviderOut, error) {
	found, err := m.providerOf(who, in.Provider)
	if err == nil {
		err = m.noted(ctx, who, tenants.OpenedProvider)
	}
	return &oneProviderOut{bodyOfProvider(found)}, err
}

func (m *management) createProvider(ctx context.Context, who visitor, in *createProviderIn) (*createProviderOut, error) {
	n := tenants.NewProvider{ID: id.New[id.Provider](), Tenant: who.tenant, Name: in.Body.Name, Issuer: in.Body.Issuer, ClientID: in.Body.Client, Disabled: !in.Body.Enabled}
	made, err := m.setProvider(ctx, who, providerWish{n, &in.Body.Secret, &in.Body.Rules})
	if err != nil {
		return nil, err
	}
	return &createProviderOut{Location: managePrefix + "/identity-providers/" + string(made.ID), Body: bodyOfProvider(made)}, nil
}

func (m *management) changeProvider(ctx context.Context, who visitor, in *changeProviderIn) (*oneProviderOut, error) {
	found, err := m.providerOf(who, in.Provider)
	if err != nil {
		return nil, err
	}
	n := tenants.NewProvider{
		ID: found.ID, Tenant: found.Tenant, Name: found.Name, Issuer: found.Issuer, ClientID: found.ClientID, Secret: found.Secret, Domains: found.Domains,
		Rows: found.Rows, Disabled: found.Disabled,
	}
	take(&n.Name, in.Body.Name)
	take(&n.Issuer, in.Body.Issuer)
	take(&n.ClientID, in.Body.Client)
	if in.Body.Enabled != nil {
		n.Disabled = !*in.Body.Enabled
	}
	changed, err := m.setProvider(ctx, who, providerWish{n, in.Body.Secret, in.Body.Rules})
	if err != nil {
		return nil, err
	}
	return &oneProviderOut{bodyOfProvider(changed)}, nil
}

// take replaces a text if there is another one.
func take(text *string, other *string) {
	if other != nil {
		*text = *other
	}
}

// providerWish is a provider as it is to be, with a secret that is not sealed yet and rules; nil leaves those of the provider.
type providerWish struct {
	tenants.NewProvider
	secret *string
	rules  *[]claimBody
}

// setProvider seals a secret, takes rules, and asks a provider that people are to sign in with whether it is one.
func (m *management) setProvider(ctx context.Context, who visitor, wish providerWish) (tenants.Provider, error) {
	n := wish.NewProvider
	if wish.rules != nil {
		n.Rows = nil
		for _, rule := range *wish.rules {
			role, err := tenants.ParseRole(rule.Role)
			if err != nil {
				return tenants.Provider{}, err
			}
			n.Rows = append(n.Rows, tenants.RoleRow{Claim: rule.Claim, Value: rule.Value, Role: role})
		}
	}
	if wish.secret != nil {
		sealed, err := m.api.tenants.SealClientSecret(n.Tenant, n.ID, *wish.secret)
		if err != nil {
			return tenants.Provider{}, err
		}
		n.Secret = sealed
	}
	if old, exists := m.api.tenants.State().Provider(n.ID); !n.Disabled && (!exists || old.Disabled || old.Issuer != n.Issuer) {
		if _, err := m.api.providers.Discover(ctx, n.Issuer); err != nil {
			return tenants.Provider{}, notAProvider(err)
		}
	}
	return m.api.tenants.SetProvider(ctx, who.actor, n)
}

// notAProvider tells what is wrong with an issuer.
func notAProvider(err error) error {
	var failed *oidc.Error
	if !errors.As(err, &failed) {
		return err
	}
	return handler.Problem{
		Status: http.StatusUnprocessableEntity, Code: "invalid", Title: "The identity provider does not work",
		Detail: failed.Problem + " " + failed.Remedy, Errors: []handler.Fault{{Code: failed.Code, Pointer: "/issuer", Detail: failed.Problem}},
	}.Because(err)
}

func (m *management) testProvider(ctx context.Context, who visitor, in *oneProviderIn) (*testProviderOut, error) {
	p, err := m.providerOf(who, in.Provider)
	if err != nil {
		return nil, err
	}
	found, err := m.api.providers.Discover(ctx, p.Issuer)
	var failed *oidc.Error
	if err != nil && !errors.As(err, &failed) {
		return nil, err
	}
	out := &testProviderOut{}
	out.Body.Algorithms, out.Body.Scopes = append([]string{}, found.Algorithms...), append([]string{}, found.Scopes...)
	out.Body.EndsThere, out.Body.Notifies = found.EndsSessions, found.NotifiesOut
	if out.Body.Works = failed == nil; !out.Body.Works {
		out.Body.Step, out.Body.Code, out.Body.Problem = string(failed.Step), failed.Code, failed.Problem+" "+failed.Remedy
	}
	return out, nil
}

func (m *management) deleteProvider(ctx context.Context, who visitor, in *oneProviderIn) (*struct{}, error) {
	found, err := m.providerOf(who, in.Provider)
	if err != nil {
		return nil, err
	}
	return nil, m.api.tenants.RemoveProvider(ctx, who.actor, who.tenant, found.ID)
}
