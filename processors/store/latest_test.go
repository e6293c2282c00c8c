package store

import (
	"errors"
	"testing"

	"longwave/tenants/id"
)

func TestLatestOfManyDevices(t *testing.T) {
	s, tenant, stranger := openStore(t), newTenant(), newTenant()
	a, b, silent, foreign := newDevice(), newDevice(), newDevice(), newDevice()
	insert(t, s, tenant, batch(a, packet(noon(), number("temp", 1), number("hum", 2))), batch(b, packet(noon()+second, number("temp", 3))))
	insert(t, s, stranger, batch(foreign, packet(noon(), number("temp", 4))))
	r := s.ForTenant(tenant)
	got, err := r.LatestOf(t.Context(), []id.Device{a, b, silent, foreign})
	if err != nil || len(got) != 2 || len(got[a]) != 2 || got[a][0].Metric != "hum" || len(got[b]) != 1 || got[b][0].Value.Num != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := r.LatestOf(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("of none: %+v, %v", got, err)
	}
	if _, err := r.LatestOf(t.Context(), make([]id.Device, maxLatest+1)); !errors.Is(err, ErrInvalid) {
		t.Errorf("of too many: %v", err)
	}
}
