package tenants

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

const (
	// traceMessages bounds what is read to put together what one thing was: a few seconds of a large tenant.
	traceMessages = 200_000

	// traceBatch messages are asked for at once.
	traceBatch = 512

	// traceIdle ends what the broker keeps for a trace that was broken off.
	traceIdle = 30 * time.Second

	// traces is how many are made at the same time; the others wait their turn.
	traces = 2

	// traceKept is how many changes of a thing are handed out, the newest.
	traceKept = 200

	// longestThing bounds the text that names a thing.
	longestThing = 200
)

// TheTenant is the Past.Subject of what was done to the tenant itself.
const TheTenant = "the tenant"

// Was is what a thing was at an instant.
type Was struct {
	Name   string // what it was called
	Exists bool   // it had been made and was not deleted
	Facts  []Fact
	Text   string // the whole of what was written, for what is written as a text
	Past   []Past // what was done to it until today, newest first, the newest traceKept
}

// Fact is one thing that was true.
type Fact struct{ What, Value string }

// Trace asks what a thing of a tenant was, or of the platform where the tenant is empty.
type Trace struct {
	Tenant id.Tenant
	Thing  string    // as in Past.Subject
	At     time.Time // changes of that instant are in it
}

// AsItWas folds the changes that were made to one thing until an instant into what it was then. It reads the log of its
// tenant from the beginning, of a device from its creation, and looks only at messages in which the thing is named. It
// returns ErrNotFound for what the log has nothing about, a *LimitError when there are more than 200,000 changes to look
// through, and ErrUnavailable when the broker does not answer in time.
func (s *Service) AsItWas(ctx context.Context, q Trace) (Was, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	select {
	case s.tracing <- struct{}{}:
		defer func() { <-s.tracing }()
	case <-ctx.Done():
		return Was{}, fmt.Errorf("as it was: %w: %w", ErrUnavailable, ctx.Err())
	}
	t := tracer{Trace: q, state: s.State(), subject: platformSubject, facts: newFacts(), before: newFacts()}
	if q.Tenant != "" {
		t.subject = tenantSubject(q.Tenant)
	}
	if err := s.trace(ctx, &t); err != nil {
		return Was{}, fmt.Errorf("as it was: %w", err)
	}
	return t.was()
}

// tracer puts together what a thing was, from the messages of its subject in their order.
type tracer struct {
	Trace
	state   *State
	subject string
	facts   *facts // until the instant
	before  *facts // what was so before the first change after it, where nothing older says anything
	name    string
	past    []Past
}

// trace hands every message of the subject that names the thing to a tracer.
func (s *Service) trace(ctx context.Context, t *tracer) error {
	last, ok := t.state.subjects.Get(t.subject)
	needle := t.needle()
	if !ok || len(needle) == 0 {
		return ErrNotFound
	}
	messages, err := s.openTrace(ctx, t)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer messages.Stop()
	for first := true; ; first = false {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if first && meta.NumPending >= traceMessages {
			return &LimitError{Name: "changes to look through", Max: traceMessages}
		}
		if bytes.Contains(m.Data(), needle) {
			if err := t.take(meta.Sequence.Stream, m.Data()); err != nil {
				return err
			}
		}
		if meta.Sequence.Stream >= last || meta.NumPending == 0 {
			return nil
		}
	}
}

// openTrace begins where the thing may have begun. A clock may have stood an hour wrong.
func (s *Service) openTrace(ctx context.Context, t *tracer) (jetstream.MessagesContext, error) {
	from := jetstream.OrderedConsumerConfig{FilterSubjects: []string{t.subject}, InactiveThreshold: traceIdle}
	if d, ok := t.state.Device(t.Tenant, id.Device(t.Thing)); ok {
		since := d.Created.Add(-time.Hour)
		from.DeliverPolicy, from.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
	}
	consumer, err := s.js.OrderedConsumer(ctx, StreamName, from)
	if err != nil {
		return nil, err
	}
	return consumer.Messages(jetstream.PullMaxMessages(traceBatch))
}

// needle is what stands in every message that is about the thing; nothing for what can be no thing.
func (t *tracer) needle() []byte {
	if t.Thing == TheTenant {
		return []byte(`"type":"tenant.`)
	}
	if t.Thing == "" || len(t.Thing) > longestThing {
		return nil
	}
	quoted, err := json.Marshal(t.Thing)
	if err != nil {
		return nil
	}
	return quoted
}

// take looks at the events of one message.
func (t *tracer) take(position uint64, data []byte) error {
	at, message, err := open(t.subject, data)
	if err != nil {
		return err
	}
	for _, r := range message.Events {
		e, err := decodeEvent(r)
		if err != nil {
			return err
		}
		p := Past{Position: position, At: message.At, Actor: message.Actor, By: message.Actor.words(t.state, at.tenant), Type: r.Type}
		e.tell(&p)
		if p.Subject != t.Thing {
			continue
		}
		t.past = append(t.past, p)
		if p.At.After(t.At) {
			t.before.lead(e, p)
			continue
		}
		if p.Name != "" {
			t.name = p.Name
		}
		t.facts.take(e, p)
	}
	return nil
}

func (t *tracer) was() (Was, error) {
	if len(t.past) == 0 {
		return Was{}, fmt.Errorf("as it was: %w", ErrNotFound)
	}
	if t.facts.exists || t.Thing == TheTenant {
		t.facts.exists = true
		t.facts.complete(t.before)
	}
	slices.Reverse(t.past)
	out := Was{Name: t.name, Exists: t.facts.exists, Facts: t.facts.list(), Text: t.facts.text, Past: t.past[:min(len(t.past), traceKept)]}
	if name, ok := t.facts.values["name"]; ok {
		out.Name = name
	}
	if out.Name == "" {
		out.Name = t.state.nameOf(t.Tenant, t.Thing)
	}
	if tenant, ok := t.state.Tenant(t.Tenant); ok && t.Thing == TheTenant && out.Name == "" {
		out.Name = tenant.Name
	}
	return out, nil
}
