package api_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"longwave/api"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

// limitedKey is a key for the devices of one profile, and two devices, of which it sees the first.
func (r *rig) limitedKey(t *testing.T) (key string, inside, outside tenants.Device) {
	t.Helper()
	actor := tenants.Actor{System: "test"}
	_, key, err := r.tenants.CreateKey(t.Context(), actor, r.ours.id, tenants.NewKey{
		Name: "pumps", Role: tenants.Owner, Scope: tenants.KeyScope{Profiles: []string{"pump"}, Sites: []string{"plant-2"}},
	})
	must(t, err)
	inside, _, err = r.tenants.CreateDevice(t.Context(), actor, r.ours.id, tenants.NewDevice{Name: "seen", Profile: "pump", Site: "plant-2/line-4"})
	must(t, err)
	outside, _, err = r.tenants.CreateDevice(t.Context(), actor, r.ours.id, tenants.NewDevice{Name: "hidden", Profile: "pump", Site: "plant-20"})
	must(t, err)
	return key, inside, outside
}

// TestADeviceOutOfScopeIsNotThere asks every route with a key for some devices: about a device that it is not for the
// answer is that for none, to the letter; what concerns the whole tenant is refused.
func TestADeviceOutOfScopeIsNotThere(t *testing.T) {
	r := newRig(t)
	key, inside, outside := r.limitedKey(t)
	r.reader.points = map[id.Device][]telemetry.Point{outside.ID: {{Time: 1, Value: 424242}}}
	for _, c := range crossings() {
		method, pattern, _ := strings.Cut(c.route, " ")
		if c.open || c.device || method == http.MethodDelete {
			continue
		}
		path := c.path
		if path == "" {
			path = pattern
		}
		to := func(d id.Device) answer {
			return r.ask(t, method+" "+strings.ReplaceAll(path, "{}", string(d)), key, c.body)
		}
		hidden, missing, seen := to(outside.ID), to("d-0000000000000000"), to(inside.ID)
		about := strings.Contains(pattern, "{device}") || strings.Contains(path, "device={}") || strings.Contains(path, "devices={}")
		switch {
		case about && (hidden.status != 404 || !bytes.Equal(hidden.body, missing.body) || seen.status >= 300):
			t.Errorf("%s: hidden %d %s\nmissing %d %s\nseen %d", c.route, hidden.status, hidden.body, missing.status, missing.body, seen.status)
		case !about && !strings.HasSuffix(pattern, "/devices") && (seen.status != 403 || seen.problem(t).Code != "key_limited"):
			t.Errorf("%s answers %d %s to a key for some devices", c.route, seen.status, seen.body)
		}
		if bytes.Contains(hidden.body, []byte("hidden")) || bytes.Contains(hidden.body, []byte("424242")) {
			t.Errorf("%s tells of a hidden device: %s", c.route, hidden.body)
		}
	}
	if got := r.ask(t, "DELETE /manage/v1/devices/"+string(outside.ID), key, ""); got.status != 404 {
		t.Errorf("deleting a hidden device: %d %s", got.status, got.body)
	}
	if got := r.ask(t, "DELETE /manage/v1/devices/"+string(inside.ID), key, ""); got.status != 204 {
		t.Errorf("deleting one that is seen: %d %s", got.status, got.body)
	}
}

func TestAKeyListsAndKeepsItsOwnDevices(t *testing.T) {
	r := newRig(t)
	key, inside, _ := r.limitedKey(t)
	var list struct{ Items []deviceJSON }
	for _, path := range []string{"/manage/v1/devices", "/manage/v1/devices?limit=1", "/manage/v1/devices?q=e"} {
		r.ask(t, "GET "+path, key, "").json(t, &list)
		if len(list.Items) != 1 || list.Items[0].ID != string(inside.ID) {
			t.Errorf("%s lists %+v", path, list.Items)
		}
	}
	for _, body := range []string{`{"name":"x"}`, `{"name":"x","profile":"pump","site":"plant-20"}`} {
		if got := r.ask(t, "POST /manage/v1/devices", key, body); got.status != 403 || got.problem(t).Code != "key_limited" {
			t.Errorf("creating %s: %d %s", body, got.status, got.body)
		}
	}
	if got := r.ask(t, "POST /manage/v1/devices", key, `{"name":"x","profile":"pump","site":"plant-2"}`); got.status != 201 {
		t.Errorf("creating one in scope: %d %s", got.status, got.body)
	}
	at := "PATCH /manage/v1/devices/" + string(inside.ID)
	for _, body := range []string{`{"site":"plant-3"}`, `{"profile":""}`} {
		if got := r.ask(t, at, key, body); got.status != 403 {
			t.Errorf("moving it out with %s: %d %s", body, got.status, got.body)
		}
	}
	if got := r.ask(t, at, key, `{"site":"plant-2/line-5"}`); got.status != 200 {
		t.Errorf("moving it within: %d %s", got.status, got.body)
	}
}

// endless yields readings for as long as it is let.
type endless struct{ api.Reader }

func (endless) Each(ctx context.Context, _ telemetry.SeriesQuery, each func(telemetry.Point) error) error {
	for at := telemetry.Micros(1); ctx.Err() == nil; at++ {
		if err := each(telemetry.Point{Time: at, Value: 1}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// TestARevokedKeyEndsItsExport reads an export that has no end until the key is revoked.
func TestARevokedKeyEndsItsExport(t *testing.T) {
	r := newRig(t, func(o *api.Options) {
		reading := o.Readings
		o.Readings = func(t id.Tenant) api.Reader { return endless{reading(t)} }
	})
	k, key, err := r.tenants.CreateKey(t.Context(), tenants.Actor{System: "test"}, r.ours.id, tenants.NewKey{Name: "x", Role: tenants.Viewer})
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.server.URL+"/manage/v1/readings?metric=temp&device="+string(r.ours.device.ID), nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Accept", "application/x-ndjson")
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	buffer := make([]byte, 1<<16)
	if _, err := res.Body.Read(buffer); err != nil {
		t.Fatal(err)
	}
	must(t, r.tenants.RevokeKey(t.Context(), tenants.Actor{System: "test"}, r.ours.id, k.ID))
	revoked := time.Now()
	for err == nil {
		_, err = res.Body.Read(buffer)
		if time.Since(revoked) > patience {
			t.Fatal("the export goes on")
		}
	}
	t.Logf("the export ended %s after the key was revoked", time.Since(revoked).Round(time.Millisecond))
}
