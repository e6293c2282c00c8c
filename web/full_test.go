package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

// full is a site with enough in it that every part of every page shows.
func full(t *testing.T) (*site, *visitor, tenants.Device) {
	t.Helper()
	s := start(t)
	s.demo = nil
	b := s.owner()
	sites := []string{"plant-1", "plant-2"}
	now := time.Now()
	var first tenants.Device
	for i := range 24 {
		d := s.device(fmt.Sprintf("pump-%02d", i+1), map[string]string{"site": sites[i%2], "line": fmt.Sprint(i%5 + 1)})
		if i == 0 {
			first = d
		}
		if i%9 == 8 {
			continue // never seen
		}
		silence := time.Duration([]int{2, 4, 45, 7, 900, 1, 3}[i%7]) * time.Second
		s.storage.activity = append(s.storage.activity, telemetry.Activity{Device: d.ID, LastSeen: telemetry.At(now.Add(-silence)), LastTime: telemetry.At(now.Add(-silence)), Interval: 10})
	}
	s.fill(first, now)
	if _, err := s.tenants.DisableDevice(t.Context(), tenants.Actor{System: "test"}, first.Tenant, s.device("spare", nil).ID); err != nil {
		t.Fatal(err)
	}
	for _, unit := range []tenants.MetricDescription{{Name: "temp", Unit: "°C"}, {Name: "pressure", Unit: "bar"}, {Name: "flow", Unit: "m³/h"}} {
		if err := s.tenants.DescribeMetric(t.Context(), tenants.Actor{System: "test"}, first.Tenant, unit); err != nil {
			t.Fatal(err)
		}
	}
	for path, form := range map[string]url.Values{
		keysPath(s.claimed.Tenant.ID):       {"name": {"Acme's portal"}, "role": {"editor"}, "expires": {"30"}, "sites": {"plant-2, plant-3/line-1"}, "labels": {"customer=acme"}},
		trustPath(s.claimed.Tenant.ID):      {"kind": {"authority"}, "authority-name": {"Plant CA"}, "authority-certificate": {authorityPEM}, "authority-field": {"common_name"}, "authority-by": {"name"}},
		devicePath(first) + "/certificates": {"certificate": {authorityPEM}},
	} {
		if got := b.post(path, form); got.status != http.StatusSeeOther {
			t.Fatalf("%s answers %d: %s", path, got.status, got.page.text("main"))
		}
	}
	if got := b.post(keysPath(s.claimed.Tenant.ID), url.Values{"name": {"nightly report"}, "role": {"viewer"}}); got.status != http.StatusSeeOther {
		t.Fatalf("making a key answers %d", got.status)
	}
	s.crowd(b)
	return s, b, first
}

// crowd gives the tenant an identity provider, a member from it, and an open invitation.
func (s *site) crowd(owner *visitor) {
	s.t.Helper()
	p, err := s.tenants.SetProvider(s.t.Context(), tenants.Actor{System: "test"}, tenants.NewProvider{
		ID: id.New[id.Provider](), Tenant: s.claimed.Tenant.ID, Name: "Works login", Issuer: "https://login.example.com/realms/works", ClientID: "longwave",
		Domains: []string{"example.com"}, Rows: []tenants.RoleRow{{Claim: "groups", Value: "operators", Role: tenants.Editor}, {Claim: "realm_access.roles", Value: "admin", Role: tenants.Owner}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	claims := map[string]any{"groups": []any{"operators"}, "name": "Bo Lindqvist", "email": "bo@example.com", "email_verified": true}
	if _, _, err := s.tenants.Arrive(s.t.Context(), tenants.Arrival{Provider: p.ID, Issuer: p.Issuer, Subject: "bo", Claims: claims}); err != nil {
		s.t.Fatal(err)
	}
	s.join = s.invited(owner, "Cy of the night shift", tenants.Viewer)
}

// fill gives one device values of every type, a history, rejected packets, and the system something to say.
func (s *site) fill(d tenants.Device, now time.Time) {
	at := telemetry.At(now.Add(-2 * time.Second))
	for i, m := range []telemetry.Latest{
		{Metric: "temp", Value: telemetry.Value{Num: 21.4625}}, {Metric: "pressure", Value: telemetry.Value{Num: 3.2}},
		{Metric: "flow", Value: telemetry.Value{Num: 118.04}}, {Metric: "rpm", Value: telemetry.Value{Num: 1480}},
		{Metric: "valve_open", Value: telemetry.Value{Num: 1, Type: telemetry.Bool}},
		{Metric: "state", Value: telemetry.Value{Text: "running", Type: telemetry.Text}},
	} {
		m.Time, m.Received, m.Interval = at, at, 10
		s.storage.latest[d.ID] = append(s.storage.latest[d.ID], m)
		series := telemetry.Series{Metric: m.Metric, Step: "1m"}
		for p := range 60 {
			v := m.Value.Num * (1 + 0.02*math.Sin(float64(p)/float64(4+i)) + 0.004*math.Sin(float64(p*7)))
			series.Points = append(series.Points, telemetry.Point{Time: telemetry.At(now.Add(time.Duration(p-60) * time.Minute)), Value: v, Min: v, Max: v, Count: 1})
		}
		if m.Value.Type == telemetry.Number {
			s.storage.overview = append(s.storage.overview, series)
		}
	}
	for hour := range 24 {
		s.storage.hourly = append(s.storage.hourly, telemetry.Point{
			Time: telemetry.At(now.Add(time.Duration(hour-23) * time.Hour).Truncate(time.Hour)), Count: uint64(80_000 + 30_000*math.Sin(float64(hour)/4)),
		})
	}
	for i, text := range []string{"running", "starting", "stopped: no flow", "running"} {
		s.storage.events = append(s.storage.events, telemetry.Event{Device: d.ID, Kind: telemetry.KindStatus, Name: "state", Text: text, Time: telemetry.At(now.Add(-time.Duration(4+9*i) * time.Minute))})
	}
	s.desk.work(d, now)
	s.storage.counted = telemetry.Erased{Readings: 3_100_000, Events: 12}
	s.rejected = []telemetry.RejectedPacket{{
		Rejection: telemetry.Rejection{Pointer: "/values/temp", Code: "not_a_value", Detail: "`temp` is an object, expected number, bool or text", Raw: `{"values":{"temp":{"c":21.5}}}`},
		Device:    d.ID, Received: at,
	}}
	s.system = System{
		Version: "0.1.0", Started: now.Add(-49 * time.Hour), DataDir: "/var/lib/longwave", DiskUsed: 3_200_000_000, DiskFree: 180_000_000_000,
		Durability: "Acknowledged packets are on disk (fsync).",
		Checks:     []Check{{Name: "NATS", Detail: "embedded, 2.15.2"}, {Name: "ClickHouse", Detail: "embedded, 26.5.1"}, {Name: "Disk", Err: fmt.Errorf("97 %% full")}},
		Lanes:      []Lane{{Lane: "critical", Consumer: "store"}, {Lane: "standard", Consumer: "store", Messages: 1204, Packets: 48_160, Behind: 3 * time.Second}, {Lane: "bulk", Consumer: "store"}},
		Tables:     []Table{{Name: "readings", Rows: 3_100_000, Bytes: 12_000_000}},
		Remembered: 48_211, RememberedBytes: 3_145_728,
		Conditions: []Condition{
			{Critical: true, Title: "The disk is nearly full", Detail: "48 MiB are free of 20480, at least 1024 are kept.", Action: "Make room on the disk.", Since: now.Add(-17 * time.Minute)},
			{Title: "The embedded NATS was started again", Detail: "Once within the last 10 minutes.", Action: "Look at the log for the cause.", Since: now.Add(-time.Minute)},
		},
	}
}
