package tenants

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longwave/tenants/id"
)

func TestDeviceLife(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	d, token, err := s.CreateDevice(t.Context(), testActor, tenant, NewDevice{
		Name: "  Pump 7 ", Interval: time.Minute, Labels: map[string]string{"site": "plant-2/line-4"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "Pump 7" || d.Interval != time.Minute || d.Labels["site"] != "plant-2/line-4" || d.Tenant != tenant || d.Created.IsZero() {
		t.Errorf("created %+v", d)
	}
	if stored, ok := s.State().Device(tenant, d.ID); !ok || fmt.Sprint(stored) != fmt.Sprint(d) {
		t.Errorf("stored %+v, returned %+v", stored, d)
	}
	if changed, err := s.RenameDevice(t.Context(), testActor, tenant, d.ID, "PUMP 7"); err != nil || changed.Name != "PUMP 7" {
		t.Errorf("another case of its own name: %+v %v", changed, err)
	}
	if err := s.DeleteDevice(t.Context(), testActor, tenant, d.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.State().Device(tenant, d.ID); ok || s.State().DeviceCount(tenant) != 0 {
		t.Error("the deleted device is still there")
	}
	refusedAs(t, s, token, RefusedUnknown, false)
	if list := s.State().Erasing(); len(list) != 1 || list[0].Device != d.ID || list[0].Tenant != tenant {
		t.Errorf("erasing %+v", list)
	}
	if err := s.FinishErasure(t.Context(), tenant, d.ID, Erased{Readings: 12}); err != nil || len(s.State().Erasing()) != 0 {
		t.Errorf("finish: %v, %+v", err, s.State().Erasing())
	}
	if err := s.FinishErasure(t.Context(), tenant, d.ID, Erased{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("finished twice: %v", err)
	}
	mustCreate(t, s, tenant, "pump 7") // the name is free again
}

func TestNamesAreUniqueInATenant(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	mustCreate(t, s, tenant, "Pump-Ä")
	other, _ := mustCreate(t, s, tenant, "other")
	_, _, err := s.CreateDevice(t.Context(), testActor, tenant, NewDevice{Name: "pump-ä"})
	var wrong *InvalidError
	if !errors.Is(err, ErrExists) || !errors.As(err, &wrong) || wrong.Field != "name" {
		t.Errorf("create: %v", err)
	}
	if _, err := s.RenameDevice(t.Context(), testActor, tenant, other.ID, "PUMP-Ä"); !errors.Is(err, ErrExists) {
		t.Errorf("rename: %v", err)
	}
	if _, err := s.CreateDevices(t.Context(), testActor, tenant, []NewDevice{{Name: "x"}, {Name: "X"}}); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "devices[1].name") {
		t.Errorf("within one command: %v", err)
	}
	if n := s.State().DeviceCount(tenant); n != 2 {
		t.Errorf("%d devices", n)
	}
}

func TestWhatADeviceMayNotBe(t *testing.T) {
	s, made, _ := claimed(t)
	many := make(map[string]string)
	for i := range maxLabels + 1 {
		many[fmt.Sprint("l", i)] = "x"
	}
	for field, list := range map[string][]NewDevice{
		"name": {{}, {Name: "\t"}, {Name: "a\x07b"}, {Name: "a\u202eb"}, {Name: "a\xff"}, {Name: strings.Repeat("é", maxName+1)}},
		"labels": {
			{Name: "a", Labels: many}, {Name: "a", Labels: map[string]string{"": "x"}}, {Name: "a", Labels: map[string]string{"ä": "x"}},
			{Name: "a", Labels: map[string]string{"x": "a\nb"}}, {Name: "a", Labels: map[string]string{"x": strings.Repeat("x", maxLabelText+1)}},
		},
		"interval": {{Name: "a", Interval: -1}, {Name: "a", Interval: time.Millisecond}, {Name: "a", Interval: maxInterval + 1}},
	} {
		for i, n := range list {
			_, _, err := s.CreateDevice(t.Context(), testActor, made.Tenant.ID, n)
			var wrong *InvalidError
			if !errors.As(err, &wrong) || wrong.Field != field || wrong.Detail == "" {
				t.Errorf("%s %d: %v", field, i, err)
			}
		}
	}
	if n := s.State().DeviceCount(made.Tenant.ID); n != 0 {
		t.Errorf("%d devices", n)
	}
}

// TestForeignIsMissing asks for a device of another tenant, for one that does not exist, and in a tenant that does not
// exist: nobody can tell the answers apart.
func TestForeignIsMissing(t *testing.T) {
	s, made, _ := claimed(t)
	d, _ := mustCreate(t, s, made.Tenant.ID, "pump-7")
	foreign := secondTenant(t, s)
	stranger := id.New[id.Tenant]()
	for name, call := range map[string]func(id.Tenant, id.Device) error{
		"rename": func(t2 id.Tenant, d id.Device) error {
			_, err := s.RenameDevice(t.Context(), testActor, t2, d, "x")
			return err
		},
		"disable": func(t2 id.Tenant, d id.Device) error {
			_, err := s.DisableDevice(t.Context(), testActor, t2, d)
			return err
		},
		"enable": func(t2 id.Tenant, d id.Device) error {
			_, err := s.EnableDevice(t.Context(), testActor, t2, d)
			return err
		},
		"rotate": func(t2 id.Tenant, d id.Device) error {
			_, err := s.RotateToken(t.Context(), testActor, t2, d, 0)
			return err
		},
		"delete": func(t2 id.Tenant, d id.Device) error { return s.DeleteDevice(t.Context(), testActor, t2, d) },
		"finish": func(t2 id.Tenant, d id.Device) error { return s.FinishErasure(t.Context(), t2, d, Erased{}) },
	} {
		missing := call(foreign, id.New[id.Device]())
		if err := call(foreign, d.ID); !errors.Is(err, ErrNotFound) || err.Error() != missing.Error() {
			t.Errorf("%s: foreign %q, missing %q", name, err, missing)
		}
		if err := call(stranger, d.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: no tenant: %v", name, err)
		}
	}
	if _, ok := s.State().Device(foreign, d.ID); ok {
		t.Error("a foreign device is shown")
	}
	if found, ok := s.State().Device(made.Tenant.ID, d.ID); !ok || found.Name != "pump-7" {
		t.Errorf("the device was changed from outside: %+v", found)
	}
}

// secondTenant puts another tenant into the log, owned by another person.
func secondTenant(t *testing.T, s *Service) id.Tenant {
	t.Helper()
	tenant, person := id.New[id.Tenant](), id.New[id.Person]()
	_, err := s.command(t.Context(), testActor, platformSubject, func(*State, time.Time) ([]event, error) {
		return []event{personCreated{ID: person, Email: "eve@example.org", Name: "Eve"}, tenantCreated{ID: tenant, Name: "Other", Owner: person}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func TestBulkIsOneCommand(t *testing.T) {
	s, made, _ := claimed(t)
	before := s.State().Position()
	list := make([]NewDevice, MaxBulk)
	for i := range list {
		list[i] = NewDevice{Name: fmt.Sprintf("pump-%04d", i), Labels: map[string]string{"site": "plant-2/line-4", "make": "KSB"}}
	}
	created, err := s.CreateDevices(t.Context(), testActor, made.Tenant.ID, list)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.State().Position() - before; got != 1 || len(created) != MaxBulk || s.State().DeviceCount(made.Tenant.ID) != MaxBulk {
		t.Errorf("%d messages, %d created, %d there", got, len(created), s.State().DeviceCount(made.Tenant.ID))
	}
	accepted(t, s, created[0].Token, created[MaxBulk-1].Token)
	list = append(list, NewDevice{Name: "one too many"})
	if _, err := s.CreateDevices(t.Context(), testActor, made.Tenant.ID, list); !errors.Is(err, ErrInvalid) {
		t.Errorf("too many at once: %v", err)
	}
	for i := range list {
		list[i] = NewDevice{Name: fmt.Sprintf("big-%04d", i), Labels: map[string]string{}}
		for j := range maxLabels {
			list[i].Labels[fmt.Sprint("label-", j)] = strings.Repeat("x", maxLabelText)
		}
	}
	if _, err := s.CreateDevices(t.Context(), testActor, made.Tenant.ID, list[:MaxBulk]); !errors.Is(err, ErrInvalid) {
		t.Errorf("more than a message can carry: %v", err)
	}
}

func TestDemo(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	mustCreate(t, s, tenant, "real")
	demo, err := s.CreateDemo(t.Context(), testActor, tenant, []NewDevice{{Name: "demo 1"}, {Name: "demo 2"}})
	if err != nil || len(demo) != 2 || !demo[0].Device.Demo {
		t.Fatalf("demo %+v %v", demo, err)
	}
	if n := len(slices.Collect(s.State().DemoDevices())); n != 2 {
		t.Errorf("%d demo devices", n)
	}
	if n, err := s.RemoveDemo(t.Context(), testActor, tenant); n != 2 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	if n := len(s.State().Erasing()); n != 2 || s.State().DeviceCount(tenant) != 1 {
		t.Errorf("%d erasing, %d left", n, s.State().DeviceCount(tenant))
	}
	before := s.State().Position()
	if n, err := s.RemoveDemo(t.Context(), testActor, tenant); n != 0 || err != nil || s.State().Position() != before {
		t.Errorf("removed again: %d, %v", n, err)
	}
}

func TestMetrics(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	for _, unit := range []string{"°C", "°C", "K", "", ""} {
		if err := s.DescribeMetric(t.Context(), testActor, tenant, MetricDescription{Name: "temp", Unit: unit}); err != nil || s.State().Unit(tenant, "temp") != unit {
			t.Errorf("unit %q: %v, is %q", unit, err, s.State().Unit(tenant, "temp"))
		}
	}
	if err := s.DescribeMetric(t.Context(), testActor, tenant, MetricDescription{Name: "", Unit: "K"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("no name: %v", err)
	}
	if s.State().Unit(secondTenant(t, s), "temp") != "" {
		t.Error("a foreign unit is shown")
	}
}
