package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"longwave/ingest/telemetry"
)

// Two tenants have the same device id and the same metric; the second one's values are canaries.
func TestTwoTenantsNeverMeet(t *testing.T) {
	s, one, two, d := openStore(t), newTenant(), newTenant(), newDevice()
	const canary = 424242
	own := batch(d, packet(noon()+minute, number("temp", 1), text("state", "mine")))
	foreign := batch(d, packet(noon()+minute, number("temp", canary), text("state", "canary")), packet(noon()+hour, number("temp", canary), number("secret", canary)))
	insert(t, s, two, foreign)
	empty := ask(t, s.ForTenant(one), d, "temp")
	if diff := cmp.Diff(ask(t, s.ForTenant(one), newDevice(), "temp"), empty); diff != "" {
		t.Errorf("a foreign device must look like one that does not exist:\n%s", diff)
	}
	insert(t, s, one, own)
	for _, when := range []string{"before", "after"} {
		got := fmt.Sprintf("%+v", ask(t, s.ForTenant(one), d, "temp"))
		if strings.Contains(got, "canary") || strings.Contains(got, "424242") || strings.Contains(got, "secret") {
			t.Errorf("%s the rollup: tenant one sees %s", when, got)
		}
		rollAll(t, s)
	}
	before := ask(t, s.ForTenant(two), d, "temp")
	was, err := s.ForTenant(one).Erase(t.Context(), d)
	if err != nil || was != (telemetry.Erased{Readings: 1, Events: 1}) {
		t.Errorf("erased %+v, %v", was, err)
	}
	if diff := cmp.Diff(before, ask(t, s.ForTenant(two), d, "temp")); diff != "" {
		t.Errorf("erasing the device of one tenant changed the other's:\n%s", diff)
	}
}

// Every view refuses to answer without a tenant.
func TestViewsCannotBeAskedWithoutATenant(t *testing.T) {
	s := openStore(t)
	for _, view := range []string{"readings_of", "events_of", "latest_of", "touched_of", "rollup_1m_of", "rollup_1h_of", "rollup_1d_of"} {
		for _, from := range []string{view, view + "()"} {
			if err := s.read.Exec(t.Context(), "SELECT * FROM "+from); err == nil {
				t.Errorf("%s answers without a tenant", from)
			}
		}
	}
}

func TestHostileNames(t *testing.T) {
	s, tenant, other, d := openStore(t), newTenant(), newTenant(), newDevice()
	insert(t, s, other, batch(d, packet(noon(), number("temp", 424242))))
	names := []string{
		`'`, `"`, "`", `\`, `\'`, `\\'`, `;`, `{device:String}`, `{`, `}`, `' OR 1=1 --`, `') UNION ALL SELECT 1, 424242 --`,
		"tab\there", "line\nbreak", "\r\n", "nul\x00byte", "ünïcödé", "日本語", "🙈", `%27`, `\N`, `NULL`, `*`, ` `, "-- x", "/* x */", strings.Repeat("x", 128),
	}
	b := batch(d)
	for i, name := range names {
		b.Packets = append(b.Packets, packet(noon()+telemetry.Micros(i)*second, number(name, float64(i)), text("text", name)))
	}
	insert(t, s, tenant, b)
	rollAll(t, s)
	for i, name := range names {
		got := ask(t, s.ForTenant(tenant), d, name)
		if len(got.Raw.Points) != 1 || got.Raw.Points[0].Value != float64(i) {
			t.Errorf("metric %q: got %+v", name, got.Raw.Points)
		}
		if got.Events[len(names)-1-i].Text != name {
			t.Errorf("text %q came back as %q", name, got.Events[len(names)-1-i].Text)
		}
	}
	// Ids are checked by their only constructor; should one slip through, it still is a value and not a statement.
	for _, name := range names {
		var n uint64
		row := s.read.QueryRow(t.Context(), "SELECT count() FROM readings_of(tenant = {tenant:String}) WHERE device = {device:String}", named("tenant", name), named("device", name))
		if err := row.Scan(&n); err != nil || n != 0 {
			t.Errorf("tenant %q: %d readings, %v", name, n, err)
		}
	}
}
