package tenants

import (
	"errors"
	"testing"

	"longwave/tenants/id"
)

// TestRoleMatrix writes the whole table down a second time, as people read it, and leaves no action and no role out.
func TestRoleMatrix(t *testing.T) {
	want := map[Action]string{
		//               none viewer editor owner operator, limited one (without a role); keys of the first: see, oversee, operate; of the second: operate
		View:             "- v e o - - - - - -",
		ViewDevices:      "- v e o - - - - - -",
		ExportData:       "- v e o - - - - - -",
		EditDevices:      "- - e o - - - - - -",
		RotateTokens:     "- - e o - - - - - -",
		DeleteDevices:    "- - - o - - - - - -",
		EditDestinations: "- - e o - - - - - -",
		EditRules:        "- - e o - - - - - -",
		HandleAlerts:     "- - e o - - - - - -",
		EditDashboards:   "- - e o - - - - - -",
		EditWalls:        "- - e o - - - - - -",
		ShowWall:         "- - - - - - - - - -",
		ReplayPackets:    "- - e o - - - - - -",
		ManageKeys:       "- - - o - - - - - -",
		ReadAudit:        "- - e o - - - - - -",
		ManageTenant:     "- - - o - - - - - -",
		SeeTenants:       "- - - - p l k k k k",
		OverseeTenants:   "- - - - p l - k k k",
		OperatePlatform:  "- - - - p - - - k -",
	}
	if len(want) != len(Actions()) {
		t.Fatalf("%d actions, %d are written down", len(Actions()), len(want))
	}
	mark := func(p Principal, a Action, letter string) string {
		err := p.May(a)
		if err == nil {
			return letter
		}
		if !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", a, err)
		}
		return "-"
	}
	for _, a := range Actions() {
		got := mark(Principal{}, a, "n")
		for i, r := range Roles() {
			got += " " + mark(Principal{role: r}, a, []string{"v", "e", "o"}[i])
		}
		got += " " + mark(Principal{operator: true}, a, "p") + " " + mark(Principal{operator: true, limited: true}, a, "l")
		for _, r := range Reaches() {
			got += " " + mark(Principal{operator: true, key: "k-1", reach: r}, a, "k")
		}
		got += " " + mark(Principal{operator: true, key: "k-1", limited: true, reach: ReachOperate}, a, "k")
		if got != want[a] {
			t.Errorf("%s: %s, want %s", a, got, want[a])
		}
	}
	if err := (Principal{role: Owner, operator: true}).May(actions); !errors.Is(err, ErrForbidden) {
		t.Errorf("an action that does not exist: %v", err)
	}
	if err := (Principal{role: Owner + 1}).May(View); !errors.Is(err, ErrForbidden) {
		t.Errorf("a role that does not exist: %v", err)
	}
}

func TestRolesHaveNames(t *testing.T) {
	for _, r := range Roles() {
		var back Role
		text, err := r.MarshalText()
		if err == nil {
			err = back.UnmarshalText(text)
		}
		if err != nil || back != r {
			t.Errorf("%s: %v %v", text, back, err)
		}
	}
	for _, text := range []string{"", "none", "Owner", "root"} {
		if r, err := ParseRole(text); !errors.Is(err, ErrInvalid) || r != None {
			t.Errorf("%q is the role %s", text, r)
		}
	}
}

func TestEnter(t *testing.T) {
	s, made, _ := claimed(t)
	other := secondTenant(t, s)
	p, err := s.Enter(made.Person.ID, made.Tenant.ID, "")
	if err != nil || p.Person() != made.Person.ID || p.Tenant() != made.Tenant.ID || p.Role() != Owner || !p.Operator() || p.May(ManageTenant) != nil {
		t.Errorf("own tenant: %+v, %v", p, err)
	}
	if a := p.Actor("192.0.2.1"); a != (Actor{Person: made.Person.ID, Address: "192.0.2.1"}) {
		t.Errorf("actor %+v", a)
	}
	_, missing := s.Enter(made.Person.ID, id.New[id.Tenant](), "")
	_, foreign := s.Enter(made.Person.ID, other, "") // an operator is no member of everything
	_, nobody := s.Enter(id.New[id.Person](), made.Tenant.ID, "")
	for _, err := range []error{missing, foreign, nobody} {
		if !errors.Is(err, ErrNotFound) || err.Error() != missing.Error() {
			t.Errorf("foreign is not missing: %v, %v", err, missing)
		}
	}
	p, err = s.Identify(made.Person.ID, "")
	if err != nil || p.May(OperatePlatform) != nil || p.May(View) == nil || p.Tenant() != "" {
		t.Errorf("outside every tenant: %+v, %v", p, err)
	}
	if _, err := s.Identify(id.New[id.Person](), ""); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("nobody: %v", err)
	}
}
