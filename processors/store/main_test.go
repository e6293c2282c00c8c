package store

import (
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"longwave/ingest/telemetry"
	"longwave/processors/engine/enginetest"
	"longwave/tenants/id"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// open connects to a fresh database whose rollups do not wait.
func openStore(t testing.TB) *Store {
	t.Helper()
	writer, reader := enginetest.Database(t)
	s, err := Open(t.Context(), Options{Connect: writer, Reader: reader, Rest: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newTenant() id.Tenant { return id.New[id.Tenant]() }
func newDevice() id.Device { return id.New[id.Device]() }

// noon is the beginning of the test data: in the past, so that its windows are over, and within the retention.
func noon() telemetry.Micros {
	return telemetry.At(time.Now().UTC().Truncate(24 * time.Hour).Add(-60 * time.Hour))
}

const (
	second = telemetry.Micros(1_000_000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

func named(name string, value any) any { return clickhouse.Named(name, value) }

func number(name string, v float64) telemetry.Value { return telemetry.Value{Name: name, Num: v} }
func text(name, v string) telemetry.Value {
	return telemetry.Value{Name: name, Text: v, Type: telemetry.Text}
}

func packet(at telemetry.Micros, values ...telemetry.Value) telemetry.Packet {
	return telemetry.Packet{Time: at, Values: values}
}

func batch(d id.Device, packets ...telemetry.Packet) *telemetry.Batch {
	return &telemetry.Batch{Device: d, Packets: packets, Received: telemetry.At(time.Now()), RetainDays: 400}
}

func insert(t testing.TB, s *Store, tenant id.Tenant, batches ...*telemetry.Batch) {
	t.Helper()
	var b Block
	for _, one := range batches {
		b.Add(tenant, one)
	}
	if err := s.Insert(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
}

// rollAll rolls up until nothing is left.
func rollAll(t testing.TB, s *Store) (windows int) {
	t.Helper()
	for {
		n, err := s.Rollup(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return windows
		}
		windows += n
	}
}

// optimize merges a table to its end, which lets expired and repeated rows go.
func optimize(t testing.TB, s *Store, table string) {
	t.Helper()
	if err := s.write.Exec(t.Context(), "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
		t.Fatal(err)
	}
}
