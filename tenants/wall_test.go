package tenants

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
)

func randomWall(ctx context.Context, s *Service, t id.Tenant, random *rand.Rand) error {
	boards, list := s.State().Dashboards(t), s.State().Walls(t)
	if len(boards) == 0 {
		return randomDashboard(ctx, s, t, random)
	}
	settings := WallSettings{Name: "Hall", Dashboards: []id.Dashboard{boards[random.IntN(len(boards))].ID}, Zoom: 100 + random.IntN(3)}
	if len(list) == 0 || random.IntN(3) == 0 {
		code, err := s.NewWallCode(ctx, "192.0.2.1")
		if err != nil {
			return err
		}
		_, err = s.PairWall(ctx, testActor, t, code.Code, settings)
		return err
	}
	w := list[random.IntN(len(list))]
	switch random.IntN(4) {
	case 0:
		return s.RevokeWall(ctx, testActor, t, w.ID)
	case 1:
		_, err := s.AskWall(ctx, testActor, t, w.ID, WallIdentify)
		return err
	default:
		_, err := s.ChangeWall(ctx, testActor, t, w.ID, settings)
		return err
	}
}

// screens is a tenant with a dashboard, and what pairs a screen with it.
type screens struct {
	*Service
	t        *testing.T
	tenant   id.Tenant
	settings WallSettings
}

func newScreens(t *testing.T, s *Service, tenant id.Tenant) *screens {
	t.Helper()
	d, err := s.SaveDashboard(t.Context(), testActor, tenant, SaveDashboard{Name: "Plant", Document: oneLine("temp")})
	if err != nil {
		t.Fatal(err)
	}
	return &screens{s, t, tenant, WallSettings{Name: "Hall 2", Dashboards: []id.Dashboard{d.ID}}}
}

func (s *screens) paired() (Wall, string) {
	s.t.Helper()
	code, err := s.NewWallCode(s.t.Context(), "192.0.2.1")
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.WallByToken(code.Token); !errors.Is(err, ErrUnauthenticated) {
		s.t.Errorf("before it is paired: %v", err)
	}
	w, err := s.PairWall(s.t.Context(), testActor, s.tenant, " "+strings.ToLower(strings.ReplaceAll(code.Code, "-", " ")), s.settings)
	if err != nil {
		s.t.Fatal(err)
	}
	return w, code.Token
}

// TestWallLife pairs a screen, changes it, asks it for something and revokes it; a fresh start says the same.
func TestWallLife(t *testing.T) {
	service, made, js := claimed(t)
	s := newScreens(t, service, made.Tenant.ID)
	w, token := s.paired()
	p, err := s.WallByToken(token)
	if found, ok := p.Wall(); err != nil || !ok || found.ID != w.ID || p.Tenant() != s.tenant || !p.Shows(s.settings.Dashboards[0]) || p.Shows("b-other") {
		t.Fatalf("paired %+v, %v", p, err)
	}
	for _, a := range Actions() {
		if (p.May(a) == nil) != (a == ShowWall) {
			t.Errorf("a screen may %s: %v", a, p.May(a))
		}
	}
	if w.Seconds != chosenSeconds || w.Zoom != chosenZoom {
		t.Errorf("what is not said is %+v", w.WallSettings)
	}
	next := w.WallSettings
	next.Name, next.Zone, next.Light = "Hall 3", "Europe/Berlin", true
	if w, err = s.ChangeWall(t.Context(), testActor, s.tenant, w.ID, next); err != nil || w.Name != "Hall 3" {
		t.Errorf("changed %+v, %v", w, err)
	}
	if w, err = s.AskWall(t.Context(), testActor, s.tenant, w.ID, WallIdentify); err != nil || w.Asked[WallIdentify].IsZero() || !w.Asked[WallReload].IsZero() {
		t.Errorf("asked %+v, %v", w, err)
	}
	again := opened(t, Options{JS: js})
	sameState(t, s.State(), again.State())
	if p, err := again.WallByToken(token); err != nil || p.Tenant() != s.tenant {
		t.Errorf("after a start: %+v, %v", p, err)
	}
	if err := s.RevokeWall(t.Context(), testActor, s.tenant, w.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WallByToken(token); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("revoked: %v", err)
	}
	if err := s.RevokeWall(t.Context(), testActor, s.tenant, w.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
}

func TestAWallIsOfItsTenant(t *testing.T) {
	service, made, _ := claimed(t)
	s := newScreens(t, service, made.Tenant.ID)
	w, token := s.paired()
	other := secondTenant(t, service)
	_, foreign := s.ChangeWall(t.Context(), testActor, other, w.ID, s.settings)
	_, missing := s.ChangeWall(t.Context(), testActor, other, id.New[id.Wall](), s.settings)
	if !errors.Is(foreign, ErrNotFound) || foreign.Error() != missing.Error() {
		t.Errorf("foreign is not missing: %v, %v", foreign, missing)
	}
	code, err := s.NewWallCode(t.Context(), "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PairWall(t.Context(), testActor, other, code.Code, s.settings); !errors.Is(err, ErrInvalid) {
		t.Errorf("the dashboard of another tenant: %v", err)
	}
	operator := Actor{Person: made.Person.ID}
	if err := s.SuspendTenant(t.Context(), operator, s.tenant, "unpaid"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WallByToken(token); !errors.Is(err, ErrSuspended) {
		t.Errorf("suspended: %v", err)
	}
	if err := errors.Join(s.OrderDeletion(t.Context(), operator, s.tenant, nil), s.EmptyTenant(t.Context(), s.tenant)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WallByToken(token); !errors.Is(err, ErrUnauthenticated) || len(s.State().Walls(s.tenant)) > 0 {
		t.Errorf("deleted: %v", err)
	}
}

// TestACodeWorksOnce has many people enter the same code at the same time.
func TestACodeWorksOnce(t *testing.T) {
	service, made, _ := claimed(t)
	s := newScreens(t, service, made.Tenant.ID)
	code, err := s.NewWallCode(t.Context(), "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	var everybody sync.WaitGroup
	for range 4 {
		everybody.Go(func() {
			if _, err := s.PairWall(t.Context(), testActor, s.tenant, code.Code, s.settings); err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("pairing: %v", err)
			}
		})
	}
	everybody.Wait()
	if list := s.State().Walls(s.tenant); len(list) != 1 {
		t.Errorf("one code has paired %d screens", len(list))
	}
}

func TestCodesAreNotGuessed(t *testing.T) {
	_, _, js := natstest.Start(t)
	now := time.Now()
	service := start(t, Options{JS: js, Now: func() time.Time { return now }})
	s := newScreens(t, service, claim(t, service).Tenant.ID)
	code, err := s.NewWallCode(t.Context(), "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if len(code.Code) != codeLength+1 || strings.Contains(code.String(), code.Code) || strings.Contains(code.GoString(), code.Token) {
		t.Errorf("code %s", code.Code)
	}
	eve := Actor{Person: "p-eve", Address: "203.0.113.9"}
	var delayed *DelayError
	for range freeAttempts + 1 {
		if _, err = s.PairWall(t.Context(), eve, s.tenant, "2222-2222", s.settings); err == nil {
			t.Fatal("a code that nobody was given pairs a screen")
		}
	}
	if _, err = s.PairWall(t.Context(), eve, s.tenant, code.Code, s.settings); !errors.As(err, &delayed) {
		t.Errorf("after %d wrong codes even the right one is looked at: %v", freeAttempts+1, err)
	}
	now = now.Add(codeFor)
	if _, err = s.PairWall(t.Context(), testActor, s.tenant, code.Code, s.settings); !errors.Is(err, ErrInvalid) {
		t.Errorf("a code that is over: %v", err)
	}
	for range maxCodesOfAddress {
		if _, err := s.NewWallCode(t.Context(), "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.NewWallCode(t.Context(), "192.0.2.1"); !errors.As(err, &delayed) || delayed.RetryAfter > codeFor {
		t.Errorf("one code too many: %v", err)
	}
	if _, err := s.NewWallCode(t.Context(), "192.0.2.2"); err != nil {
		t.Errorf("another address: %v", err)
	}
}

func TestWallSettingsAreChecked(t *testing.T) {
	service, made, _ := claimed(t)
	s := newScreens(t, service, made.Tenant.ID)
	w, _ := s.paired()
	for field, edit := range map[string]func(*WallSettings){
		"name": func(c *WallSettings) { c.Name = " " }, "dashboards": func(c *WallSettings) { c.Dashboards = nil },
		"seconds": func(c *WallSettings) { c.Seconds = 1 }, "zoom": func(c *WallSettings) { c.Zoom = 1000 }, "zone": func(c *WallSettings) { c.Zone = "a b" },
	} {
		wrong := s.settings
		edit(&wrong)
		var invalid *InvalidError
		if _, err := s.ChangeWall(t.Context(), testActor, s.tenant, w.ID, wrong); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	twice := s.settings
	twice.Dashboards = append(twice.Dashboards, twice.Dashboards[0])
	if _, err := s.ChangeWall(t.Context(), testActor, s.tenant, w.ID, twice); !errors.Is(err, ErrInvalid) {
		t.Errorf("a dashboard twice: %v", err)
	}
	if _, err := s.AskWall(t.Context(), testActor, s.tenant, w.ID, "dance"); !errors.Is(err, ErrInvalid) {
		t.Errorf("asked to dance: %v", err)
	}
}

func TestWallReportsAreReadByOthers(t *testing.T) {
	service, made, js := claimed(t)
	s := newScreens(t, service, made.Tenant.ID)
	w, _ := s.paired()
	gone, _ := s.paired()
	report := WallReport{At: time.Now().UTC().Truncate(time.Second), Page: w.Dashboards[0], Version: "1", Width: 1920, Height: 1080}
	s.NoteWall(s.tenant, w.ID, report)
	s.NoteWall(s.tenant, gone.ID, report)
	if err := s.RevokeWall(t.Context(), testActor, s.tenant, gone.ID); err != nil {
		t.Fatal(err)
	}
	s.NoteWall(s.tenant, gone.ID, report) // it was on its way
	s.writeWallReports(t.Context())
	other := opened(t, Options{JS: js})
	reports, err := other.WallReports(t.Context(), s.tenant)
	if err != nil || len(reports) != 1 || reports[w.ID] != report {
		t.Errorf("another process reads %+v, %v", reports, err)
	}
	kv, err := js.KeyValue(t.Context(), WallReportBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Get(t.Context(), wallRef{s.tenant, gone.ID}.name()); err == nil {
		t.Error("what a revoked screen said has come back")
	}
}
