package tenants

import (
	"errors"
	"testing"
	"time"

	"longwave/tenants/id"
)

func TestOperatorKeys(t *testing.T) {
	s, made, _ := claimed(t)
	now := time.Now()
	s.now = func() time.Time { return now }
	ada := Actor{Person: made.Person.ID}
	wanted := NewOperatorKey{Name: "billing", Reach: ReachOversee, Expires: now.Add(time.Hour)}
	key, secret, err := s.CreateOperatorKey(t.Context(), ada, wanted)
	if err != nil || key.Person != ada.Person || key.Reach != ReachOversee {
		t.Fatalf("%+v, %v", key, err)
	}
	p, err := s.OperatorByToken(secret)
	if err != nil || p.May(OverseeTenants) != nil || p.May(OperatePlatform) == nil || p.May(View) == nil || p.Tenant() != "" {
		t.Errorf("it is %+v, %v", p, err)
	}
	if used, err := s.OperatorKeysUsed(t.Context()); err != nil || used[key.ID].IsZero() {
		t.Errorf("used %v, %v", used, err)
	}
	if _, err := s.KeyByToken(secret); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("it is a tenant's key, too: %v", err)
	}
	for name, c := range map[string]struct {
		actor Actor
		n     NewOperatorKey
		want  error
	}{
		"by nobody":      {Actor{Person: id.New[id.Person]()}, wanted, ErrForbidden},
		"by a key":       {p.Actor("192.0.2.1"), wanted, ErrForbidden},
		"for ever":       {ada, NewOperatorKey{Name: "a", Reach: ReachSee}, ErrInvalid},
		"too long":       {ada, NewOperatorKey{Name: "a", Reach: ReachSee, Expires: now.AddDate(2, 0, 0)}, ErrInvalid},
		"for nothing":    {ada, NewOperatorKey{Name: "a", Expires: now.Add(time.Hour)}, ErrInvalid},
		"without a name": {ada, NewOperatorKey{Reach: ReachSee, Expires: now.Add(time.Hour)}, ErrInvalid},
	} {
		if _, _, err := s.CreateOperatorKey(t.Context(), c.actor, c.n); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	now = now.Add(2 * time.Hour)
	if _, err := s.OperatorByToken(secret); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("after its end: %v", err)
	}
}

// A key does no more than the one who made it does now, and ends with that.
func TestOperatorKeysFollowTheirOperator(t *testing.T) {
	s, made, _ := claimed(t)
	ada := Actor{Person: made.Person.ID}
	_, invitation, err := s.Invite(t.Context(), testActor, made.Tenant.ID, NewInvite{For: "Bo", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	person, err := s.SignUp(t.Context(), testActor, invitation, NewAccount{Email: "bo@example.org", Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	bo := person.ID
	if err := s.SetOperator(t.Context(), ada, bo, Scope{Limited: true, Tenants: []id.Tenant{made.Tenant.ID}}); err != nil {
		t.Fatal(err)
	}
	wanted := NewOperatorKey{Name: "ci", Reach: ReachOperate, Expires: time.Now().Add(time.Hour)}
	if _, _, err := s.CreateOperatorKey(t.Context(), Actor{Person: bo}, wanted); !errors.Is(err, ErrInvalid) {
		t.Errorf("more than its maker may: %v", err)
	}
	wanted.Reach = ReachOversee
	key, secret, err := s.CreateOperatorKey(t.Context(), Actor{Person: bo}, wanted)
	if err != nil {
		t.Fatal(err)
	}
	foreign, _, err := s.CreateOperatorKey(t.Context(), ada, wanted)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeOperatorKey(t.Context(), Actor{Person: bo}, foreign.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	if p, err := s.OperatorByToken(secret); err != nil || !p.Limited() {
		t.Errorf("%+v, %v", p, err)
	}
	if err := s.RevokeOperator(t.Context(), ada, bo); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OperatorByToken(secret); !errors.Is(err, ErrUnauthenticated) || len(s.State().OperatorKeys()) != 1 {
		t.Errorf("its maker operates nothing any more: %v", err)
	}
	if err := s.RevokeOperatorKey(t.Context(), ada, key.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked again: %v", err)
	}
	if err := s.RevokeOperatorKey(t.Context(), ada, foreign.ID); err != nil || len(s.State().OperatorKeys()) != 0 {
		t.Errorf("revoked: %v", err)
	}
}
