package tenants

import (
	"errors"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

func TestChangeDeviceIsOneCommand(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	d, _ := mustCreate(t, s, tenant, "pump-7")
	before := s.State().Position()
	labels := map[string]string{"site": "hall-1"}
	got, err := s.ChangeDevice(t.Context(), testActor, tenant, d.ID, DeviceChange{
		Name: ptr(" Pump 8 "), Labels: &labels, Interval: ptr(time.Minute), Disabled: ptr(true),
	})
	if err != nil || got.Name != "Pump 8" || got.Labels["site"] != "hall-1" || got.Interval != time.Minute || !got.Disabled {
		t.Fatalf("changed %+v, %v", got, err)
	}
	if n := s.State().Position() - before; n != 1 {
		t.Errorf("%d messages", n)
	}
	labels["site"] = "elsewhere"
	if kept, _ := s.State().Device(tenant, d.ID); kept.Labels["site"] != "hall-1" {
		t.Error("the state follows the caller's map")
	}
	if page, err := s.State().DevicesPage(tenant, DeviceQuery{Search: "site=hall-1"}); err != nil || len(page.Devices) != 1 {
		t.Errorf("search for the new label: %+v, %v", page, err)
	}
	before = s.State().Position()
	if _, err := s.ChangeDevice(t.Context(), testActor, tenant, d.ID, DeviceChange{Name: ptr("Pump 8"), Disabled: ptr(true)}); err != nil || s.State().Position() != before {
		t.Errorf("what is so already: %v", err)
	}
	if got, err := s.ChangeDevice(t.Context(), testActor, tenant, d.ID, DeviceChange{Labels: new(map[string]string), Interval: new(time.Duration)}); err != nil || len(got.Labels) != 0 || got.Interval != 0 {
		t.Errorf("taken away: %+v, %v", got, err)
	}
}

func TestChangeDeviceIsAllOrNothing(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	mustCreate(t, s, tenant, "taken")
	d, _ := mustCreate(t, s, tenant, "pump-7")
	for field, c := range map[string]DeviceChange{
		"name":     {Disabled: ptr(true), Name: ptr("TAKEN")},
		"labels":   {Disabled: ptr(true), Name: ptr("other"), Labels: &map[string]string{"": "x"}},
		"interval": {Disabled: ptr(true), Name: ptr("other"), Interval: ptr(-time.Second)},
	} {
		_, err := s.ChangeDevice(t.Context(), testActor, tenant, d.ID, c)
		var wrong *InvalidError
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if now, _ := s.State().Device(tenant, d.ID); now.Name != "pump-7" || now.Disabled {
		t.Errorf("a refused change left %+v", now)
	}
}

func TestCreateTenant(t *testing.T) {
	s, made, _ := claimed(t)
	second, err := s.CreateTenant(t.Context(), Actor{Person: made.Person.ID}, " Second ")
	if err != nil || second.Name != "Second" || second.RetainDays != defaultRetainDays {
		t.Fatalf("created %+v, %v", second, err)
	}
	if p, err := s.Enter(made.Person.ID, second.ID, ""); err != nil || p.Role() != Owner {
		t.Errorf("its creator is %v, %v", p.Role(), err)
	}
	if _, err := s.CreateTenant(t.Context(), testActor, "Third"); !errors.Is(err, ErrForbidden) {
		t.Errorf("by nobody: %v", err)
	}
	if _, err := s.CreateTenant(t.Context(), Actor{Person: made.Person.ID}, " "); !errors.Is(err, ErrInvalid) {
		t.Errorf("without a name: %v", err)
	}
}
