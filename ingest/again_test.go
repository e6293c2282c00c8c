package ingest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// keptOf lists what is kept of the pump.
func (b *bench) keptOf(q RejectedQuery) []KeptPacket {
	b.t.Helper()
	var kept []KeptPacket
	if err := b.EachRejected(b.t.Context(), pump.Tenant, q, func(k KeptPacket) { kept = append(kept, k) }); err != nil {
		b.t.Fatal(err)
	}
	return kept
}

// keep puts a packet among the rejected ones of a device, as ingest and processors do.
func (b *bench) keep(r telemetry.RejectedPacket) KeptPacket {
	b.t.Helper()
	ack, err := b.js.Publish(b.t.Context(), telemetry.RejectedSubject(pump.Tenant, r.Device), telemetry.EncodeRejected(&r))
	if err != nil {
		b.t.Fatal(err)
	}
	return KeptPacket{ack.Sequence, r}
}

func TestRejectedPacketIsAcceptedOnceItsCauseIsMended(t *testing.T) {
	hour := time.Duration(0)
	b := open(t, t.TempDir(), func(o *Options) { o.Now = func() time.Time { return time.Now().Add(hour) } })
	ahead := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	if _, err := b.post(`[{"ts":"` + ahead + `","values":{"temp":1}},{"ts":"` + ahead + `","values":{"temp":{}}}]`); !errors.Is(err, ErrNothingAccepted) {
		t.Fatal(err)
	}
	kept := b.keptOf(RejectedQuery{Device: pump.Device})
	if len(kept) != 2 || kept[0].Code != "ts_in_future" || kept[0].Cut {
		t.Fatalf("kept %+v", kept)
	}
	if refused := b.TryAgain(pump, &kept[0].RejectedPacket); refused == nil || refused.Code != "ts_in_future" {
		t.Errorf("too early it would be %+v", refused)
	}
	hour = time.Hour
	if refused := b.TryAgain(pump, &kept[0].RejectedPacket); refused != nil {
		t.Errorf("it would be refused: %+v", refused)
	}
	if refused := b.TryAgain(pump, &kept[1].RejectedPacket); refused == nil || refused.Code != "value_type" {
		t.Errorf("the other one would be %+v", refused)
	}
	for range 2 { // the second time it is known
		if refused, err := b.Redrive(t.Context(), pump, &kept[0].RejectedPacket); refused != nil || err != nil {
			t.Fatalf("%+v, %v", refused, err)
		}
	}
	if in := b.inLane(telemetry.Standard); len(in) != 1 {
		t.Errorf("the lane holds %v", in)
	}
}

func TestPacketWithoutTimeKeepsTheTimeOfItsArrival(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	past := telemetry.At(time.Now().Add(-20 * time.Hour))
	r := telemetry.RejectedPacket{Device: pump.Device, Received: past, Rejection: telemetry.Rejection{Code: "old_rule", Raw: `{"temp":21.5}`}}
	for range 2 {
		if refused, err := b.Redrive(t.Context(), pump, &r); refused != nil || err != nil {
			t.Fatalf("%+v, %v", refused, err)
		}
	}
	count := 0
	b.eachBatch(telemetry.Standard, func(_ id.Tenant, batch *telemetry.Batch) {
		count++
		if p := batch.Packets[0]; p.Time != past || batch.Received != past || p.ID == "" {
			t.Errorf("in the lane as %+v, received %d", p, batch.Received)
		}
	})
	if count != 1 {
		t.Errorf("%d batches in the lane", count)
	}
}

// What was accepted and could not be stored is known to the window, and must go again all the same.
func TestPoisonGoesAgainAlthoughItWasAccepted(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	b.mustPost(`{"id":"p-1","ts":"` + now + `","values":{"temp":21.5,"state":"on","ok":true}}`)
	var raw string
	b.eachBatch(telemetry.Standard, func(_ id.Tenant, batch *telemetry.Batch) {
		raw = string(telemetry.AppendPacketJSON(nil, &batch.Packets[0]))
	})
	poison := telemetry.RejectedPacket{Device: pump.Device, Received: telemetry.At(time.Now()), Rejection: telemetry.Rejection{Code: telemetry.StorageRefused, Raw: raw}}
	if refused := b.TryAgain(pump, &poison); refused != nil {
		t.Fatalf("%+v", refused)
	}
	if refused, err := b.Redrive(t.Context(), pump, &poison); refused != nil || err != nil {
		t.Fatalf("%+v, %v", refused, err)
	}
	var packets []telemetry.Packet
	b.eachBatch(telemetry.Standard, func(_ id.Tenant, batch *telemetry.Batch) { packets = append(packets, batch.Packets...) })
	if len(packets) != 2 || packets[0].ContentHash() != packets[1].ContentHash() || packets[0].ID != packets[1].ID {
		t.Errorf("in the lane: %+v", packets)
	}
}

func TestOnePacketNeverBecomesSeveral(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	for _, raw := range []string{`[{"a":1},{"b":2}]`, "[\n{\"a\":1}]", `{"a":1},{"b":2}`, `{"a":1} {"b":2}`, "", `{"a":`} {
		r := telemetry.RejectedPacket{Device: pump.Device, Received: 1, Rejection: telemetry.Rejection{Code: "x", Raw: raw}}
		if refused, err := b.Redrive(t.Context(), pump, &r); refused == nil || err != nil {
			t.Errorf("%q: %+v, %v", raw, refused, err)
		}
	}
	cut := telemetry.RejectedPacket{Device: pump.Device, Rejection: telemetry.Rejection{Code: "x", Raw: `{"a":1}`, Cut: true}}
	if refused := b.TryAgain(pump, &cut); refused == nil || refused.Code != "not_kept_whole" {
		t.Errorf("cut: %+v", refused)
	}
	several := telemetry.RejectedPacket{Device: pump.Device, Received: telemetry.At(time.Now()), Rejection: telemetry.Rejection{Code: "x", Raw: "{\n\"a\": 1\n}"}}
	if refused, err := b.Redrive(t.Context(), pump, &several); refused != nil || err != nil {
		t.Errorf("with line breaks: %+v, %v", refused, err)
	}
}

func TestReusedIDIsKeptWhole(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	b.mustPost(`{"id":"p-1","values":{"temp":1}}`)
	if _, err := b.post(`{"id":"p-1","values":{"temp":2}}`); !errors.Is(err, ErrNothingAccepted) {
		t.Fatal(err)
	}
	kept := b.keptOf(RejectedQuery{})
	if len(kept) != 1 || !strings.Contains(kept[0].Raw, `"temp":2`) {
		t.Fatalf("kept %+v", kept)
	}
	if refused := b.TryAgain(pump, &kept[0].RejectedPacket); refused == nil || refused.Code != "id_reused" {
		t.Errorf("it would be %+v", refused)
	}
}

func TestForgettingAndRewording(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	var all []KeptPacket
	for n := range 5 {
		all = append(all, b.keep(telemetry.RejectedPacket{Device: pump.Device, Received: telemetry.Micros(n + 1), Rejection: telemetry.Rejection{Code: "old", Raw: fmt.Sprint(n)}}))
	}
	if err := b.Forget(t.Context(), "t-other", &all[0]); !errors.Is(err, ErrRejectedGone) {
		t.Errorf("another tenant forgets it: %v", err)
	}
	if err := b.Forget(t.Context(), pump.Tenant, &all[0]); err != nil {
		t.Fatal(err)
	}
	if err := b.Forget(t.Context(), pump.Tenant, &all[0]); !errors.Is(err, ErrRejectedGone) {
		t.Errorf("forgotten twice: %v", err)
	}
	if err := b.Reword(t.Context(), pump.Tenant, &all[1], telemetry.Rejection{Code: "new", Detail: "why"}); err != nil {
		t.Fatal(err)
	}
	kept := b.keptOf(RejectedQuery{})
	if len(kept) != 4 || kept[3].Code != "new" || kept[3].Raw != "1" || kept[3].Received != 2 {
		t.Errorf("kept %+v", kept)
	}
	if page := b.keptOf(RejectedQuery{From: all[2].Sequence, Limit: 2}); len(page) != 2 || page[0].Sequence != all[2].Sequence {
		t.Errorf("a page is %+v", page)
	}
}

func TestLargePacketsAreKeptWholeWithinTheTenantsShare(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	raw := strings.Repeat("x", telemetry.MaxRaw)
	whole := 0
	for b.bounded(pump.Tenant, telemetry.Rejection{Raw: raw}).Cut == false {
		if whole++; whole > 2*wholeBurst/telemetry.MaxRaw {
			t.Fatal("there is no bound")
		}
	}
	if got := b.bounded(pump.Tenant, telemetry.Rejection{Raw: raw}); len(got.Raw) != leastRaw || !got.Cut {
		t.Errorf("beyond it %d bytes are kept, cut: %v", len(got.Raw), got.Cut)
	}
	if got := b.bounded("t-other", telemetry.Rejection{Raw: raw}); got.Cut {
		t.Error("another tenant's packet is cut")
	}
}
