package tenants

import (
	"sync/atomic"
	"testing"
	"time"

	"longwave/ingest/natsd/natstest"
)

func TestWhatIsLookedAtIsWrittenDownOnceAnHour(t *testing.T) {
	_, _, js := natstest.Start(t)
	var later atomic.Int64
	s := start(t, Options{JS: js, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	made := claim(t, s)
	ada, err := s.Enter(made.Person.ID, made.Tenant.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	look := func(l Look) uint64 {
		t.Helper()
		l.Address = "192.0.2.9"
		if err := s.NoteSight(t.Context(), ada, l); err != nil {
			t.Fatal(err)
		}
		return s.State().Position()
	}
	before := s.State().Position()
	first := look(Look{What: OpenedKeys})
	if again := look(Look{What: OpenedKeys}); first != before+1 || again != first {
		t.Errorf("two looks took the log from %d to %d and %d", before, first, again)
	}
	if other := look(Look{What: OpenedProvider, Thing: "i-1"}); other != first+1 {
		t.Errorf("another thing is at %d", other)
	}
	later.Store(int64(sightEvery))
	if at := look(Look{What: OpenedKeys}); at != first+2 {
		t.Errorf("an hour later: %d", at)
	}
	page, err := s.History(t.Context(), made.Tenant.ID, HistoryQuery{About: TheTenant, Limit: 1})
	if err != nil || len(page.Past) != 1 || page.Past[0].Did != "looked at the API keys of" || page.Past[0].By != "Ada" || page.Past[0].Actor.Address != "192.0.2.9" {
		t.Errorf("the audit has %+v, %v", page.Past, err)
	}
}

func TestSightsAreForgottenWhenThereAreTooMany(t *testing.T) {
	all, now := newSights(), time.Now()
	for i := range maxSights + 1 {
		all.noted(sight{thing: time.Duration(i).String()}, now)
	}
	if len(all.last) > maxSights {
		t.Errorf("%d are remembered", len(all.last))
	}
}
