package tenants

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

func oneLine(metric string) dashboard.Document {
	return dashboard.Document{Widgets: []dashboard.Widget{{Kind: dashboard.Line, At: dashboard.Place{W: 6, H: 8}, Metrics: []dashboard.Metric{{Name: metric}}, Min: new(float64)}}}
}

func randomDashboard(ctx context.Context, s *Service, t id.Tenant, random *rand.Rand) (err error) {
	list := s.State().Dashboards(t)
	if len(list) == 0 || random.IntN(3) == 0 {
		_, err = s.SaveDashboard(ctx, testActor, t, SaveDashboard{Name: "Plant", Document: oneLine("temp")})
		return err
	}
	d := list[random.IntN(len(list))]
	switch random.IntN(4) {
	case 0:
		_, err = s.SaveDashboard(ctx, testActor, t, SaveDashboard{ID: d.ID, Document: oneLine([]string{"a", "b", "c"}[random.IntN(3)])})
	case 1:
		_, err = s.RestoreDashboard(ctx, testActor, t, d.ID, d.Versions[len(d.Versions)-1].Number)
	case 2:
		_, err = s.RenameDashboard(ctx, testActor, t, d.ID, d.Name+"x")
	default:
		err = s.DeleteDashboard(ctx, testActor, t, d.ID)
	}
	return err
}

// TestDashboardLife saves, changes, renames, restores and deletes one, and takes the deletion back.
func TestDashboardLife(t *testing.T) {
	s, made, _ := claimed(t)
	ctx, tenant := t.Context(), made.Tenant.ID
	must := func(d Dashboard, err error) Dashboard {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := must(s.SaveDashboard(ctx, testActor, tenant, SaveDashboard{Name: " Plant ", Document: oneLine("temp")}))
	if v := d.Current(); d.Name != "Plant" || v.Number != 1 || v.By != testActor || v.Document.Widgets[0].ID != "w1" || v.Document.Range != "1h" {
		t.Errorf("made %+v", d)
	}
	if again := must(s.SaveDashboard(ctx, testActor, tenant, SaveDashboard{ID: d.ID, Base: 1, Document: d.Current().Document})); again.Current().Number != 1 {
		t.Error("saving what is there makes a version")
	}
	d = must(s.SaveDashboard(ctx, testActor, tenant, SaveDashboard{ID: d.ID, Base: 1, Document: oneLine("humidity")}))
	if _, err := s.SaveDashboard(ctx, testActor, tenant, SaveDashboard{ID: d.ID, Base: 1, Document: oneLine("power")}); !errors.Is(err, ErrConflict) {
		t.Errorf("saving over what somebody else saved: %v", err)
	}
	must(s.RenameDashboard(ctx, testActor, tenant, d.ID, "Plant 2"))
	d = must(s.RestoreDashboard(ctx, testActor, tenant, d.ID, 1))
	if v := d.Current(); v.Number != 3 || v.Document.Widgets[0].Metrics[0].Name != "temp" || d.Name != "Plant 2" {
		t.Errorf("restored %+v", d)
	}
	if err := s.DeleteDashboard(ctx, testActor, tenant, d.ID); err != nil || len(s.State().Dashboards(tenant)) != 0 {
		t.Errorf("deleting: %v", err)
	}
	if _, err := s.RenameDashboard(ctx, testActor, tenant, d.ID, "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("renaming a deleted one: %v", err)
	}
	if back := must(s.UndeleteDashboard(ctx, testActor, tenant, d.ID)); back.Current().Number != 3 || len(s.State().Dashboards(tenant)) != 1 {
		t.Errorf("taken back: %+v", back)
	}
}

func TestDashboardOfAnotherTenant(t *testing.T) {
	s, made, _ := claimed(t)
	other, err := s.CreateTenant(t.Context(), Actor{Person: made.Person.ID}, "Second")
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.SaveDashboard(t.Context(), testActor, made.Tenant.ID, SaveDashboard{Name: "Plant", Document: oneLine("temp")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.RenameDashboard(t.Context(), testActor, other.ID, d.ID, "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("renaming: %v", err)
	}
	if err := s.DeleteDashboard(t.Context(), testActor, other.ID, d.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleting: %v", err)
	}
	if len(s.State().Dashboards(other.ID)) != 0 {
		t.Error("it is listed in another tenant")
	}
}

func TestDeletedDashboardsAreBounded(t *testing.T) {
	s, made, _ := claimed(t)
	var first id.Dashboard
	for i := range keptDeleted + 1 {
		d, err := s.SaveDashboard(t.Context(), testActor, made.Tenant.ID, SaveDashboard{Name: "Plant", Document: oneLine("temp")})
		if err == nil {
			err = s.DeleteDashboard(t.Context(), testActor, made.Tenant.ID, d.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = d.ID
		}
	}
	if _, ok := s.State().Dashboard(made.Tenant.ID, first); ok || s.State().dashboards.Len() != keptDeleted {
		t.Errorf("%d deleted dashboards are kept", s.State().dashboards.Len())
	}
}
