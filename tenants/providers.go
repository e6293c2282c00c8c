package tenants

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/seal"
)

// Bounds of identity providers.
const (
	maxProviders = 20 // of one tenant, and of the platform
	maxRows      = 100
	maxDomains   = 50
	maxIssuer    = 500 // bytes, like those of a client id and of a claim
)

// NewProvider is all of an identity provider as it is to be.
type NewProvider struct {
	ID       id.Provider
	Tenant   id.Tenant // empty for the platform
	Name     string
	Issuer   string
	ClientID string
	Secret   seal.Sealed // for the place that SecretPlace names
	Domains  []string
	Rows     []RoleRow
	Disabled bool // nobody signs in with it yet, or for now
}

// SealClientSecret seals the client secret of a provider for its place; an empty one stays empty. It returns ErrNoMasterKey.
func (s *Service) SealClientSecret(t id.Tenant, p id.Provider, secret string) (seal.Sealed, error) {
	switch {
	case secret == "":
		return "", nil
	case s.secrets == nil:
		return "", ErrNoMasterKey
	}
	return s.secrets.Seal(SecretPlace(t, p), []byte(secret))
}

// SetProvider makes an identity provider or changes one. It returns ErrNotFound when there is no such tenant or the id
// belongs to another one, *InvalidError with the field "name", "issuer", "client_id", "domains" or "rows", or "enabled" when it
// is the only way in and is to be disabled, *LimitError, and the errors of every command.
func (s *Service) SetProvider(ctx context.Context, actor Actor, n NewProvider) (Provider, error) {
	n, err := n.check()
	if err != nil {
		return Provider{}, fmt.Errorf("set provider: %w", err)
	}
	st, err := s.inRealm(ctx, actor, n.Tenant, func(st *State, _ time.Time) ([]event, error) {
		set := providerSet{ID: n.ID, Name: n.Name, Issuer: n.Issuer, ClientID: n.ClientID, Secret: n.Secret, Domains: n.Domains, Rows: n.Rows, Disabled: n.Disabled}
		old, exists := st.Provider(n.ID)
		switch {
		case exists && old.Tenant != n.Tenant:
			return nil, fmt.Errorf("provider: %w", ErrNotFound)
		case exists:
			set.From = &providerWas{old.Name, old.Issuer, old.ClientID, old.Domains, old.Rows, old.Disabled}
		case len(st.Providers(n.Tenant)) >= maxProviders:
			return nil, &LimitError{Name: "identity providers", Max: maxProviders}
		}
		if exists && n.Disabled && !old.Disabled && st.onlyWay(old) {
			return nil, invalid("enabled", "cannot be false: it is the only way into the tenant; allow passwords first")
		}
		for _, domain := range n.Domains {
			if other, taken := st.ProviderFor(domain); taken && other.ID != n.ID {
				return nil, invalid("domains", "%s belongs to another identity provider", domain)
			}
		}
		for _, row := range n.Rows {
			if _, ok := st.Tenant(row.Tenant); row.Tenant != "" && !ok {
				return nil, invalid("rows", "one names a tenant that does not exist")
			}
		}
		return []event{set}, nil
	})
	if err != nil {
		return Provider{}, fmt.Errorf("set provider: %w", err)
	}
	made, _ := st.Provider(n.ID)
	return made, nil
}

// inRealm is a command on a tenant, or on the platform for an empty one.
func (s *Service) inRealm(ctx context.Context, actor Actor, t id.Tenant, decide decision) (*State, error) {
	if t == "" {
		return s.command(ctx, actor, platformSubject, decide)
	}
	return s.inTenant(ctx, actor, t, decide)
}

// onlyWay says whether nobody could enter the provider's tenant without it.
func (s *State) onlyWay(p Provider) bool {
	tenant, _ := s.Tenant(p.Tenant)
	return tenant.NoPasswords && len(s.OpenProviders(p.Tenant)) == 1
}

// dispensable refuses to have a provider removed without which nobody could enter its tenant.
func (s *State) dispensable(p Provider) error {
	if !p.Disabled && s.onlyWay(p) {
		return invalid("provider", "cannot be removed: it is the only way into the tenant; allow passwords first")
	}
	return nil
}

func (n NewProvider) check() (_ NewProvider, err error) {
	if _, err := id.Parse[id.Provider](string(n.ID)); err != nil {
		return n, invalid("id", "is not the id of a provider")
	}
	if n.Name, err = checkName("name", n.Name); err != nil {
		return n, err
	}
	u, err := url.Parse(n.Issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(n.Issuer) > maxIssuer {
		return n, invalid("issuer", "is not an address such as https://login.example.com")
	}
	if n.ClientID == "" || len(n.ClientID) > maxIssuer {
		return n, invalid("client_id", "has %d characters, want 1 to %d", len(n.ClientID), maxIssuer)
	}
	if err := errors.Join(checkText("issuer", n.Issuer), checkText("client_id", n.ClientID)); err != nil {
		return n, err
	}
	if n.Domains, err = checkDomains(n.Domains); err != nil {
		return n, err
	}
	return n, n.checkRows()
}

func (n NewProvider) checkRows() error {
	if len(n.Rows) > maxRows {
		return invalid("rows", "has %d rules, at most %d are allowed", len(n.Rows), maxRows)
	}
	for i, row := range n.Rows {
		at := fmt.Sprintf("rule %d ", i+1)
		switch {
		case row.Claim == "" || row.Value == "" || len(row.Claim) > maxIssuer || len(row.Value) > maxIssuer:
			return invalid("rows", "%sneeds a claim and a value", at)
		case row.Role < Viewer || row.Role > Owner:
			return invalid("rows", "%sneeds a role", at)
		case (row.Tenant == "") != (n.Tenant != ""):
			return invalid("rows", "%sneeds a tenant in a provider of the platform, and must not name one in that of a tenant", at)
		}
		if err := errors.Join(checkText("rows", row.Claim), checkText("rows", row.Value)); err != nil {
			return err
		}
	}
	return nil
}

// checkDomains returns the domains as they are compared.
func checkDomains(domains []string) ([]string, error) {
	if len(domains) > maxDomains {
		return nil, invalid("domains", "has %d domains, at most %d are allowed", len(domains), maxDomains)
	}
	var out []string
	for _, text := range domains {
		domain := foldText(strings.TrimPrefix(strings.TrimSpace(text), "@"))
		if _, err := checkEmail("domains", "a@"+domain); err != nil || !strings.Contains(domain, ".") {
			return nil, invalid("domains", "%.100q is not the part of an e-mail address behind the @", text)
		}
		out = append(out, domain)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// RemoveProvider ends an identity provider, and the membership of everybody who has it from its rules. It returns
// ErrNotFound, *InvalidError with the field "provider" when it is the only way in, ErrLastOwner when a tenant would be without
// an owner, and the errors of every command; it may have removed members of some tenants then.
func (s *Service) RemoveProvider(ctx context.Context, actor Actor, t id.Tenant, p id.Provider) error {
	found, ok := s.State().Provider(p)
	if !ok || found.Tenant != t {
		return fmt.Errorf("remove provider: %w", ErrNotFound)
	}
	if err := s.State().dispensable(found); err != nil {
		return fmt.Errorf("remove provider: %w", err)
	}
	for _, tenant := range s.State().reaches(found) {
		if err := s.removeVia(ctx, actor, tenant, p); err != nil {
			return fmt.Errorf("remove provider: %w", err)
		}
	}
	_, err := s.inRealm(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		now, ok := st.Provider(p)
		if !ok {
			return nil, fmt.Errorf("provider: %w", ErrNotFound)
		}
		if err := st.dispensable(now); err != nil {
			return nil, err
		}
		return []event{providerRemoved{ID: p, Name: found.Name}}, nil
	})
	if err != nil {
		return fmt.Errorf("remove provider: %w", err)
	}
	return nil
}

// reaches lists the tenants in which a provider may have given somebody a role.
func (s *State) reaches(p Provider) []id.Tenant {
	if p.Tenant != "" {
		return []id.Tenant{p.Tenant}
	}
	var list []id.Tenant
	for _, t := range s.Tenants() {
		list = append(list, t.ID)
	}
	return list
}

// removeVia removes the members of a tenant whom a provider gave their role.
func (s *Service) removeVia(ctx context.Context, actor Actor, t id.Tenant, p id.Provider) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		var list []event
		owners := st.owners(t)
		for _, m := range st.Members(t) {
			if m.Via != p {
				continue
			}
			if m.Role == Owner {
				owners--
			}
			list = append(list, memberRemoved{Person: m.Person, Role: m.Role, Via: p})
		}
		if len(list) > 0 && owners < 1 {
			return nil, ErrLastOwner
		}
		return list, nil
	})
	return err
}

func (s *State) owners(t id.Tenant) int {
	if found, ok := s.tenants.Get(string(t)); ok {
		return found.owners
	}
	return 0
}

// SwitchPasswords decides whether members of a tenant may enter it after signing in with a password. It returns
// ErrNotFound, an *InvalidError when passwords are turned off and the tenant has no identity provider, and the errors of
// every command.
func (s *Service) SwitchPasswords(ctx context.Context, actor Actor, t id.Tenant, off bool) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		found, _ := st.Tenant(t)
		switch {
		case found.NoPasswords == off:
			return nil, nil
		case off && len(st.OpenProviders(t)) == 0:
			return nil, invalid("passwords", "are the only way in: set up an identity provider first")
		}
		return []event{passwordsSwitched{Off: off}}, nil
	})
	if err != nil {
		return fmt.Errorf("switch passwords: %w", err)
	}
	return nil
}
