package tenants

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"longwave/ingest/natsd/natstest"
)

func TestAScopeIsSitesAndProfilesAndLabels(t *testing.T) {
	pump := Device{Site: "plant-2/line-4", Profile: "pump", Labels: map[string]string{"customer": "acme", "floor": "1"}}
	for name, c := range map[string]struct {
		scope KeyScope
		sees  bool
	}{
		"nothing":             {KeyScope{}, true},
		"its site":            {KeyScope{Sites: []string{"plant-2/line-4"}}, true},
		"a site above":        {KeyScope{Sites: []string{"plant-1", "plant-2"}}, true},
		"a site that begins":  {KeyScope{Sites: []string{"plant-2/line"}}, false},
		"a site below":        {KeyScope{Sites: []string{"plant-2/line-4/x"}}, false},
		"its profile":         {KeyScope{Profiles: []string{"valve", "pump"}}, true},
		"another profile":     {KeyScope{Profiles: []string{"valve"}}, false},
		"its labels":          {KeyScope{Labels: map[string]string{"customer": "acme", "floor": "1"}}, true},
		"a label too many":    {KeyScope{Labels: map[string]string{"customer": "acme", "room": ""}}, false},
		"another text":        {KeyScope{Labels: map[string]string{"customer": "acm"}}, false},
		"one of two is wrong": {KeyScope{Sites: []string{"plant-2"}, Profiles: []string{"valve"}}, false},
	} {
		if got := (Principal{scope: &c.scope}).Sees(pump); got != c.sees {
			t.Errorf("%s: seen %v", name, got)
		}
	}
	if !(Principal{}).Sees(Device{}) {
		t.Error("without a scope something is hidden")
	}
}

// TestAKeyForSomeDevicesDoesNothingElse holds for every action that there is, and for those to come.
func TestAKeyForSomeDevicesDoesNothingElse(t *testing.T) {
	limited := Principal{role: Owner, scope: &KeyScope{Profiles: []string{"pump"}}}
	single := map[Action]bool{ViewDevices: true, ExportData: true, EditDevices: true, RotateTokens: true, DeleteDevices: true}
	for _, a := range Actions() {
		err := limited.May(a)
		if single[a] != (err == nil) || err != nil && !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", a, err)
		}
	}
	if err := limited.May(View); !errors.Is(err, ErrKeyLimited) {
		t.Errorf("it is not said why: %v", err)
	}
	limited.role = Viewer
	if err := limited.May(DeleteDevices); !errors.Is(err, ErrForbidden) || errors.Is(err, ErrKeyLimited) {
		t.Errorf("the role counts as well: %v", err)
	}
}

func TestAKeyHasItsScopeAfterAStart(t *testing.T) {
	s, made, js := claimed(t)
	expires := time.Now().Add(time.Hour)
	k, secret, err := s.CreateKey(t.Context(), testActor, made.Tenant.ID, NewKey{
		Name: "acme", Role: Editor, Expires: expires,
		Scope: KeyScope{Sites: []string{" plant-2 / line-4", "", "plant-1", "plant-1"}, Profiles: []string{"pump"}, Labels: map[string]string{"a": "b"}},
	})
	want := KeyScope{Sites: []string{"plant-1", "plant-2/line-4"}, Profiles: []string{"pump"}, Labels: map[string]string{"a": "b"}}
	if err != nil || !reflect.DeepEqual(k.Scope, want) || !k.Expires.Equal(expires.Truncate(time.Second)) {
		t.Fatalf("made %+v, %v", k, err)
	}
	if words := k.Scope.Words(); words != "site plant-1 or plant-2/line-4, profile pump, label a=b" {
		t.Errorf("in words: %s", words)
	}
	again := opened(t, Options{JS: js})
	if p, err := again.KeyByToken(secret); err != nil || !reflect.DeepEqual(*p.Scope(), want) {
		t.Errorf("after a start: %+v, %v", p, err)
	}
	for _, wrong := range []NewKey{
		{Name: "x", Role: Viewer, Expires: time.Now().Add(-time.Second)}, {Name: "x", Role: Viewer, Expires: time.Now().AddDate(11, 0, 0)},
		{Name: "x", Role: Viewer, Scope: KeyScope{Sites: []string{"a//b"}}}, {Name: "x", Role: Viewer, Scope: KeyScope{Labels: map[string]string{"": "x"}}},
		{Name: "x", Role: Viewer, Scope: KeyScope{Profiles: make([]string, maxScope+1)}},
	} {
		if _, _, err := s.CreateKey(t.Context(), testActor, made.Tenant.ID, wrong); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

func TestAKeyEndsWithItsTime(t *testing.T) {
	_, _, js := natstest.Start(t)
	now := time.Now()
	s := start(t, Options{JS: js, Now: func() time.Time { return now }})
	made := claim(t, s)
	_, secret, err := s.CreateKey(t.Context(), testActor, made.Tenant.ID, NewKey{Name: "x", Role: Viewer, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour - time.Second)
	if _, err := s.KeyByToken(secret); err != nil {
		t.Errorf("before its time: %v", err)
	}
	now = now.Add(time.Second)
	if _, err := s.KeyByToken(secret); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("after its time: %v", err)
	}
}

func TestTheLastUseOfAKeyIsOneWrite(t *testing.T) {
	s, made, js := claimed(t)
	tenant := made.Tenant.ID
	k, secret, err := s.CreateKey(t.Context(), testActor, tenant, NewKey{Name: "x", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	if used, err := s.KeysUsed(t.Context(), tenant); err != nil || len(used) != 0 {
		t.Errorf("before its first use: %v, %v", used, err)
	}
	for range 1000 {
		if _, err := s.KeyByToken(secret); err != nil {
			t.Fatal(err)
		}
	}
	s.uses.write(t.Context())
	other := opened(t, Options{JS: js})
	used, err := other.KeysUsed(t.Context(), tenant)
	if err != nil || time.Since(used[k.ID]) > time.Minute {
		t.Errorf("another process reads %v, %v", used, err)
	}
	kv, err := js.KeyValue(t.Context(), KeyUseBucket)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := kv.Status(t.Context()); err != nil || status.Values() != 1 {
		t.Errorf("%d values, %v", status.Values(), err)
	}
	entry, err := kv.Get(t.Context(), useOf{tenant, k.ID}.name())
	if err != nil || entry.Revision() != 1 {
		t.Errorf("a thousand uses are revision %v, %v", entry, err)
	}
	if err := s.RevokeKey(t.Context(), testActor, tenant, k.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Get(t.Context(), useOf{tenant, k.ID}.name()); err == nil {
		t.Error("the use of a revoked key is still known")
	}
}
