package ingest

import (
	"errors"
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

// What a deleted tenant leaves open in a lane is no damage at the next start; what somebody else removes later is.
func TestRemovedTenantIsNoDamage(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	other := Principal{Tenant: "t-other", Device: "d-other"}
	for range 3 {
		b.mustPost(`{"temp":1}`)
		if _, err := b.Accept(t.Context(), other, Request{Body: []byte(`{"temp":2}`), Transport: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	b.mustPost(`{"temp":3}`)
	if n, err := b.Kept(t.Context(), telemetry.Standard, other.Tenant); err != nil || n != 3 {
		t.Fatalf("%d messages are kept, %v", n, err)
	}
	for range 2 { // the second time there is nothing left
		if err := b.RemoveTenant(t.Context(), telemetry.Standard, other.Tenant); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := b.Kept(t.Context(), telemetry.Standard, other.Tenant); err != nil || n != 0 {
		t.Fatalf("%d messages are left, %v", n, err)
	}
	b.restart()
	if d := b.Damage()[telemetry.Standard]; d.any() {
		t.Errorf("the next start finds %+v", d)
	}
	b.mustPost(`{"temp":4}`)
	b.mustPost(`{"temp":5}`)
	stream, err := b.js.Stream(t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), stream.CachedInfo().State.LastSeq-1); err != nil {
		t.Fatal(err)
	}
	b.restart()
	if d := b.Damage()[telemetry.Standard]; d.Missing != 1 {
		t.Errorf("a message that somebody removed is not noticed: %+v", d)
	}
}

// restart opens ingest again on the same broker.
func (b *bench) restart() {
	b.t.Helper()
	if err := b.Close(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.reopen(nil)
}

// A tenant's own limit takes the place of the installation's, in packets and in readings.
func TestTenantsOwnLimits(t *testing.T) {
	q := newQuota(Limits{TenantPackets: 1_000_000})
	now := time.Unix(0, 0)
	own := Principal{Tenant: "t-own", Device: "d-1", Limits: TenantLimits{Packets: 10, Readings: 50}}
	if err := q.take(own, demand{packets: telemetry.MaxPackets, readings: 10}, now); err != nil {
		t.Fatalf("one whole request: %v", err)
	}
	limit := limitOf(t, q.take(own, demand{packets: 1, readings: 1}, now))
	if limit.Name != "packets_per_second" || limit.Scope != "tenant" || limit.Max != 10 {
		t.Errorf("met %+v", limit)
	}
	few := Principal{Tenant: "t-few", Device: "d-2", Limits: TenantLimits{Readings: 50}}
	if err := q.take(few, demand{packets: 1, readings: 5000}, now); err != nil {
		t.Fatalf("a request with many readings: %v", err)
	}
	if limit := limitOf(t, q.take(few, demand{packets: 1, readings: 60}, now)); limit.Name != "readings_per_second" || limit.Max != 50 {
		t.Errorf("met %+v", limit)
	}
	if err := q.take(Principal{Tenant: "t-other", Device: "d-3"}, demand{packets: 500, readings: 5000}, now); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	if rates := q.rates(now); rates["t-other"] != 50 {
		t.Errorf("rates %v", rates)
	}
}

func limitOf(t *testing.T, err error) *LimitError {
	t.Helper()
	var limit *LimitError
	if !errors.As(err, &limit) {
		t.Fatalf("no limit was met: %v", err)
	}
	return limit
}
