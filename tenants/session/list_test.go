package session

import (
	"errors"
	"testing"
	"time"

	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
)

func TestAPersonSeesAndEndsTheOwnSessions(t *testing.T) {
	_, _, js := natstest.Start(t)
	var c clock
	a, b := start(t, Options{JS: js, Now: c.now}), start(t, Options{JS: js, Now: c.now})
	other, _ := mustCreate(t, a)
	first, person := mustCreate(t, a)
	c.forward(time.Minute)
	proved := c.now().UTC().Truncate(time.Second)
	second, err := b.Create(t.Context(), person, Meta{UserAgent: "Phone", Provider: "i-1", ProviderSession: "s1", Proved: proved})
	if err != nil {
		t.Fatal(err)
	}
	list, err := a.List(t.Context(), person)
	if err != nil || len(list) != 2 || list[0].Meta != (Meta{UserAgent: "Phone", Provider: "i-1", ProviderSession: "s1", Proved: proved}) {
		t.Fatalf("listed %+v, %v", list, err)
	}
	if mine, err := b.Get(t.Context(), second); err != nil || mine.ID != list[0].ID || mine.ID == "" {
		t.Errorf("the session is %+v, %v", mine, err)
	}
	ended, err := b.End(t.Context(), person, func(s Session) bool { return s.Meta.Provider == "" })
	if err != nil || ended != 1 {
		t.Errorf("ended %d, %v", ended, err)
	}
	if took := eventuallyNone(t, a, first); took > 5*time.Second {
		t.Errorf("the session lived on for %s", took)
	}
	for _, token := range []string{other, second} {
		if _, err := a.Get(t.Context(), token); err != nil {
			t.Errorf("another session: %v", err)
		}
	}
	c.forward(DefaultIdle)
	if list, err := a.List(t.Context(), person); err != nil || len(list) != 0 {
		t.Errorf("listed sessions that are over: %+v, %v", list, err)
	}
	if list, err := a.List(t.Context(), id.New[id.Person]()); err != nil || len(list) != 0 {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestSessionsEndByTheirProvidersName(t *testing.T) {
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js})
	var tokens []string
	for _, name := range []string{"s1", "s1", "s2", ""} {
		token, err := s.Create(t.Context(), id.New[id.Person](), Meta{Provider: "i-1", ProviderSession: name})
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	ended, err := s.EndEverywhere(t.Context(), func(s Session) bool { return s.Meta.ProviderSession == "s1" })
	if err != nil || ended != 2 {
		t.Errorf("ended %d, %v", ended, err)
	}
	for i, token := range tokens {
		if _, err := s.Get(t.Context(), token); (err == nil) != (i >= 2) {
			t.Errorf("session %d: %v", i, err)
		}
	}
}

func TestATokenOpensOnlyWhereItsPersonSays(t *testing.T) {
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js})
	token, person := mustCreate(t, s)
	moved := string(id.New[id.Person]()) + token[len(person):]
	if _, err := s.Get(t.Context(), moved); !errors.Is(err, ErrNone) {
		t.Errorf("with another person's name: %v", err)
	}
}
