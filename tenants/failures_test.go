package tenants

import (
	"strings"
	"testing"
	"time"

	"longwave/tenants/id"
)

// eventuallyPast waits until the newest change of a tenant, or of the platform, is of a type.
func eventuallyPast(t *testing.T, s *Service, tenant id.Tenant, kind string) Past {
	t.Helper()
	for {
		changed := s.Changed()
		page, err := s.History(t.Context(), tenant, HistoryQuery{Limit: 1})
		if tenant == "" {
			page, err = s.PlatformHistory(t.Context(), HistoryQuery{Limit: 1})
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Past) == 1 && page.Past[0].Type == kind {
			return page.Past[0]
		}
		<-changed
	}
}

func TestFailedSignInsAreInTheHistory(t *testing.T) {
	s, made, _ := claimed(t)
	if _, err := s.SignIn(t.Context(), Credentials{Email: "ada@example.org", Password: "a wrong password", Address: "192.0.2.9"}); err == nil {
		t.Fatal("signed in")
	}
	past := eventuallyPast(t, s, made.Tenant.ID, "signin.failed")
	if past.Name != "Ada" || past.Actor.Address != "192.0.2.9" || past.Changes[0].After != "wrong password" {
		t.Errorf("the tenant reads %+v", past)
	}
	if _, err := s.SignIn(t.Context(), Credentials{Email: "my secret typed into the wrong field", Password: "x", Address: "192.0.2.9"}); err == nil {
		t.Fatal("signed in")
	}
	past = eventuallyPast(t, s, "", "signin.failed")
	if past.Subject != "an unknown account" || strings.Contains(past.Name, "secret") {
		t.Errorf("the operator reads %+v", past)
	}
}

func TestAFloodOfFailuresIsCountedAndNotKept(t *testing.T) {
	s, made, _ := claimed(t)
	before := s.State().Position()
	for range 10 * failureBurst {
		s.NoteFailure(Failure{Person: made.Person.ID, Reason: "wrong password"})
	}
	eventuallyPast(t, s, made.Tenant.ID, "signin.failed")
	for changed := s.Changed(); len(s.failures) > 0; changed = s.Changed() {
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond): // what is over the budget changes nothing
		}
	}
	if grown := s.State().Position() - before; grown > failureBurst {
		t.Errorf("the control log grew by %d", grown)
	}
}
