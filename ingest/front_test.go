package ingest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

func TestAcceptedPacketsAreInTheirLanes(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	r := b.mustPost(`[{"id":"m","values":{"temp":21.5}},{"id":"s","kind":"status","values":{"state":"idle"}},
		{"id":"l","kind":"logs","values":{"message":"hello"}},{"id":"x","values":{"temp":{}}}]`)
	if r.Accepted != 3 || r.Duplicates != 0 || fmt.Sprint(r.PacketIDs) != "[m s l]" || len(r.Rejected) != 1 || r.Rejected[0].Index != 3 {
		t.Fatalf("receipt %+v", r)
	}
	for lane, packet := range map[telemetry.Lane]string{telemetry.Standard: "m", telemetry.Critical: "s", telemetry.Bulk: "l"} {
		if got := b.inLane(lane); len(got) != 1 || got["t-acme/d-pump/"+packet] != 1 {
			t.Errorf("lane %v holds %v", lane, got)
		}
	}
	b.eachBatch(telemetry.Standard, func(tenant id.Tenant, batch *telemetry.Batch) {
		v := batch.Packets[0].Values[0]
		if tenant != pump.Tenant || batch.Device != pump.Device || batch.RetainDays != 400 || v.Name != "temp" || v.Num != 21.5 {
			t.Errorf("tenant %v, batch %+v", tenant, batch)
		}
	})
}

func TestEveryAcknowledgedPacketIsThereOnce(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	const senders, requests = 64, 20
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for n := range requests {
				body := fmt.Sprintf(`[{"id":"%d-%d-a","values":{"v":%d}},{"id":"%d-%d-b","values":{"v":1}}]`, s, n, n, s, n)
				for range 1 + n%2 { // every other one is sent twice
					if r, err := b.post(body); err != nil || r.Accepted != 2 {
						t.Errorf("%+v, %v", r, err)
					}
				}
			}
		})
	}
	wg.Wait()
	got := b.inLane(telemetry.Standard)
	if len(got) != senders*requests*2 {
		t.Errorf("%d packets are in the lane, %d were acknowledged", len(got), senders*requests*2)
	}
	for packet, times := range got {
		if times != 1 {
			t.Errorf("%s is there %d times", packet, times)
		}
	}
	stream, err := b.js.Stream(t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		t.Fatal(err)
	}
	if messages := stream.CachedInfo().State.Msgs; messages > senders*requests/2 {
		t.Errorf("%d messages for %d requests: they were not grouped", messages, senders*requests)
	}
}

func TestSyntaxIsRefusedAsAWhole(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	if _, err := b.post(`[{"a":1},`); !errors.Is(err, telemetry.ErrSyntax) {
		t.Errorf("got %v", err)
	}
	if got := b.inLane(telemetry.Standard); len(got) != 0 {
		t.Errorf("the lane holds %v", got)
	}
}

func TestLargeRequestIsSplit(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	values := make([]string, 50)
	for i := range values {
		values[i] = fmt.Sprintf(`"v%d":"%s"`, i, strings.Repeat("x", 4096))
	}
	packets := make([]string, 10) // two megabytes, of which NATS carries one in a message
	for i := range packets {
		packets[i] = fmt.Sprintf(`{"id":"%d","values":{%s}}`, i, strings.Join(values, ","))
	}
	if r := b.mustPost("[" + strings.Join(packets, ",") + "]"); r.Accepted != 10 {
		t.Errorf("receipt %+v", r)
	}
	if got := b.inLane(telemetry.Standard); len(got) != 10 {
		t.Errorf("the lane holds %v", got)
	}
}

func TestLimits(t *testing.T) {
	now := time.Now()
	b := open(t, t.TempDir(), func(o *Options) {
		o.Now = func() time.Time { return now }
		o.Limits = Limits{DevicePackets: 10, TenantPackets: 1000}
	})
	full := "[" + strings.Repeat(`{"a":1},`, telemetry.MaxPackets-1) + `{"a":1}]`
	b.mustPost(full)
	_, err := b.post(`{"a":1}`)
	var limit *LimitError
	if !errors.Is(err, ErrLimited) || !errors.As(err, &limit) || limit.Scope != "device" || limit.Max != 10 || limit.Current < 100 {
		t.Fatalf("got %v", err)
	}
	now = now.Add(limit.RetryAfter)
	b.mustPost(`{"a":1}`)
	_, err = b.post(full)
	if !errors.As(err, &limit) {
		t.Fatalf("got %v", err)
	}
	now = now.Add(limit.RetryAfter)
	b.mustPost(full) // a request is never too large for ever
}

func TestBeyondItsShareATenantGoesToBulk(t *testing.T) {
	now := time.Now()
	b := open(t, t.TempDir(), func(o *Options) {
		o.Now = func() time.Time { return now }
		o.Limits = Limits{TenantPackets: 2000, TenantShare: 100}
	})
	body := func(n int) string { // a hundred measurements, and an alarm
		packets := make([]string, 100, 101)
		for i := range packets {
			packets[i] = fmt.Sprintf(`{"id":"%d-%d","values":{"a":1}}`, n, i)
		}
		return "[" + strings.Join(append(packets, fmt.Sprintf(`{"id":"s%d","kind":"status","values":{"a":1}}`, n)), ",") + "]"
	}
	demoted := 0
	for n := range 15 { // a burst of a thousand is within the share
		demoted += b.mustPost(body(n)).Demoted
	}
	if demoted != 500 || len(b.inLane(telemetry.Standard)) != 1000 || len(b.inLane(telemetry.Bulk)) != 500 || len(b.inLane(telemetry.Critical)) != 15 {
		t.Errorf("%d were demoted", demoted)
	}
	other := Principal{Tenant: "t-other", Device: "d-pump"}
	if r, err := b.Accept(t.Context(), other, Request{Body: []byte(body(0))}); err != nil || r.Demoted != 0 {
		t.Errorf("another tenant: %+v, %v", r, err)
	}
	now = now.Add(time.Second)
	if r := b.mustPost(body(16)); r.Demoted != 0 {
		t.Errorf("within its share again: %+v", r)
	}
}

func TestRejectedPacketsAreKept(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	for i := range 3 {
		if _, err := b.post(fmt.Sprintf("{\"temp%d\":\"\xff\"}", i)); !errors.Is(err, ErrNothingAccepted) {
			t.Fatalf("got %v", err)
		}
	}
	got, err := b.Rejected(t.Context(), pump.Tenant, pump.Device, 2)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if r := got[0]; r.Code != "invalid_utf8" || r.Pointer != "/temp2" || r.Raw != "{\"temp2\":\"\xff\"}" || r.Device != pump.Device || r.Received == 0 {
		t.Errorf("newest is %+v", r)
	}
	if other, err := b.Rejected(t.Context(), "t-other", pump.Device, 10); err != nil || len(other) != 0 {
		t.Errorf("another tenant reads %+v, %v", other, err)
	}
	flood := "[" + strings.Repeat(`{},`, 999) + `{}]`
	if _, err := b.post(flood); !errors.Is(err, ErrNothingAccepted) {
		t.Fatal(err)
	}
	if got, err = b.Rejected(t.Context(), pump.Tenant, pump.Device, 1000); err != nil || len(got) > keptBurst+5 || len(got) < keptBurst {
		t.Errorf("%d are kept, %v", len(got), err)
	}
}

func TestAttemptsAreTold(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	sub, err := b.conn.SubscribeSync("try.>")
	if err != nil {
		t.Fatal(err)
	}
	key := AddressKey("192.0.2.7:1234")
	b.Refused(pump.Tenant, pump.Device, telemetry.Attempt{Status: 400, Detail: "bad", Transport: "HTTP"})
	b.RefusedUnknown(key, telemetry.Attempt{Status: 401, Detail: "unknown token"})
	for _, want := range []string{"try.t-acme.d-pump", "try._." + key} {
		m, err := sub.NextMsg(5 * time.Second)
		if err != nil || m.Subject != want || !strings.Contains(string(m.Data), `"status":40`) {
			t.Errorf("%v, %v", m, err)
		}
	}
	if AddressKey("192.0.2.7:9") != key || AddressKey("::ffff:192.0.2.7") != key || AddressKey("192.0.2.8") == key {
		t.Error("the key does not follow the address")
	}
	if AddressKey("[2001:db8::1]:1") != AddressKey("2001:db8::2") || AddressKey("2001:db8:0:1::1") == AddressKey("2001:db8::1") {
		t.Error("the key does not follow the network")
	}
}
