package simulate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// TestBodyIsWhatTheServerReads sends every kind of packet that a source makes through the decoder of the server.
func TestBodyIsWhatTheServerReads(t *testing.T) {
	now := time.Now()
	h, err := newHostSource("sim-", now)
	if err != nil {
		t.Fatal(err)
	}
	machine := newInvented(&Config{Devices: 1, Rate: 1000, Prefix: "sim-"}, 0, now.Add(-time.Hour))
	packets := []telemetry.Packet{h.next(t.Context())}
	kinds := make(map[telemetry.Kind]bool)
	for len(packets) < 1000 {
		p := machine.next(t.Context())
		kinds[p.Kind] = true
		packets = append(packets, p)
	}
	packets[1].Values = append(packets[1].Values, telemetry.Value{Name: "odd \"name\"", Type: telemetry.Text, Text: "größer\t\\"})
	decoded, err := telemetry.Decode(Body(packets), telemetry.DecodeOptions{Now: telemetry.At(time.Now()), Device: id.New[id.Device]()})
	if err != nil || len(decoded.Rejected) != 0 {
		t.Fatalf("%v, rejected: %+v", err, decoded.Rejected)
	}
	if diff := cmp.Diff(packets, decoded.Packets); diff != "" {
		t.Errorf("sent and read differ:\n%s", diff)
	}
	if !kinds[telemetry.KindStatus] || !kinds[telemetry.KindMetrics] {
		t.Errorf("a thousand packets of an invented machine are of the kinds %v", kinds)
	}
}
