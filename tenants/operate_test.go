package tenants

import (
	"errors"
	"strings"
	"testing"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/rule"
)

func TestASuspendedTenantLetsNobodyIn(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	_, device := mustCreate(t, s, tenant, "pump-7")
	_, key, err := s.CreateKey(t.Context(), testActor, tenant, NewKey{Name: "ci", Role: Owner})
	if err != nil {
		t.Fatal(err)
	}
	enter := map[string]func() error{
		"a member": func() error { _, err := s.Enter(made.Person.ID, tenant, ""); return err },
		"a device": func() error { _, err := s.DeviceByToken(device); return err },
		"a key":    func() error { _, err := s.KeyByToken(key); return err },
	}
	if err := s.SuspendTenant(t.Context(), testActor, tenant, " unpaid since May "); err != nil {
		t.Fatal(err)
	}
	for who, try := range enter {
		var suspended *SuspendedError
		if err := try(); !errors.As(err, &suspended) || suspended.Suspension.Reason != "unpaid since May" {
			t.Errorf("%s: %v", who, err)
		}
	}
	for what, err := range map[string]error{
		"a stranger": func() error { _, err := s.Enter("p-nobody", tenant, ""); return err }(),
		"a typo":     func() error { _, err := s.KeyByToken(key[:len(key)-1]); return err }(),
	} {
		if errors.Is(err, ErrSuspended) || err == nil {
			t.Errorf("%s is told more than that it is unknown: %v", what, err)
		}
	}
	if err := s.ResumeTenant(t.Context(), testActor, tenant); err != nil {
		t.Fatal(err)
	}
	for who, try := range enter {
		if err := try(); err != nil {
			t.Errorf("%s after the suspension: %v", who, err)
		}
	}
	if err := s.SuspendTenant(t.Context(), testActor, tenant, " "); !errors.Is(err, ErrInvalid) {
		t.Errorf("without a reason: %v", err)
	}
}

// second is a tenant with one of everything.
func second(t *testing.T, s *Service, owner id.Person) id.Tenant {
	t.Helper()
	actor := Actor{Person: owner}
	made, err := s.CreateTenant(t.Context(), actor, "Second")
	if err != nil {
		t.Fatal(err)
	}
	d, _ := mustCreate(t, s, made.ID, "pump-8")
	_, _, err = s.CreateKey(t.Context(), actor, made.ID, NewKey{Name: "ci", Role: Viewer})
	_, _, err2 := s.Invite(t.Context(), actor, made.ID, NewInvite{For: "Bo", Role: Viewer})
	_, err3 := s.DraftRule(t.Context(), actor, made.ID, rule.Rule{Name: "Hot"})
	_, err4 := s.SetProvider(t.Context(), actor, NewProvider{ID: id.New[id.Provider](), Tenant: made.ID, Name: "Own", Issuer: "https://login.example.com", ClientID: "x", Domains: []string{"second.example"}})
	err5 := s.DescribeMetric(t.Context(), actor, made.ID, MetricDescription{Name: "temp", Unit: "°C"})
	err6 := s.DeleteDevice(t.Context(), actor, made.ID, d.ID)
	mustCreate(t, s, made.ID, "pump-9")
	if err := errors.Join(err, err2, err3, err4, err5, err6); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// TestADeletedTenantIsInNoIndex compares what is left with what there was before the tenant.
func TestADeletedTenantIsInNoIndex(t *testing.T) {
	s, made, js := claimed(t)
	doomed := second(t, s, made.Person.ID)
	actor := Actor{Person: made.Person.ID}
	if err := s.EmptyTenant(t.Context(), doomed); !errors.Is(err, ErrNotFound) {
		t.Fatalf("without an order: %v", err)
	}
	for range 2 { // the second time changes nothing
		if err := s.OrderDeletion(t.Context(), actor, doomed, []Count{{"devices", 1}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Enter(made.Person.ID, doomed, ""); !errors.Is(err, ErrSuspended) {
		t.Errorf("entering what is being deleted: %v", err)
	}
	if err := s.ResumeTenant(t.Context(), actor, doomed); err != nil {
		t.Fatal(err)
	}
	if err := s.FinishDeletion(t.Context(), doomed, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("finished before it began: %v", err)
	}
	for range 2 {
		if err := s.EmptyTenant(t.Context(), doomed); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Enter(made.Person.ID, doomed, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("entering what is gone: %v", err)
	}
	if _, _, err := s.CreateDevice(t.Context(), actor, doomed, NewDevice{Name: "late"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a device of what is gone: %v", err)
	}
	if again := opened(t, Options{JS: js}).State(); len(again.Endings()) != 1 {
		t.Errorf("a new start knows of %d deletions", len(again.Endings()))
	}
	if err := s.FinishDeletion(t.Context(), doomed, []Gone{{"readings", 7, 0}}); err != nil {
		t.Fatal(err)
	}
	for _, line := range dump(s.State()) {
		if strings.Contains(line, string(doomed)) && !strings.HasPrefix(line, "subjects") {
			t.Errorf("there is still %s", line)
		}
	}
	sameState(t, s.State(), opened(t, Options{JS: js}).State())
	past, err := s.PlatformHistory(t.Context(), HistoryQuery{About: string(doomed)})
	if err != nil || len(past.Past) != 3 || past.Past[0].Changes[0] != (Difference{"readings", "7", "0"}) {
		t.Errorf("the platform's audit says %+v, %v", past.Past, err)
	}
}

func TestOperatorsOverseeWhatTheyAreGiven(t *testing.T) {
	s, made, _ := claimed(t)
	first, other := made.Tenant.ID, second(t, s, made.Person.ID)
	_, secret, err := s.Invite(t.Context(), testActor, first, NewInvite{For: "Bo", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	bo, err := s.SignUp(t.Context(), testActor, secret, NewAccount{Email: "bo@example.org", Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetOperator(t.Context(), testActor, made.Person.ID, Scope{Limited: true}); !errors.Is(err, ErrLastOperator) {
		t.Errorf("limiting the last one: %v", err)
	}
	if err := s.SetOperator(t.Context(), testActor, bo.ID, Scope{Limited: true, Tenants: []id.Tenant{other}}); err != nil {
		t.Fatal(err)
	}
	p, err := s.Identify(bo.ID, "")
	if err != nil || p.May(OverseeTenants) != nil || p.May(OperatePlatform) == nil {
		t.Errorf("a limited operator: %+v, %v", p, err)
	}
	who := Actor{Person: bo.ID}
	if _, err := s.CreateTenant(t.Context(), who, "Third"); !errors.Is(err, ErrForbidden) {
		t.Errorf("a limited operator makes a tenant: %v", err)
	}
	if err := s.OpenSupport(t.Context(), who, first, Visit{"look", time.Hour}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a visit to what is not overseen: %v", err)
	}
	if err := s.RevokeOperator(t.Context(), testActor, made.Person.ID); !errors.Is(err, ErrLastOperator) {
		t.Errorf("revoking the last one: %v", err)
	}
	if err := s.RevokeOperator(t.Context(), testActor, bo.ID); err != nil {
		t.Fatal(err)
	}
	if p, _ := s.Identify(bo.ID, ""); p.May(OverseeTenants) == nil {
		t.Error("still an operator")
	}
}

func TestAnOperatorIsAGuestForAWhile(t *testing.T) {
	now := time.Now()
	s, made, _ := claimed(t)
	s.now = func() time.Time { return now }
	tenant, operator := made.Tenant.ID, made.Person.ID
	_, secret, err := s.Invite(t.Context(), testActor, tenant, NewInvite{For: "Bo", Role: Owner})
	if err != nil {
		t.Fatal(err)
	}
	bo, err := s.SignUp(t.Context(), testActor, secret, NewAccount{Email: "bo@example.org", Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Join(t.Context(), Actor{Person: bo.ID}, secret)
	if err := errors.Join(err, s.RemoveMember(t.Context(), testActor, tenant, operator)); err != nil {
		t.Fatal(err)
	}
	inside := func() bool {
		p, err := s.Enter(operator, tenant, "")
		return err == nil && p.Guest() && p.Role() == Viewer
	}
	if inside() {
		t.Fatal("an operator is in without anybody's consent")
	}
	if err := s.OpenSupport(t.Context(), Actor{Person: operator}, tenant, Visit{"look at pump-7", time.Hour}); err != nil {
		t.Fatal(err)
	}
	if list := s.State().Supports(tenant, now); !inside() || len(list) != 1 || list[0].Reason != "look at pump-7" {
		t.Fatalf("support access: %+v", list)
	}
	if err := s.EndSupport(t.Context(), Actor{Person: bo.ID}, tenant, operator); err != nil || inside() {
		t.Errorf("an owner ended it: %v", err)
	}
	if err := s.OpenSupport(t.Context(), Actor{Person: operator}, tenant, Visit{"again", time.Hour}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if inside() || len(s.State().Supports(tenant, now)) != 0 {
		t.Error("support access lasts longer than was said")
	}
	if err := s.SwitchConsent(t.Context(), Actor{Person: bo.ID}, tenant, true); err != nil || !inside() {
		t.Errorf("with standing consent: %v", err)
	}
	if err := s.OpenSupport(t.Context(), Actor{Person: operator}, tenant, Visit{"long", 9 * time.Hour}); !errors.Is(err, ErrInvalid) {
		t.Errorf("nine hours: %v", err)
	}
}

func TestLimitsOfATenant(t *testing.T) {
	s, made, _ := claimed(t)
	s.defaults = Limits{Packets: 100, Sockets: 5}
	tenant := made.Tenant.ID
	if err := s.SetLimits(t.Context(), testActor, tenant, Limits{Packets: 7, Devices: 1, Days: 30}); err != nil {
		t.Fatal(err)
	}
	if got, want := s.LimitsOf(tenant), (Limits{Packets: 7, Sockets: 5, Devices: 1, Days: 30, Walls: 100}); got != want {
		t.Errorf("limits %+v, want %+v", got, want)
	}
	mustCreate(t, s, tenant, "first")
	var limit *LimitError
	if _, _, err := s.CreateDevice(t.Context(), testActor, tenant, NewDevice{Name: "second"}); !errors.As(err, &limit) || limit.Max != 1 {
		t.Errorf("a second device: %v", err)
	}
	if err := s.SetLimits(t.Context(), testActor, tenant, Limits{Devices: MaxDevices + 1}); !errors.Is(err, ErrInvalid) {
		t.Errorf("more than was measured: %v", err)
	}
}
