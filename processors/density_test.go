package processors

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

func TestDensityFollowsWhatDevicesSend(t *testing.T) {
	var d density
	if _, known := d.estimate(3); known {
		t.Error("it is known before anything was read")
	}
	if packets, known := d.estimate(0); packets != 0 || !known {
		t.Error("nothing is not nothing")
	}
	d.saw(100, 4000)
	if packets, _ := d.estimate(7); packets != 280 {
		t.Errorf("7 messages of 40 packets are %d packets", packets)
	}
	for range 20 {
		d.saw(densityMemory, densityMemory)
	}
	if packets, _ := d.estimate(1000); packets < 1000 || packets > 1010 {
		t.Errorf("after a change to one packet in each, 1000 messages are said to be %d packets", packets)
	}
}

func TestLagIsToldInPackets(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	p.publish(telemetry.Standard, tenant, batch(device, 0, 10))
	r, stop := p.start(p.store)
	p.settled(r)
	stop()
	for n := range 3 {
		p.publish(telemetry.Standard, tenant, batch(device, 100*n, 10))
	}
	lags, err := r.Lag(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, lag := range lags {
		if lag.Lane == telemetry.Standard && (lag.Messages != 3 || lag.Packets != 30 || !lag.PacketsKnown) {
			t.Errorf("%+v, want 3 messages of about 30 packets", lag)
		}
	}
	if got := testutil.CollectAndCount(newLagCollector(r), "longwave_consumer_lag_packets_estimate"); got != 3 {
		t.Errorf("%d lanes tell packets, want all: two have none waiting", got)
	}
}
