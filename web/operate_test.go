package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
)

// fakeOperation is what an installation says of its tenants.
type fakeOperation struct {
	err   error
	usage map[id.Tenant]tenants.Usage
}

func (f fakeOperation) Usage(context.Context) (map[id.Tenant]tenants.Usage, error) {
	return f.usage, f.err
}

func (fakeOperation) Rates() map[id.Tenant]float64 { return map[id.Tenant]float64{} }

func (f fakeOperation) Contents(context.Context, id.Tenant) ([]tenants.Count, error) {
	return []tenants.Count{{Name: "devices", Number: 3}, {Name: "rows", Number: 12_345}}, f.err
}

func TestOperatorsListTenants(t *testing.T) {
	s := start(t)
	b := s.owner()
	for i := range 3 {
		if _, err := s.tenants.CreateTenant(t.Context(), tenants.Actor{Person: s.claimed.Person.ID}, fmt.Sprintf("Customer %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	got := b.get("/system/tenants?q=customer&sort=-created")
	rows := got.page.text("#results")
	if got.status != http.StatusOK || !strings.Contains(rows, "1–3 of 3") || strings.Index(rows, "Customer 2") > strings.Index(rows, "Customer 0") {
		t.Errorf("%d %s", got.status, rows)
	}
	for _, t := range s.tenants.State().Tenants() {
		if t.Name == "Customer 1" {
			s.usage[t.ID] = tenants.Usage{Limited: 12, LastLimited: s.now().Add(-time.Minute), Alerts: 2, Waiting: 4711}
		}
	}
	rows = b.get("/system/tenants?state=limited").page.text("#results")
	if !strings.Contains(rows, "1–1 of 1") || !strings.Contains(rows, "Customer 1") || !strings.Contains(rows, "Meets a limit") || !strings.Contains(rows, "4,711") {
		t.Errorf("those that meet limits: %s", rows)
	}
	if rows := b.get("/system/tenants?sort=-alerts").page.text("#results"); strings.Index(rows, "Customer 1") > strings.Index(rows, "Customer 0") {
		t.Errorf("by alerts: %s", rows)
	}
	if got := b.get("/system/tenants?q=nobody"); !strings.Contains(got.page.text("main"), "No tenant matches") {
		t.Errorf("a search without a result: %s", got.page.text("main"))
	}
}

func TestOperatorMakesATenantForSomebody(t *testing.T) {
	s := start(t)
	b := s.owner()
	got := b.post("/system/tenants", url.Values{"name": {"Customer"}, "for": {"Bo"}})
	page := b.get(got.header.Get("Location"))
	if got.status != http.StatusSeeOther || !strings.Contains(page.page.text("main"), "/join?") || !strings.Contains(page.page.text("main"), "no owner yet") {
		t.Errorf("%d %s", page.status, page.page.text("main"))
	}
	if got := b.post("/system/tenants", url.Values{"name": {" "}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.page.text("main"), "must not be empty") {
		t.Errorf("without a name: %d", got.status)
	}
}

func TestSuspendedTenantSaysWhyOnItsPages(t *testing.T) {
	s := start(t)
	b := s.owner()
	tenant := s.claimed.Tenant.ID
	if got := b.post(operatedPath(tenant)+"/suspend", url.Values{"reason": {"unpaid since May"}}); got.status != http.StatusSeeOther {
		t.Fatalf("suspending: %d", got.status)
	}
	if got := b.get(tenantPath(tenant)); got.status != http.StatusForbidden || !strings.Contains(got.page.text("main"), "unpaid since May") {
		t.Errorf("%d %s", got.status, got.page.text("main"))
	}
	if got := b.get(operatedPath(tenant)); !strings.Contains(got.page.text("main"), "unpaid since May") {
		t.Errorf("for operators: %s", got.page.text("main"))
	}
	b.post(operatedPath(tenant)+"/resume", nil)
	if got := b.get(tenantPath(tenant)); got.status != http.StatusOK {
		t.Errorf("resumed: %d", got.status)
	}
}

func TestOperatorNeedsLeaveToLookAtData(t *testing.T) {
	s := start(t)
	who := s.everybody()
	tenant := s.claimed.Tenant.ID
	if got := who[operator].get(tenantPath(tenant)); got.status != http.StatusNotFound {
		t.Fatalf("without leave: %d", got.status)
	}
	if got := who[operator].post(operatedPath(tenant)+"/support", url.Values{"reason": {"pump-7"}, "hours": {"1"}}); got.status != http.StatusSeeOther {
		t.Fatalf("opening support access: %d %s", got.status, got.page.text("main"))
	}
	if got := who[operator].get(devicesPath(tenant)); got.status != http.StatusOK || !strings.Contains(got.page.text("body"), "Support access until") {
		t.Errorf("with it: %d", got.status)
	}
	if got := who[operator].post(devicesPath(tenant), url.Values{"name": {"x"}}); got.status != http.StatusForbidden {
		t.Errorf("changing something: %d", got.status)
	}
	owners := who[owner].get(usagePath(tenant))
	if !strings.Contains(owners.page.text("main"), "pump-7") {
		t.Errorf("the owners see %s", owners.page.text("main"))
	}
	if got := who[viewer].post(supportPath(tenant, s.claimed.Person.ID)+"/end", nil); got.status != http.StatusForbidden {
		t.Errorf("a viewer ends it: %d", got.status)
	}
	who[owner].post(supportPath(tenant, s.claimed.Person.ID)+"/end", nil)
	if got := who[operator].get(devicesPath(tenant)); got.status != http.StatusNotFound {
		t.Errorf("after an owner ended it: %d", got.status)
	}
	who[owner].post(usagePath(tenant)+"/consent", url.Values{"consent": {"on"}})
	if got := who[operator].get(devicesPath(tenant)); got.status != http.StatusOK {
		t.Errorf("with consent: %d", got.status)
	}
}

func TestLimitedOperatorSeesNothingElse(t *testing.T) {
	s := start(t)
	bo, who := s.joined(s.owner(), "Bo", tenants.Viewer)
	first, other := s.claimed.Tenant.ID, s.another()
	if err := s.tenants.SetOperator(t.Context(), tenants.Actor{Person: s.claimed.Person.ID}, who, tenants.Scope{Limited: true, Tenants: []id.Tenant{other}}); err != nil {
		t.Fatal(err)
	}
	if got := bo.get("/system/tenants"); !strings.Contains(got.page.text("#results"), "South plant") || strings.Contains(got.page.text("#results"), s.claimed.Tenant.Name) {
		t.Errorf("the list: %s", got.page.text("main"))
	}
	everyRoute(t, func(method, pattern string) {
		if !strings.HasPrefix(pattern, "/system/tenants/{tenant}") || strings.HasSuffix(pattern, "/delete") {
			return
		}
		foreign := bo.do(method, fill(pattern, string(first), ""), url.Values{}, nil)
		missing := bo.do(method, fill(pattern, "t-0000000000000000", ""), url.Values{}, nil)
		if foreign.status != http.StatusNotFound || foreign.body != missing.body {
			t.Errorf("%s %s: a tenant that is not overseen answers %d, one that is not there %d; same page: %v", method, pattern, foreign.status, missing.status, foreign.body == missing.body)
		}
	})
	for _, path := range []string{"/system", "/system/operators", "/system/audit", operatedPath(other) + "/delete"} {
		if got := bo.get(path); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestDeletingATenantIsTyped(t *testing.T) {
	s := start(t)
	b := s.owner()
	doomed := s.another()
	at := operatedPath(doomed) + "/delete"
	if got := b.get(at); !strings.Contains(got.page.text("main"), "12,345") {
		t.Errorf("what will be gone: %s", got.page.text("main"))
	}
	if got := b.post(at, url.Values{"confirm": {"South"}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("with something else typed: %d", got.status)
	}
	if _, ok := s.tenants.State().Ending(doomed); ok {
		t.Fatal("it is being deleted")
	}
	b.post(at, url.Values{"confirm": {"South plant"}})
	if got := b.get(at); !strings.Contains(got.page.text("main"), "is being deleted") || !strings.Contains(got.page.text("main"), "0 % removed") {
		t.Errorf("progress: %s", got.page.text("main"))
	}
	if got := b.get("/system/tenants"); !strings.Contains(got.page.text("main"), "is being deleted") {
		t.Errorf("the list: %s", got.page.text("main"))
	}
}

func TestLimitsAreSaved(t *testing.T) {
	s := start(t)
	b := s.owner()
	tenant := s.claimed.Tenant.ID
	if got := b.post(operatedPath(tenant)+"/limits", url.Values{"devices": {"1,000"}, "stored_days": {"30"}}); got.status != http.StatusSeeOther {
		t.Fatalf("saving: %d %s", got.status, got.page.text("main"))
	}
	if got := s.tenants.LimitsOf(tenant); got.Devices != 1000 || got.Days != 30 {
		t.Errorf("limits %+v", got)
	}
	if got := b.post(operatedPath(tenant)+"/limits", url.Values{"devices": {"many"}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.page.text("main"), "Devices: is no number") {
		t.Errorf("text: %d %s", got.status, got.page.text("main"))
	}
	if got := b.get(usagePath(tenant)); !strings.Contains(got.page.text("main"), "1,000") {
		t.Errorf("the tenant's page: %s", got.page.text("main"))
	}
}

func TestOperatorsMakeKeys(t *testing.T) {
	s := start(t)
	b := s.owner()
	if got := b.post("/system/keys", url.Values{"name": {" "}, "reach": {"see"}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.page.text("main"), "must not be empty") {
		t.Errorf("without a name: %d", got.status)
	}
	got := b.post("/system/keys", url.Values{"name": {"billing"}, "reach": {"see"}, "expires": {"0"}})
	page := b.get("/system/keys")
	if got.status != http.StatusSeeOther || !strings.Contains(page.page.text("main"), "lwo_") || !strings.Contains(page.page.text("table"), "billing") {
		t.Fatalf("made: %d %s", got.status, page.page.text("main"))
	}
	if again := b.get("/system/keys").page.text(".new-key"); again != "" {
		t.Errorf("the secret is shown again: %s", again)
	}
	key := s.tenants.State().OperatorKeys()[0]
	if left := key.Expires.Sub(key.Created); left > 91*24*time.Hour {
		t.Errorf("it lasts %s", left)
	}
	at := "/system/keys/" + string(key.ID) + "/revoke"
	if ask := b.get(at); ask.status != http.StatusOK || !strings.Contains(ask.page.text("main"), "cannot be undone") {
		t.Errorf("before it is revoked: %d", ask.status)
	}
	if got := b.post(at, nil); got.status != http.StatusSeeOther || len(s.tenants.State().OperatorKeys()) != 0 {
		t.Errorf("revoked: %d", got.status)
	}
}
