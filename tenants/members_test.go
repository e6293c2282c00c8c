package tenants

import (
	"errors"
	"testing"
	"time"

	"longwave/tenants/id"
)

// joined invites somebody new and lets them in.
func joined(t *testing.T, s *Service, tenant id.Tenant, email string, role Role) Person {
	t.Helper()
	_, link, err := s.Invite(t.Context(), testActor, tenant, NewInvite{For: email, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	person, err := s.SignUp(t.Context(), Actor{}, link, NewAccount{Email: email, Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), Actor{Person: person.ID}, link); err != nil {
		t.Fatal(err)
	}
	return person
}

func TestAnInvitationWorksOnce(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	invite, link, err := s.Invite(t.Context(), testActor, tenant, NewInvite{For: "Bo", Role: Editor})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.InviteByToken(link); err != nil || got != invite {
		t.Errorf("the link is %+v, %v", got, err)
	}
	bo, err := s.SignUp(t.Context(), Actor{}, link, NewAccount{Email: "bo@example.org", Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), Actor{Person: bo.ID}, link); err != nil {
		t.Fatal(err)
	}
	if who, err := s.Enter(bo.ID, tenant, ""); err != nil || who.Role() != Editor {
		t.Errorf("joined as %v, %v", who.Role(), err)
	}
	if _, err := s.Join(t.Context(), Actor{Person: made.Person.ID}, link); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("the link works again: %v", err)
	}
	if _, err := s.SignUp(t.Context(), Actor{}, link, NewAccount{Email: "eve@example.org", Password: testPassword}); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("the link makes a second account: %v", err)
	}
}

func TestInvitationsThatDoNotWorkAreAllTheSame(t *testing.T) {
	now := time.Now()
	_, _, js := claimed(t)
	s := start(t, Options{JS: js, Now: func() time.Time { return now }})
	tenant := s.State().TenantsOf(firstPerson(s))[0].Tenant.ID
	_, expired, err := s.Invite(t.Context(), testActor, tenant, NewInvite{For: "Bo", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(InviteLasts)
	revoked, link, err := s.Invite(t.Context(), testActor, tenant, NewInvite{For: "Cy", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeInvite(t.Context(), testActor, tenant, revoked.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeInvite(t.Context(), testActor, tenant, revoked.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
	made, _, _ := mintToken(invitePrefix)
	for _, token := range []string{expired, link, made, "", "lwi_", link[:len(link)-1] + "x"} {
		if _, err := s.InviteByToken(token); !errors.Is(err, ErrUnauthenticated) || err.Error() != "invitation: not authenticated" {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func firstPerson(s *Service) id.Person {
	_, found, _ := s.State().accounts.Min()
	return found.ID
}

func TestATenantNeverLosesItsLastOwner(t *testing.T) {
	s, made, _ := claimed(t)
	tenant, ada := made.Tenant.ID, Actor{Person: made.Person.ID}
	last := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, ErrLastOwner) {
			t.Errorf("%s: %v", what, err)
		}
	}
	last("the last owner leaves", s.RemoveMember(t.Context(), ada, tenant, made.Person.ID))
	last("the last owner becomes less", s.ChangeMember(t.Context(), ada, tenant, Member{Person: made.Person.ID, Role: Viewer}))
	bo := joined(t, s, tenant, "bo@example.org", Viewer)
	last("with a viewer beside", s.RemoveMember(t.Context(), ada, tenant, made.Person.ID))
	if err := s.Transfer(t.Context(), Actor{Person: bo.ID}, tenant, made.Person.ID); !errors.Is(err, ErrForbidden) {
		t.Errorf("a viewer transfers: %v", err)
	}
	if err := s.Transfer(t.Context(), ada, tenant, bo.ID); err != nil {
		t.Fatal(err)
	}
	if now, _ := s.State().Member(tenant, bo.ID); now.Role != Owner {
		t.Errorf("the heir is %v", now.Role)
	}
	last("the new one leaves", s.RemoveMember(t.Context(), Actor{Person: bo.ID}, tenant, bo.ID))
	if err := s.RemoveMember(t.Context(), ada, tenant, made.Person.ID); err != nil {
		t.Errorf("the former one leaves: %v", err)
	}
	if _, err := s.Enter(made.Person.ID, tenant, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("and still enters: %v", err)
	}
	p := mustSet(t, s, ownProvider(tenant, "groups", "staff", Owner))
	cy, _, err := s.Arrive(t.Context(), arrival(p, "cy", "staff"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveMember(t.Context(), Actor{Person: cy.ID}, tenant, bo.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Arrive(t.Context(), arrival(p, "cy", "visitors"))
	last("the last owner loses the group", err)
	last("the last owner's provider is removed", s.RemoveProvider(t.Context(), testActor, tenant, p.ID))
}
