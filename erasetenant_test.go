package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/migrations"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// estateOf fills a tenant: devices with readings and events in every lane, a rejected packet, a rule that forwards to a
// destination that does not answer, a key that was used.
func estateOf(t *testing.T, r *running, owner id.Person, name string) (id.Tenant, []tenants.Device) {
	t.Helper()
	actor := tenants.Actor{Person: owner}
	made, err := r.tenants.CreateTenant(t.Context(), actor, name)
	if err != nil {
		t.Fatal(err)
	}
	to, _, err := r.tenants.CreateDestination(t.Context(), actor, made.ID, tenants.NewDestination{Name: name, Kind: tenants.Webhook, URL: "https://" + name + ".invalid/"})
	if err != nil {
		t.Fatal(err)
	}
	drafted, err := r.tenants.DraftRule(t.Context(), actor, made.ID, rule.Rule{Name: name, When: "true", Then: rule.Then{Forward: []id.Destination{to.ID}}})
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := r.tenants.CreateKey(t.Context(), actor, made.ID, tenants.NewKey{Name: name, Role: tenants.Viewer})
	_, err2 := r.tenants.EnableRule(t.Context(), actor, made.ID, drafted.ID, "test")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	r.request(t, http.MethodGet, "/manage/v1/devices", key, "")
	if _, err := r.pictures.Put(t.Context(), made.ID, drawing(t), func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	pairedWith(t, r, made.ID, name)
	created, err := r.tenants.CreateDevices(t.Context(), actor, made.ID, []tenants.NewDevice{{Name: name + " 1"}, {Name: name + " 2"}, {Name: name + " 3"}})
	if err != nil {
		t.Fatal(err)
	}
	var devices []tenants.Device
	for _, c := range created {
		devices = append(devices, c.Device)
		r.post(t, c.Token, `[{"`+name+`":1},{"kind":"status","values":{"state":"`+name+`"}},{"kind":"logs","values":{"line":"`+name+`"}}]`, http.StatusOK)
		r.post(t, c.Token, `{"`+name+`":{}}`, http.StatusBadRequest)
	}
	r.eventually(t, "the readings are stored", func() error {
		stored, err := r.store.ForTenant(made.ID).Count(t.Context(), devices[2].ID)
		if err == nil && (stored.Readings < 1 || stored.Events < 1) {
			err = fmt.Errorf("%+v", stored)
		}
		return err
	})
	return made.ID, devices
}

// drawing is a small picture.
func drawing(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// kept lists where something of a tenant is: subjects of streams and buckets, and tables.
func (r *running) kept(t *testing.T, tenant id.Tenant) (places []string) {
	t.Helper()
	streams := r.js.ListStreams(t.Context())
	for info := range streams.Info() {
		if info.Config.Name == tenants.StreamName { // which denies deletion
			continue
		}
		stream, err := r.js.Stream(t.Context(), info.Config.Name)
		if err != nil {
			t.Fatal(err)
		}
		full, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
		if err != nil {
			t.Fatal(err)
		}
		for subject := range full.State.Subjects {
			if strings.Contains(subject, string(tenant)) {
				places = append(places, subject)
			}
		}
	}
	rows, err := r.store.ForTenant(tenant).Rows(t.Context())
	if err != nil || len(rows) != len(migrations.TenantTables()) {
		t.Fatalf("%d tables: %v", len(rows), err)
	}
	for _, table := range rows {
		if table.Rows > 0 {
			places = append(places, table.Table)
		}
	}
	slices.Sort(places)
	return places
}

// A deleted tenant is nowhere any more, its neighbour is untouched, and the program does not take what is missing for damage.
func TestADeletedTenantIsNowhere(t *testing.T) {
	r := startPlatform(t)
	r.claim(t)
	owner := r.operator(t)
	doomed, devices := estateOf(t, r, owner, "doomed")
	stays, _ := estateOf(t, r, owner, "neighbour")
	if places := r.kept(t, doomed); len(places) < 8 {
		t.Fatalf("the test has put it into %v only", places)
	}
	neighbour := r.kept(t, stays)
	counts, err := (&operation{p: r.platform}).Contents(t.Context(), doomed)
	if err != nil || counts[0] != (tenants.Count{Name: "devices", Number: 3}) {
		t.Fatalf("contents %+v, %v", counts, err)
	}
	if err := r.tenants.OrderDeletion(t.Context(), tenants.Actor{Person: owner}, doomed, counts); err != nil {
		t.Fatal(err)
	}
	r.eventually(t, "the tenant is gone", func() error {
		if e, ok := r.tenants.State().Ending(doomed); ok {
			return fmt.Errorf("it is being deleted since %s", e.Since)
		}
		return nil
	})
	if places := r.kept(t, doomed); len(places) > 0 {
		t.Errorf("something is left in %v", places)
	}
	after := r.kept(t, stays)
	for _, place := range neighbour {
		if !slices.Contains(after, place) {
			t.Errorf("the neighbour was in %s and is in %v", place, after)
		}
	}
	past, err := r.tenants.PlatformHistory(t.Context(), tenants.HistoryQuery{About: string(doomed), Limit: 1})
	if err != nil || len(past.Past) != 1 || past.Past[0].Type != "tenant.erased" || slices.ContainsFunc(past.Past[0].Changes, func(d tenants.Difference) bool { return d.After != "0" }) {
		t.Errorf("the audit of the platform says %+v, %v", past.Past, err)
	}
	if _, ok := r.tenants.State().Device(doomed, devices[0].ID); ok {
		t.Error("its devices are still known")
	}
	if up, err := r.front.RemovedUpTo(t.Context(), telemetry.Critical); err != nil || up == 0 {
		t.Errorf("what was removed on purpose is not written down: %d, %v", up, err)
	}
	if trouble := r.runner.Trouble(); trouble.Lost > 0 {
		t.Errorf("%d messages count as lost", trouble.Lost)
	}
}

// A program that is stopped in the middle of a deletion leaves it to the next one, which ends it and knows what there was.
func TestADeletionOutlivesTheProgram(t *testing.T) {
	data := t.TempDir()
	var doomed id.Tenant
	t.Run("it is ordered", func(t *testing.T) {
		r := startPlatform(t, func(c *config) { c.Data = data })
		r.claim(t)
		owner := r.operator(t)
		doomed, _ = estateOf(t, r, owner, "doomed")
		counts, err := (&operation{p: r.platform}).Contents(t.Context(), doomed)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.tenants.OrderDeletion(t.Context(), tenants.Actor{Person: owner}, doomed, counts); err != nil {
			t.Fatal(err)
		}
		r.eventually(t, "it has begun", func() error {
			if e, ok := r.tenants.State().Ending(doomed); ok && e.Emptied.IsZero() {
				return errors.New("it was only ordered")
			}
			return nil
		})
	})
	r := startPlatform(t, func(c *config) { c.Data = data })
	r.eventually(t, "the tenant is gone", func() error {
		if e, ok := r.tenants.State().Ending(doomed); ok {
			return fmt.Errorf("it is being deleted since %s", e.Since)
		}
		return nil
	})
	if places := r.kept(t, doomed); len(places) > 0 {
		t.Errorf("something is left in %v", places)
	}
	past, err := r.tenants.PlatformHistory(t.Context(), tenants.HistoryQuery{About: string(doomed), Limit: 1})
	if err != nil || len(past.Past) != 1 || past.Past[0].Type != "tenant.erased" || past.Past[0].Changes[0].Before != "3" {
		t.Errorf("the audit of the platform says %+v, %v", past.Past, err)
	}
}
