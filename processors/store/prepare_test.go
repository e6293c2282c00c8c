package store

import (
	"errors"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/engine/enginetest"
)

// A program starts while ClickHouse is down: nothing is refused for good, and everything works once it is prepared.
func TestUnpreparedStoreAsksToTryAgain(t *testing.T) {
	writer, _ := enginetest.Database(t)
	s, err := New(Options{Connect: writer})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var b Block
	b.Add("t-one", &telemetry.Batch{Device: "d-one", RetainDays: 30, Packets: []telemetry.Packet{{
		ID: "1", Time: telemetry.At(time.Now()), Values: []telemetry.Value{{Name: "temp", Num: 1}},
	}}})
	_, reading := s.ForTenant("t-one").Latest(t.Context(), "d-one")
	_, rolling := s.Rollup(t.Context())
	for what, err := range map[string]error{"insert": s.Insert(t.Context(), &b), "read": reading, "rollup": rolling} {
		if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRefused) {
			t.Errorf("%s before Prepare: %v", what, err)
		}
	}
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Insert(t.Context(), &b); err != nil {
		t.Errorf("insert after Prepare: %v", err)
	}
}
