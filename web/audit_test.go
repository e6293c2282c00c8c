package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"longwave/tenants"
)

func TestTheAuditSaysWhoDidWhat(t *testing.T) {
	s := start(t)
	owner, tenant := s.owner(), s.claimed.Tenant.ID
	device := s.device("pump", nil)
	bo, person := s.joined(owner, "bo", tenants.Editor)
	bo.follow(bo.post(devicePath(device)+"/change", url.Values{"name": {"pump 2"}, "interval": {"10 s"}}))
	page := owner.get(auditPath(tenant))
	text := page.page.text("main")
	for _, want := range []string{"Renamed the device", "pump 2", "name: pump →", "bo", "127.0.0.1", "Invited", "Joined with an invitation:"} {
		if !strings.Contains(text, want) {
			t.Errorf("the audit does not say %q: %s", want, text)
		}
	}
	if strings.Contains(page.body, "lwi_") || strings.Contains(page.body, "argon2") {
		t.Error("the audit shows a secret")
	}
	for query, want := range map[string][2]string{
		"?by=" + string(person): {"Renamed the device", "Invited"}, "?about=" + string(device.ID): {"Renamed the device", "Invited"},
		"?to=2020-01-01": {"Nothing here", "Invited"}, "?from=2020-01-01": {"Invited", "Nothing here"}, "?by=nonsense!&cursor=": {"Invited", "Nothing here"},
	} {
		if got := owner.get(auditPath(tenant) + query).page.text("main"); !strings.Contains(got, want[0]) || strings.Contains(got, want[1]) {
			t.Errorf("%s shows %s", query, got)
		}
	}
	if got := owner.get(auditPath(tenant) + "?cursor=9.9"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a made-up cursor answers %d", got.status)
	}
	if viewer, _ := s.joined(owner, "cy", tenants.Viewer); viewer.get(auditPath(tenant)).status != http.StatusForbidden {
		t.Error("a viewer reads the audit")
	}
}

func TestTheAuditCanBeTakenAway(t *testing.T) {
	s := start(t)
	owner, tenant := s.owner(), s.claimed.Tenant.ID
	s.device("=pump", nil)
	s.joined(owner, "bo", tenants.Viewer)
	file := owner.get(auditPath(tenant) + ".csv")
	if lines := strings.Count(file.body, "\n"); lines != 5 || !strings.Contains(file.body, "'=pump") || !strings.HasPrefix(file.header.Get("Content-Type"), "text/csv") {
		t.Errorf("%d lines: %s", lines, file.body)
	}
	stream := owner.get(auditPath(tenant) + ".ndjson")
	var types []string
	for _, line := range strings.Split(strings.TrimSpace(stream.body), "\n") {
		var each struct{ Type string }
		if err := json.Unmarshal([]byte(line), &each); err != nil {
			t.Fatal(line, err)
		}
		types = append(types, each.Type)
	}
	if got := strings.Join(types, " "); got != "sight.noted member.joined member.invited device.created" {
		t.Errorf("exported %s", got)
	}
	if platform := owner.get(auditPath("")); platform.status != http.StatusOK || !strings.Contains(platform.page.text("main"), "Created the tenant") {
		t.Errorf("the platform's: %d %s", platform.status, platform.page.text("main"))
	}
}
