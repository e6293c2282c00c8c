package forward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/processors/forward/reach"
)

// causeExpired is why a message is given up that was never tried, because the circuit was open for its whole time.
const causeExpired = "not_tried_in_time"

// attempt tries to deliver one message and settles it: acknowledged when it was taken or is on the work list, put back for
// later otherwise.
func (l *line) attempt(ctx context.Context, m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil || m.Headers().Get(headDestination) != string(l.d.ID) { // its destination was deleted, and had the same subject
		_ = m.Ack()
		return
	}
	message, err := decode(m.Data())
	if err != nil {
		l.log.Error("a queued message cannot be read; it is dropped", "sequence", meta.Sequence.Stream, "error", err)
		l.discard(reasonDamaged)
		_ = m.Ack()
		return
	}
	if l.f.Now().Sub(meta.Timestamp) > giveUpAfter {
		cause := l.breaker.lastCause()
		if cause == "" {
			cause = causeExpired
		}
		l.settle(ctx, m, &Attempt{Message: message.ID, Type: message.Type, Tries: meta.NumDelivered - 1, Cause: cause, Detail: "It was not delivered within a day.", final: true, Outcome: Undelivered})
		return
	}
	answer, err := l.reach(ctx, message, m.Data())
	if ctx.Err() != nil {
		_ = m.Nak()
		return
	}
	tried := l.judge(answer, err)
	tried.Message, tried.Type, tried.Tries = message.ID, message.Type, meta.NumDelivered
	if tried.Outcome == Failed {
		wait := retryIn(meta.NumDelivered, tried.asked)
		next := l.f.Now().Add(wait)
		tried.Next = &next
	}
	l.settle(ctx, m, tried)
}

// reach makes the attempt.
func (l *line) reach(ctx context.Context, m Message, body []byte) (reach.Answer, error) {
	target, err := l.f.Directory.Target(l.d.Tenant, l.d.ID)
	if err != nil {
		return reach.Answer{}, &reach.Error{Cause: "secret_unreadable", Err: err}
	}
	return l.f.Reacher.Reach(ctx, target, reach.Message{ID: m.ID, At: m.At, Title: m.Title, Text: m.Text, Body: body})
}

// judge makes of an answer what is kept of the attempt, and tells the breaker.
func (l *line) judge(answer reach.Answer, err error) *Attempt {
	a := &Attempt{At: l.f.Now().UTC(), Outcome: Delivered, Status: answer.Status, Took: answer.Took, Answer: cut(answer.Body, answerKept)}
	if err == nil {
		a.turn = l.breaker.good()
		l.f.metrics.attempted("delivered", answer.Took)
		return a
	}
	var failed *reach.Error
	if !errors.As(err, &failed) {
		failed = &reach.Error{Cause: "failed", Err: err}
	}
	a.Outcome, a.Cause, a.Detail, a.final, a.asked = Failed, failed.Cause, cut(failed.Err.Error(), detailKept), failed.Final, failed.After
	if a.final {
		a.Outcome = Undelivered
	}
	var until time.Time
	a.turn, until = l.breaker.bad(l.f.Now(), failed.Cause)
	if !until.IsZero() {
		a.OpenUntil = &until
	}
	l.f.metrics.attempted("failed", answer.Took)
	return a
}

// settle acknowledges or puts back a message, and keeps what became of it. What is given up is on the work list first.
func (l *line) settle(ctx context.Context, m jetstream.Msg, a *Attempt) {
	switch a.Outcome {
	case Delivered:
		_ = m.Ack() // a lost acknowledgement means one more delivery, with the same id
	case Failed:
		_ = m.NakWithDelay(a.Next.Sub(l.f.Now()))
	default:
		if err := l.bury(ctx, m, a); err != nil {
			l.log.Warn("a message that could not be delivered cannot be kept; it stays in the queue", "error", err)
			_ = m.NakWithDelay(firstRetry)
			return
		}
		_ = m.Ack()
	}
	l.keep(a, m.Data())
}

// bury puts a message on the work list. The name makes a repetition harmless.
func (l *line) bury(ctx context.Context, m jetstream.Msg, a *Attempt) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	keep := &nats.Msg{Subject: telemetry.UndeliveredSubject(l.d.Tenant, l.d.ID), Data: m.Data(), Header: nats.Header{}}
	keep.Header.Set(headCause, a.Cause)
	keep.Header.Set(headDetail, oneLine(a.Detail))
	keep.Header.Set(headQueued, meta.Timestamp.UTC().Format(time.RFC3339Nano))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), passTimeout)
	defer cancel()
	_, err = l.f.JS.PublishMsg(ctx, keep, jetstream.WithMsgID(fmt.Sprintf("%s.%d", l.d.ID, meta.Sequence.Stream)))
	if err == nil {
		l.f.metrics.undelivered.Inc()
	}
	return err
}

// encode is the body that waits in OUT; ErrTooLarge for one that does not fit.
func encode(m Message) ([]byte, error) {
	if m.Data == nil {
		m.Data = json.RawMessage("{}")
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	if len(body) > MaxBody {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(body), MaxBody)
	}
	return body, nil
}

func decode(body []byte) (m Message, err error) {
	err = json.Unmarshal(body, &m)
	return m, err
}

// cut bounds what is kept of somebody else's text, on a boundary of characters.
func cut(text string, most int) string {
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "")
}

// oneLine makes a text fit for a header.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
