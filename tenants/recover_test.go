package tenants

import (
	"errors"
	"strings"
	"testing"

	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
)

const otherPassword = "entirely different words"

// newcomer is a member with a password.
func newcomer(t *testing.T, s *Service, tenant id.Tenant, email string) Person {
	t.Helper()
	_, secret, err := s.Invite(t.Context(), testActor, tenant, NewInvite{For: email, Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.SignUp(t.Context(), testActor, secret, NewAccount{Email: email, Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), Actor{Person: made.ID}, secret); err != nil {
		t.Fatal(err)
	}
	return made
}

func (s *Service) opens(t *testing.T, email, password string) bool {
	t.Helper()
	_, err := s.SignIn(t.Context(), Credentials{Email: email, Password: password, Address: email + password})
	return err == nil
}

func TestAPasswordIsChangedByWhoKnowsIt(t *testing.T) {
	s, made, _ := claimed(t)
	ada := Actor{Person: made.Person.ID}
	if err := s.ChangePassword(t.Context(), ada, NewPassword{Current: "wrong wrong wrong", New: otherPassword, Address: "192.0.2.1"}); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("with a wrong one: %v", err)
	}
	if err := s.ChangePassword(t.Context(), ada, NewPassword{Current: testPassword, New: "short", Address: "192.0.2.1"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("to a short one: %v", err)
	}
	if err := s.ChangePassword(t.Context(), ada, NewPassword{Current: testPassword, New: otherPassword, Address: "192.0.2.1"}); err != nil {
		t.Fatal(err)
	}
	if s.opens(t, made.Person.Email, testPassword) || !s.opens(t, made.Person.Email, otherPassword) {
		t.Error("the old password opens, or the new one does not")
	}
}

func TestALinkMakesANewPasswordOnce(t *testing.T) {
	_, _, js := natstest.Start(t)
	dir := t.TempDir()
	s := start(t, Options{JS: js, SnapshotDir: dir})
	made := claim(t, s)
	ada, tenant := Actor{Person: made.Person.ID}, made.Tenant.ID
	bo := newcomer(t, s, tenant, "bo@example.org")
	first, err := s.MakeRecovery(t.Context(), ada, tenant, bo.ID)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.MakeRecovery(t.Context(), ada, tenant, bo.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeSnapshot(dir, s.State()); err != nil {
		t.Fatal(err)
	}
	s = start(t, Options{JS: js, SnapshotDir: dir}) // what is open survives a start from a snapshot
	for _, token := range []string{first, "", second + "x", "lwp_0000000000000000_" + second[len("lwp_0000000000000000_"):]} {
		if _, err := s.RecoveryByToken(token); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%q is of somebody: %v", token, err)
		}
	}
	if who, err := s.Recover(t.Context(), Actor{}, second, otherPassword); err != nil || who.ID != bo.ID {
		t.Fatalf("recovered %v, %v", who, err)
	}
	if _, err := s.Recover(t.Context(), Actor{}, second, otherPassword); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("the link works twice: %v", err)
	}
	if s.opens(t, bo.Email, testPassword) || !s.opens(t, bo.Email, otherPassword) {
		t.Error("the old password opens, or the new one does not")
	}
	page, err := s.PlatformHistory(t.Context(), HistoryQuery{Limit: 1})
	if err != nil || page.Past[0].Did != "changed the password of" || page.Past[0].By != bo.Name || strings.Contains(page.Past[0].Changes[0].After, "lwp_") {
		t.Errorf("the audit has %+v, %v", page.Past, err)
	}
}

func TestAnOwnerOpensNothingElseWithALink(t *testing.T) {
	s, made, _ := claimed(t)
	ada, tenant := Actor{Person: made.Person.ID}, made.Tenant.ID
	bo := newcomer(t, s, tenant, "bo@example.org")
	early, err := s.MakeRecovery(t.Context(), ada, tenant, bo.ID)
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.CreateTenant(t.Context(), ada, "Other")
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := s.Invite(t.Context(), ada, other.ID, NewInvite{For: "Bo", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), Actor{Person: bo.ID}, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RecoveryByToken(early); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("a link made before the person joined another tenant: %v", err)
	}
	if _, err := s.MakeRecovery(t.Context(), ada, tenant, bo.ID); !errors.Is(err, ErrForbidden) {
		t.Errorf("of a member of two tenants: %v", err)
	}
	if _, err := s.MakeRecovery(t.Context(), ada, tenant, made.Person.ID); !errors.Is(err, ErrForbidden) {
		t.Errorf("of an operator: %v", err)
	}
	provider := mustSet(t, s, ownProvider(tenant, "groups", "a", Viewer))
	cy, _, err := s.Arrive(t.Context(), arrival(provider, "cy", "a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []id.Person{cy.ID, "p-0000000000000000"} {
		if _, err := s.MakeRecovery(t.Context(), ada, tenant, who); !errors.Is(err, ErrNotFound) {
			t.Errorf("of %s, who has no password here: %v", who, err)
		}
	}
	if _, err := s.MakeRecovery(t.Context(), ada, "", bo.ID); err != nil {
		t.Errorf("by an operator: %v", err)
	}
}
