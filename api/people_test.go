package api_test

import (
	"strings"
	"testing"

	"longwave/tenants"
)

func TestMembersAndAuditForScripts(t *testing.T) {
	r := newRig(t)
	owner, editor := r.ours.keys[tenants.Owner], r.ours.keys[tenants.Editor]
	var members struct {
		Items []struct{ Person, Name, Role, Identity_provider string } //nolint:revive,staticcheck // as in the answer
	}
	r.ask(t, "GET /manage/v1/members", editor, "").json(t, &members)
	if len(members.Items) != 2 {
		t.Fatalf("members are %+v", members.Items)
	}
	at := " /manage/v1/members/" + string(r.ours.person)
	if got := r.ask(t, "PATCH"+at, owner, `{"role":"editor"}`); got.status != 200 || !strings.Contains(string(got.body), `"role":"editor"`) {
		t.Errorf("changing: %d %s", got.status, got.body)
	}
	for what, token := range map[string]string{"PATCH" + at: editor, "DELETE" + at: editor, "GET /manage/v1/identity-providers": editor, "GET /manage/v1/audit": r.ours.keys[tenants.Viewer]} {
		if got := r.ask(t, what, token, `{"role":"owner"}`); got.status != 403 {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	if got := r.ask(t, "DELETE /manage/v1/members/"+string(r.owner), owner, ""); got.status != 409 || got.problem(t).Code != "last_owner" {
		t.Errorf("removing the last owner: %d %s", got.status, got.body)
	}
	if got := r.ask(t, "DELETE"+at, owner, ""); got.status != 204 {
		t.Errorf("removing: %d %s", got.status, got.body)
	}
	if got := r.ask(t, "GET /manage/v1/identity-providers", owner, ""); got.status != 200 || strings.Contains(string(got.body), `"client_secret"`) || !strings.Contains(string(got.body), "login.example") {
		t.Errorf("providers: %d %s", got.status, got.body)
	}
	var audit struct {
		Items []struct{ Type, By, Key, Subject string }
		Next  string
	}
	r.ask(t, "GET /manage/v1/audit?limit=2&about="+string(r.ours.person), editor, "").json(t, &audit)
	if len(audit.Items) != 2 || audit.Items[0].Type != "member.removed" || audit.Items[1].Type != "member.changed" || audit.Items[0].By != "API key owner" || audit.Next == "" {
		t.Errorf("the audit says %+v", audit)
	}
	for _, query := range []string{"cursor=x", "by=*", "from=yesterday"} {
		if got := r.ask(t, "GET /manage/v1/audit?"+query, editor, ""); got.status != 422 {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}
