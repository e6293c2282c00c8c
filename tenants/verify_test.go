package tenants

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd/natstest"
)

// written is a log of two tenants, 20 messages long, with an anchor at 10 and one at its end.
func written(t *testing.T) ([]message, []Anchor) {
	t.Helper()
	s, made, js := claimed(t)
	second, err := s.CreateTenant(t.Context(), Actor{Person: made.Person.ID}, "Second")
	if err != nil {
		t.Fatal(err)
	}
	var anchors []Anchor
	for i := range 18 {
		mustCreate(t, s, []Tenant{made.Tenant, second}[i%2].ID, fmt.Sprint("pump-", i))
		if head := s.Head(); head.Position%10 == 0 {
			anchors = append(anchors, head)
		}
	}
	var log []message
	if err := readLog(t.Context(), js, span{last: 20}, func(m message) error {
		log = append(log, m)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return log, anchors
}

// rewritten puts messages into a stream that does not refuse deletion.
func rewritten(t *testing.T, log []message) jetstream.JetStream {
	t.Helper()
	_, _, js := natstest.Start(t)
	config := streamConfig(1)
	config.DenyDelete, config.DenyPurge = false, false
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for _, m := range log {
		if _, err := js.Publish(t.Context(), m.subject, m.data); err != nil {
			t.Fatal(err)
		}
	}
	return js
}

// forged gives every message of a log the link that fits the messages now before it.
func forged(t *testing.T, log []message) []message {
	t.Helper()
	s, c := new(State), newChain(foldWindow, 0, digest{})
	for i, m := range log {
		var e envelope
		if err := json.Unmarshal(m.data, &e); err != nil {
			t.Fatal(err)
		}
		e.After = s.link(m.subject)
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		log[i].data = data
		s.advance(c, m.subject, data)
	}
	return log
}

func edited(log []message, i int) []message {
	log[i].data = bytes.Replace(log[i].data, []byte(`"name":"pump-`), []byte(`"name":"bump-`), 1)
	return log
}

func deleted(t *testing.T, log []message, seq uint64) jetstream.JetStream {
	t.Helper()
	js := rewritten(t, log)
	stream, err := js.Stream(t.Context(), StreamName)
	if err == nil {
		err = stream.DeleteMsg(t.Context(), seq)
	}
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestTamperingIsFound(t *testing.T) {
	log, anchors := written(t)
	foreign, _ := written(t)
	for name, c := range map[string]struct {
		change   func([]message) jetstream.JetStream
		damage   Damage
		from, to uint64
		anchored bool // only anchors can tell
	}{
		"edited":             {func(l []message) jetstream.JetStream { return rewritten(t, edited(l, 6)) }, Altered, 7, 7, false},
		"edited at the end":  {func(l []message) jetstream.JetStream { return rewritten(t, edited(l, 19)) }, Altered, 11, 20, true},
		"edited and forged":  {func(l []message) jetstream.JetStream { return rewritten(t, forged(t, edited(l, 6))) }, Altered, 1, 10, true},
		"removed":            {func(l []message) jetstream.JetStream { return deleted(t, l, 7) }, Removed, 7, 7, false},
		"removed at the end": {func(l []message) jetstream.JetStream { return deleted(t, l, 20) }, Removed, 20, 20, false},
		"removed and closed up": {func(l []message) jetstream.JetStream {
			return rewritten(t, slices.Delete(l, 6, 7))
		}, Altered, 6, 7, false},
		"reordered": {func(l []message) jetstream.JetStream {
			l[6], l[7] = l[7], l[6]
			return rewritten(t, l)
		}, Altered, 6, 7, false},
		"reordered within a tenant": {func(l []message) jetstream.JetStream {
			l[6], l[8] = l[8], l[6]
			return rewritten(t, l)
		}, Altered, 6, 7, false},
		"inserted":            {func(l []message) jetstream.JetStream { return rewritten(t, slices.Insert(l, 6, l[4])) }, Altered, 6, 7, false},
		"truncated":           {func(l []message) jetstream.JetStream { return rewritten(t, l[:15]) }, Truncated, 16, 20, true},
		"truncated to none":   {func([]message) jetstream.JetStream { return rewritten(t, nil) }, Truncated, 1, 20, true},
		"garbage":             {func(l []message) jetstream.JetStream { l[6].data = []byte("{"); return rewritten(t, l) }, Altered, 6, 7, false},
		"replaced as a whole": {func([]message) jetstream.JetStream { return rewritten(t, slices.Clone(foreign)) }, Altered, 1, 10, true},
	} {
		t.Run(name, func(t *testing.T) {
			js := c.change(slices.Clone(log))
			_, err := VerifyChain(t.Context(), js, anchors)
			var found *ChainError
			if !errors.As(err, &found) || !errors.Is(err, ErrLog) || found.Damage != c.damage || found.From != c.from || found.To != c.to {
				t.Errorf("with anchors: %v, want %s %d to %d", err, c.damage, c.from, c.to)
			}
			if _, err := VerifyChain(t.Context(), js, nil); c.anchored != (err == nil) {
				t.Errorf("without anchors: %v", err)
			}
		})
	}
}

func TestVerifyChainOfASoundLog(t *testing.T) {
	log, anchors := written(t)
	js := rewritten(t, log)
	got, err := VerifyChain(t.Context(), js, append([]Anchor{{}}, anchors...))
	if err != nil || got.Head != anchors[1] || got.Anchors != 2 || got.Confirmed != 20 {
		t.Errorf("with anchors: %+v, %v", got, err)
	}
	if got, err := VerifyChain(t.Context(), js, anchors[:1]); err != nil || got.Confirmed != 19 {
		t.Errorf("nothing speaks for the last one: %+v, %v", got, err)
	}
	if _, err := VerifyChain(t.Context(), js, []Anchor{{Position: 1, Hash: "xyz"}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("an anchor that is none: %v", err)
	}
	_, _, empty := natstest.Start(t)
	if got, err := VerifyChain(t.Context(), empty, nil); err != nil || got.Head.Position != 0 {
		t.Errorf("no log: %+v, %v", got, err)
	}
}

// TestOpenSeesTampering: what the chain can tell without anchors ends the start.
func TestOpenSeesTampering(t *testing.T) {
	log, _ := written(t)
	for name, changed := range map[string][]message{
		"edited": edited(slices.Clone(log), 6), "moved": append(slices.Clone(log[:7]), log[8], log[7]),
	} {
		_, _, js := natstest.Start(t)
		if _, err := js.CreateStream(t.Context(), streamConfig(1)); err != nil {
			t.Fatal(err)
		}
		for _, m := range changed {
			if _, err := js.Publish(t.Context(), m.subject, m.data); err != nil {
				t.Fatal(err)
			}
		}
		var found *ChainError
		if _, err := Open(t.Context(), Options{JS: js, Log: slog.New(slog.DiscardHandler)}); !errors.As(err, &found) || found.From != 7 || found.To > 8 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChainWindow(t *testing.T) {
	c := newChain(3, 10, digest{10})
	for seq := uint64(11); seq < 20; seq++ {
		c.add(seq, digest{byte(seq)})
		for back := range uint64(5) {
			head, ok := c.at(seq - back)
			if want := back < 3 && seq-back >= 10; ok != want || ok && head != (digest{byte(seq - back)}) {
				t.Errorf("at %d, %d back: %v %v", seq, back, head[0], ok)
			}
		}
	}
	if _, ok := c.at(20); ok {
		t.Error("knows the future")
	}
}
