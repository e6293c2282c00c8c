package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// spoil changes one byte in the middle of the data of a table's only part.
func spoil(t *testing.T, s *Store, table string) {
	t.Helper()
	var dir string
	row := s.write.QueryRow(t.Context(), "SELECT path FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String}", named("table", table))
	if err := row.Scan(&dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "data.bin")
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bytes[len(bytes)/2] ^= 0x10
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
}

func damaged(t *testing.T) (*Store, id.Tenant, id.Device) {
	t.Helper()
	s, tenant, d := openStore(t), newTenant(), newDevice()
	one := batch(d)
	for i := range telemetry.Micros(5000) {
		one.Packets = append(one.Packets, packet(noon()+i*second, number("temp", float64(i)*1.7)))
	}
	insert(t, s, tenant, one)
	if all, err := s.CheckParts(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("before: %v, %v", all, err)
	}
	spoil(t, s, "readings")
	return s, tenant, d
}

func TestDamageIsFoundAndNeverAnswered(t *testing.T) {
	s, tenant, d := damaged(t)
	all, err := s.CheckParts(t.Context())
	if err != nil || len(all) != 1 || all[0].Table != "readings" || all[0].Part == "" {
		t.Errorf("found %+v, %v", all, err)
	}
	err = s.ForTenant(tenant).Each(t.Context(), telemetry.SeriesQuery{Device: d, Metric: "temp", From: noon(), To: noon() + day}, func(p telemetry.Point) error {
		if want := float64((p.Time-noon())/second) * 1.7; p.Value != want {
			t.Fatalf("%v is %v, want %v", p.Time, p.Value, want)
		}
		return nil
	})
	if !errors.Is(err, ErrDamaged) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestPartsSetAsideFailTheHealthCheck(t *testing.T) {
	s, _, _ := damaged(t)
	if err := s.Undamaged(t.Context()); err != nil {
		t.Errorf("nothing is set aside yet: %v", err)
	}
	// As at the next start, when the index of a part is missing.
	var dir string
	if err := s.write.QueryRow(t.Context(), "SELECT path FROM system.parts WHERE active AND database = currentDatabase() AND table = 'readings'").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "checksums.txt"), 7); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"DETACH TABLE readings", "ATTACH TABLE readings"} {
		if err := s.write.Exec(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	if err := s.Undamaged(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
