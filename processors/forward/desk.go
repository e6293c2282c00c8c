package forward

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/processors/forward/reach"
	"longwave/tenants/id"
)

// testsAtOnce bounds the tests that a copy of the program makes at a time: a person waits for one, and nobody scans with them.
const testsAtOnce = 4

// TypeTest is the type of a message that only tries a destination.
const TypeTest = "longwave.test"

// Condition says in one word how a destination is.
type Condition string

// The conditions.
const (
	Well     Condition = "ok"       // the last attempt succeeded
	Untried  Condition = "untried"  // there was none yet
	Failing  Condition = "failing"  // the last attempt failed
	Broken   Condition = "open"     // so many failed that attempts are made from time to time only
	Disabled Condition = "disabled" // switched off
)

// State is how a destination is doing.
type State struct {
	Condition   Condition
	Queued      uint64
	Oldest      time.Time // of what is queued; zero when nothing is
	Undelivered uint64
	Success     *Attempt // the last one
	Failure     *Attempt // the last one, given up or not
	Discard     *Attempt // the last time that something was not queued
}

// States returns how each destination of a tenant is doing. It returns ErrUnavailable.
func (f *Forwarder) States(ctx context.Context, t id.Tenant) (map[id.Destination]State, error) {
	states := make(map[id.Destination]State)
	bySlug := make(map[string]id.Destination)
	list, _ := f.Directory.Destinations()
	for _, d := range list {
		if d.Tenant == t {
			states[d.ID] = State{}
			bySlug[telemetry.OutSubject(t, d.Slug)] = d.ID
		}
	}
	if len(states) == 0 {
		return states, nil
	}
	queued, err := f.counts(ctx, telemetry.OutStream, telemetry.OutTenantFilter(t))
	if err != nil {
		return nil, err
	}
	buried, err := f.counts(ctx, telemetry.UndeliveredStream, telemetry.UndeliveredTenantFilter(t))
	if err != nil {
		return nil, err
	}
	for subject, d := range bySlug {
		s := states[d]
		s.Queued, s.Undelivered = queued[subject], buried[telemetry.UndeliveredSubject(t, d)]
		if s.Queued > 0 {
			s.Oldest = f.oldestOf(ctx, subject)
		}
		states[d] = s
	}
	if err := f.lastAttempts(ctx, t, states); err != nil {
		return nil, err
	}
	for _, d := range list {
		if s, ours := states[d.ID]; ours && d.Tenant == t {
			s.Condition = s.condition(d, f.Now())
			states[d.ID] = s
		}
	}
	return states, nil
}

func (s *State) condition(d Destination, now time.Time) Condition {
	switch {
	case d.Disabled:
		return Disabled
	case s.Failure != nil && (s.Success == nil || s.Failure.At.After(s.Success.At)) && s.Failure.At.After(d.Changed):
		if s.Failure.OpenUntil != nil && s.Failure.OpenUntil.After(now) {
			return Broken
		}
		return Failing
	case s.Success == nil:
		return Untried
	default:
		return Well
	}
}

func (f *Forwarder) lastAttempts(ctx context.Context, t id.Tenant, states map[id.Destination]State) error {
	last := reading{stream: telemetry.DeliveryStream, filter: telemetry.DeliveryTenantFilter(t), lastOnly: true}
	return f.each(ctx, last, func(m jetstream.Msg) {
		a, err := decodeAttempt(m)
		_, d, err2 := telemetry.ParseDeliverySubject(m.Subject())
		s, known := states[d]
		if err != nil || err2 != nil || !known {
			return
		}
		switch a.Outcome {
		case Delivered:
			s.Success = &a
		case Discarded:
			s.Discard = &a
		default:
			if s.Failure == nil || a.At.After(s.Failure.At) {
				s.Failure = &a
			}
		}
		states[d] = s
	})
}

// counts returns the number of messages of each subject.
func (f *Forwarder) counts(ctx context.Context, stream, filter string) (map[string]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	s, err := f.JS.Stream(ctx, stream)
	if err != nil {
		return nil, unavailable(err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, unavailable(err)
	}
	return info.State.Subjects, nil
}

// oldestOf is when the first message of a queue was put there; zero when it was taken in the meantime.
func (f *Forwarder) oldestOf(ctx context.Context, subject string) time.Time {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	stream, err := f.JS.Stream(ctx, telemetry.OutStream)
	if err != nil {
		return time.Time{}
	}
	first, err := stream.GetMsg(ctx, 0, jetstream.WithGetMsgSubject(subject))
	if err != nil {
		return time.Time{}
	}
	return first.Time
}

// Send puts a message on the queue of a destination and returns when it is durable there. The same message, known by its
// id, is queued once within some minutes. It returns ErrUnknown, ErrDisabled, ErrFull, ErrTooLarge and ErrUnavailable.
func (f *Forwarder) Send(ctx context.Context, t id.Tenant, d id.Destination, m Message) error {
	l, err := f.line(t, d)
	if err != nil {
		return err
	}
	if l.d.Disabled {
		return ErrDisabled
	}
	body, err := encode(m)
	if err != nil {
		return err
	}
	if f.crowds(ctx, t) {
		l.discard(reasonShare)
		return ErrFull
	}
	return l.queue(ctx, body, m.ID)
}

// queue puts a body into OUT. name is what the duplicate window knows it by.
func (l *line) queue(ctx context.Context, body []byte, name string) error {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	_, err := l.f.JS.PublishMsg(ctx, l.message(body), jetstream.WithMsgID(l.unique(name)))
	if full(err) {
		l.discard(reasonFull)
		return ErrFull
	}
	if err == nil {
		l.f.metrics.queued.Inc()
	}
	return unavailable(err)
}

// Test makes one attempt at once, past the queue, and returns the whole answer. The error of the attempt itself is a
// *reach.Error; otherwise it returns ErrUnknown, ErrBusy or ErrUnavailable. by says who asks. For a destination that the
// tenant's own consumers read, the test is put on its queue.
func (f *Forwarder) Test(ctx context.Context, t id.Tenant, d id.Destination, by string) (reach.Answer, error) {
	l, err := f.line(t, d)
	if err != nil {
		return reach.Answer{}, err
	}
	select {
	case f.asked <- struct{}{}:
		defer func() { <-f.asked }()
	default:
		return reach.Answer{}, ErrBusy
	}
	now := f.Now().UTC()
	m := Message{
		ID: "msg_test_" + string(id.New[id.Slug]()), Type: TypeTest, At: now, Title: "Test from Longwave",
		Text: "This is a test from Longwave, sent by " + by + ". Nothing happened, and nothing is to be done.",
	}
	body, err := encode(m)
	if err != nil {
		return reach.Answer{}, err
	}
	if l.d.Own {
		if err := l.queue(ctx, body, m.ID); err != nil {
			return reach.Answer{}, err
		}
		return reach.Answer{Body: "The message waits on " + telemetry.OutSubject(t, l.d.Slug) + " for your consumer."}, nil
	}
	answer, err := l.reach(ctx, m, body)
	if ctx.Err() == nil {
		tried := l.judge(answer, err)
		tried.Message, tried.Type, tried.Tries, tried.turn = m.ID, m.Type, 1, true
		if tried.Outcome != Delivered {
			tried.Outcome = Failed // a test is not kept for another time
		}
		l.keep(tried, body)
	}
	return answer, err
}

// Resend queues once more what an attempt in the log sent, under the same message id. It returns ErrUnknown for an attempt
// that is not there any more or whose message was too large to be kept, and the errors of Send.
func (f *Forwarder) Resend(ctx context.Context, t id.Tenant, d id.Destination, place uint64) error {
	l, err := f.line(t, d)
	if err != nil {
		return err
	}
	if l.d.Disabled {
		return ErrDisabled
	}
	read, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	stream, err := f.JS.Stream(read, telemetry.DeliveryStream)
	if err != nil {
		return unavailable(err)
	}
	raw, err := stream.GetMsg(read, place)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return ErrUnknown
	}
	if err != nil {
		return unavailable(err)
	}
	owner, of, err := telemetry.ParseDeliverySubject(raw.Subject)
	if err != nil || owner != t || of != d { // the place of another tenant's attempt is as good as none
		return ErrUnknown
	}
	body, ok := bodyOf(raw)
	if !ok {
		return ErrUnknown
	}
	return l.queue(ctx, body, fmt.Sprintf("again.%d.%d", place, f.Now().UnixNano()))
}

func bodyOf(raw *jetstream.RawStreamMsg) ([]byte, bool) {
	a, err := attemptOf(raw.Data)
	return a.Body, err == nil && len(a.Body) > 0
}

// clear removes what was kept for a destination that is gone. What cannot be removed now ends by age.
func (f *Forwarder) clear(ctx context.Context, d Destination) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	err := f.JS.DeleteConsumer(ctx, telemetry.OutStream, string(d.ID))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		err = nil // another copy was faster
	}
	err = errors.Join(err, f.purge(ctx, telemetry.DeliveryStream, telemetry.DeliveriesOf(d.Tenant, d.ID)),
		f.purge(ctx, telemetry.UndeliveredStream, telemetry.UndeliveredSubject(d.Tenant, d.ID)))
	if !f.has(d.Tenant, d.Slug) {
		err = errors.Join(err, f.purge(ctx, telemetry.OutStream, telemetry.OutSubject(d.Tenant, d.Slug)))
	}
	if err != nil && ctx.Err() == nil {
		f.Log.Warn("what was kept for a deleted destination ends by age", "tenant", d.Tenant, "destination", d.ID, "error", err)
	}
}

func (f *Forwarder) purge(ctx context.Context, name, subject string) error {
	stream, err := f.JS.Stream(ctx, name)
	if err != nil {
		return err
	}
	return stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
}

// sweep deletes the consumers of destinations that were deleted while no copy of the program ran. A young one may belong
// to a destination that this copy has not heard of yet.
func (f *Forwarder) sweep(ctx context.Context) {
	const young = time.Hour
	known := make(map[string]bool)
	list, _ := f.Directory.Destinations()
	for _, d := range list {
		known[string(d.ID)] = true
	}
	stream, err := f.JS.Stream(ctx, telemetry.OutStream)
	if err != nil {
		return
	}
	for info := range stream.ListConsumers(ctx).Info() {
		if !known[info.Name] && f.Now().Sub(info.Created) > young {
			_ = stream.DeleteConsumer(ctx, info.Name)
		}
	}
}
