package tenants

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"longwave/tenants/id"
)

// randomPeople does something about who may enter. What is refused for a reason is no failure.
func randomPeople(ctx context.Context, s *Service, t id.Tenant, random *rand.Rand) (err error) {
	st := s.State()
	providers, invites, members := st.Providers(t), st.Invites(t), st.Members(t)
	switch n := random.IntN(8); {
	case n == 0 || len(providers) == 0:
		_, err = s.SetProvider(ctx, testActor, ownProvider(t, "groups", fmt.Sprint(random.IntN(3)), Role(1+random.IntN(3))))
	case n == 1 && random.IntN(3) == 0:
		err = s.RemoveProvider(ctx, testActor, t, providers[0].ID)
	case n < 5:
		groups := []any{fmt.Sprint(random.IntN(4))}
		_, _, err = s.Arrive(ctx, Arrival{Provider: providers[0].ID, Issuer: providers[0].Issuer, Subject: fmt.Sprint("s", random.IntN(9)), Claims: map[string]any{"groups": groups}})
	case n == 5:
		_, _, err = s.Invite(ctx, testActor, t, NewInvite{For: "somebody", Role: Viewer})
	case n == 6 && len(invites) > 0:
		err = s.RevokeInvite(ctx, testActor, t, invites[random.IntN(len(invites))].ID)
	default:
		err = s.ChangeMember(ctx, testActor, t, Member{Person: members[random.IntN(len(members))].Person, Role: Role(1 + random.IntN(3))})
	}
	if errors.Is(err, ErrNoRole) || errors.Is(err, ErrLastOwner) || errors.Is(err, ErrLimit) {
		return nil
	}
	return err
}

// ownProvider is one with a single rule.
func ownProvider(t id.Tenant, claim, value string, role Role) NewProvider {
	return NewProvider{
		ID: id.New[id.Provider](), Tenant: t, Name: "Login", Issuer: "https://login.example.com/" + string(t), ClientID: "longwave",
		Secret: "s1.k.sealed", Rows: []RoleRow{{Claim: claim, Value: value, Role: role}},
	}
}

func mustSet(t *testing.T, s *Service, n NewProvider) Provider {
	t.Helper()
	p, err := s.SetProvider(t.Context(), testActor, n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func arrival(p Provider, subject string, groups ...any) Arrival {
	return Arrival{Provider: p.ID, Issuer: p.Issuer, Subject: subject, Claims: map[string]any{"groups": groups, "name": "Bo"}, Address: "192.0.2.7"}
}

func TestRowsSayWhyTheyMatchAndWhyNot(t *testing.T) {
	claims := map[string]any{
		"groups": []any{"staff", "night shift"}, "realm_access": map[string]any{"roles": []any{"admin"}}, "email": "ada@example.com",
		"level": 3.0, "staff": true, "empty": []any{}, "nothing": nil,
	}
	for _, c := range []struct {
		claim, value string
		want         bool
		reason       string
	}{
		{"groups", "staff", true, "has this value"}, {"groups", "admin", false, "the claim is staff, night shift"}, {"groups", "Staff", false, "staff"},
		{"realm_access.roles", "admin", true, "has this value"}, {"realm_access.nothing", "admin", false, "did not come back"},
		{"level", "3", true, ""}, {"staff", "true", true, ""}, {"groups", "*", true, "came back"}, {"empty", "*", false, "is empty"},
		{"nothing", "*", false, "did not come back"}, {"email", "ada@example.com", false, "has not verified"}, {"email", "*", false, "has not verified"},
	} {
		got := Provider{Rows: []RoleRow{{c.claim, c.value, Editor, ""}}, Tenant: "t-1"}.Decide(claims)
		if got.Rows[0].Matched != c.want || !strings.Contains(got.Rows[0].Reason, c.reason) || (got.Roles["t-1"] == Editor) != c.want {
			t.Errorf("%s = %s: %+v", c.claim, c.value, got)
		}
	}
	claims["email_verified"] = true
	rows := []RoleRow{{"email", "ada@example.com", Viewer, "t-9"}, {"groups", "staff", Owner, "t-9"}, {"groups", "staff", Editor, "t-9"}}
	if got := (Provider{Rows: rows, Tenant: "t-1"}).Decide(claims).Roles; len(got) != 1 || got["t-1"] != Owner {
		t.Errorf("a tenant's provider gives %v", got)
	}
	if got := (Provider{Rows: rows}).Decide(claims).Roles; len(got) != 1 || got["t-9"] != Owner {
		t.Errorf("the platform's provider gives %v", got)
	}
}

func TestAPersonIsIssuerAndSubjectAndNothingElse(t *testing.T) {
	s, made, _ := claimed(t)
	p := mustSet(t, s, ownProvider(made.Tenant.ID, "groups", "staff", Viewer))
	mail := arrival(p, "bo", "staff")
	mail.Claims["email"], mail.Claims["email_verified"] = "ada@example.org", true // the operator's
	bo, _, err := s.Arrive(t.Context(), mail)
	if err != nil || bo.ID == made.Person.ID || bo.Operator {
		t.Fatalf("arrived as %+v, %v", bo, err)
	}
	again, _, err := s.Arrive(t.Context(), arrival(p, "bo", "staff"))
	if err != nil || again.ID != bo.ID {
		t.Errorf("arrived again as %+v, %v", again, err)
	}
	if _, err := s.SignIn(t.Context(), Credentials{Email: "ada@example.org", Password: testPassword}); err != nil {
		t.Errorf("the account with the same address cannot sign in any more: %v", err)
	}
	wrong := arrival(p, "bo", "staff")
	wrong.Issuer = "https://other.example.com"
	if _, _, err := s.Arrive(t.Context(), wrong); !errors.Is(err, ErrNotFound) {
		t.Errorf("another issuer at the same provider: %v", err)
	}
}

func TestALostGroupIsLostAccess(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	p := mustSet(t, s, ownProvider(tenant, "groups", "staff", Editor))
	bo, _, err := s.Arrive(t.Context(), arrival(p, "bo", "staff"))
	if err != nil {
		t.Fatal(err)
	}
	if who, err := s.Enter(bo.ID, tenant, p.ID); err != nil || who.Role() != Editor {
		t.Fatalf("entered as %v, %v", who.Role(), err)
	}
	if _, d, err := s.Arrive(t.Context(), arrival(p, "bo", "visitors")); !errors.Is(err, ErrNoRole) || d.Rows[0].Matched {
		t.Errorf("without the group: %+v, %v", d, err)
	}
	if _, err := s.Enter(bo.ID, tenant, p.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("without the group the tenant answers %v", err)
	}
	if _, _, err := s.Arrive(t.Context(), arrival(p, "stranger", "visitors")); !errors.Is(err, ErrNoRole) {
		t.Errorf("a stranger: %v", err)
	}
	if _, known := s.State().Identity(p.Issuer, "stranger"); known {
		t.Error("somebody without any role has an account now")
	}
}

func TestTheOnlyWayInStays(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	p := mustSet(t, s, ownProvider(tenant, "groups", "staff", Editor))
	if err := s.SwitchPasswords(t.Context(), testActor, tenant, true); err != nil {
		t.Fatal(err)
	}
	var invalid *InvalidError
	if err := s.RemoveProvider(t.Context(), testActor, tenant, p.ID); !errors.As(err, &invalid) {
		t.Errorf("the only provider of a tenant without passwords was removed: %v", err)
	}
	off := ownProvider(tenant, "groups", "staff", Editor)
	off.ID, off.Disabled = p.ID, true
	if _, err := s.SetProvider(t.Context(), testActor, off); !errors.As(err, &invalid) {
		t.Errorf("it was disabled: %v", err)
	}
	if err := s.SwitchPasswords(t.Context(), testActor, tenant, false); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveProvider(t.Context(), testActor, tenant, p.ID); err != nil {
		t.Errorf("with passwords it cannot be removed: %v", err)
	}
}

func TestATenantsProviderSpeaksForItsTenantOnly(t *testing.T) {
	s, made, _ := claimed(t)
	second, err := s.CreateTenant(t.Context(), Actor{Person: made.Person.ID}, "Second")
	if err != nil {
		t.Fatal(err)
	}
	p := mustSet(t, s, ownProvider(second.ID, "groups", "staff", Owner))
	if err := s.Link(t.Context(), Actor{Person: made.Person.ID}, arrival(p, "ada", "staff")); err != nil {
		t.Fatal(err)
	}
	ada, _, err := s.Arrive(t.Context(), arrival(p, "ada", "staff"))
	if err != nil || ada.ID != made.Person.ID {
		t.Fatalf("arrived as %+v, %v", ada, err)
	}
	if _, err := s.Enter(ada.ID, made.Tenant.ID, p.ID); !errors.Is(err, ErrOtherSignIn) {
		t.Errorf("another tenant of the same person: %v", err)
	}
	who, err := s.Identify(ada.ID, p.ID)
	if err != nil || who.Operator() {
		t.Errorf("operator through the provider of a tenant: %v, %v", who.Operator(), err)
	}
	if inside, err := s.Enter(ada.ID, second.ID, p.ID); err != nil || inside.Operator() {
		t.Errorf("in the own tenant: operator %v, %v", inside.Operator(), err)
	}
	if _, err := s.SetProvider(t.Context(), testActor, NewProvider{ID: p.ID, Tenant: made.Tenant.ID, Name: "x", Issuer: p.Issuer, ClientID: "x"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("another tenant changes the provider: %v", err)
	}
	if err := s.RemoveProvider(t.Context(), testActor, made.Tenant.ID, p.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("another tenant removes the provider: %v", err)
	}
	if err := s.RemoveProvider(t.Context(), testActor, second.ID, p.ID); err != nil {
		t.Error(err)
	}
	if _, err := s.Enter(ada.ID, second.ID, p.ID); !errors.Is(err, ErrOtherSignIn) {
		t.Errorf("through a provider that is gone: %v", err)
	}
	if _, err := s.Identify(ada.ID, p.ID); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("through a provider that is gone: %v", err)
	}
}

func TestPasswordsCanBeTurnedOff(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	if err := s.SwitchPasswords(t.Context(), testActor, tenant, true); !errors.Is(err, ErrInvalid) {
		t.Errorf("without any provider: %v", err)
	}
	mustSet(t, s, ownProvider(tenant, "groups", "staff", Owner))
	for _, off := range []bool{true, false} {
		if err := s.SwitchPasswords(t.Context(), testActor, tenant, off); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Enter(made.Person.ID, tenant, ""); errors.Is(err, ErrOtherSignIn) != off {
			t.Errorf("passwords off %v: %v", off, err)
		}
	}
}

func TestOneIdentityBelongsToOnePerson(t *testing.T) {
	s, made, _ := claimed(t)
	p := mustSet(t, s, ownProvider(made.Tenant.ID, "groups", "staff", Viewer))
	bo, _, err := s.Arrive(t.Context(), arrival(p, "bo", "staff"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Link(t.Context(), Actor{Person: made.Person.ID}, arrival(p, "bo", "staff")); !errors.Is(err, ErrExists) {
		t.Errorf("an identity of somebody else was linked: %v", err)
	}
	if err := s.Unlink(t.Context(), Actor{Person: made.Person.ID}, p.Issuer, "bo"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an identity of somebody else was unlinked: %v", err)
	}
	if err := s.Unlink(t.Context(), Actor{Person: bo.ID}, p.Issuer, "bo"); !errors.Is(err, ErrInvalid) {
		t.Errorf("the only way to sign in was unlinked: %v", err)
	}
	if err := s.Link(t.Context(), Actor{Person: bo.ID}, arrival(p, "bo two", "staff")); err != nil {
		t.Fatal(err)
	}
	if err := s.Unlink(t.Context(), Actor{Person: bo.ID}, p.Issuer, "bo"); err != nil || len(s.State().Identities(bo.ID)) != 1 {
		t.Errorf("unlink: %v", err)
	}
}

func TestDomainsBelongToOneProvider(t *testing.T) {
	s, made, _ := claimed(t)
	n := ownProvider(made.Tenant.ID, "sub", "*", Viewer)
	n.Domains = []string{" @Example.COM", "example.com"}
	p := mustSet(t, s, n)
	if found, ok := s.State().ProviderFor("EXAMPLE.com"); !ok || found.ID != p.ID || !slices.Equal(p.Domains, []string{"example.com"}) {
		t.Errorf("found %+v, %v", found, ok)
	}
	other := ownProvider(made.Tenant.ID, "sub", "*", Viewer)
	other.Domains = []string{"example.com"}
	if _, err := s.SetProvider(t.Context(), testActor, other); !errors.Is(err, ErrInvalid) {
		t.Errorf("a second provider for the domain: %v", err)
	}
}
