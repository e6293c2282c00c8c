package forward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Outcome is what came of an attempt. Its values are words in subjects.
type Outcome string

// The outcomes.
const (
	Delivered   Outcome = "delivered"   // taken by the other side
	Failed      Outcome = "failed"      // to be tried again
	Undelivered Outcome = "undelivered" // given up: it is on the work list
	Discarded   Outcome = "discarded"   // never queued, because there was no room
)

// Why a message is not queued. They are words in metrics and in what is kept of attempts.
const (
	reasonFull     = "queue_full"
	reasonShare    = "share_used"  // its tenant has as much in OUT as it may
	reasonBehind   = "fell_behind" // its tenant is passed over, because forwarding fell behind the lane
	reasonLarge    = "too_large"
	reasonDamaged  = "damaged"
	reasonDisabled = "disabled"
)

const (
	answerKept = 4 << 10
	detailKept = 1 << 10
	bodyKept   = 16 << 10 // of the message, so that it can be sent again by hand

	// keptPerSecond and keptBurst bound the attempts of one destination that are kept.
	keptPerSecond = 2
	keptBurst     = 20

	// sayEvery is how often what was discarded is said.
	sayEvery = time.Second

	readTimeout = 10 * time.Second
	readerIdle  = 30 * time.Second
	readBatch   = 500
)

// Attempt is one attempt to deliver, as it is kept.
type Attempt struct {
	Place     uint64          `json:"-"` // where it is kept
	At        time.Time       `json:"at"`
	Message   string          `json:"message,omitempty"`
	Type      string          `json:"type,omitempty"`
	Tries     uint64          `json:"tries,omitempty"` // this one included
	Outcome   Outcome         `json:"outcome"`
	Status    int             `json:"status,omitempty"`
	Took      time.Duration   `json:"took_ns,omitempty"`
	Cause     string          `json:"cause,omitempty"`
	Detail    string          `json:"detail,omitempty"`
	Answer    string          `json:"answer,omitempty"`     // the beginning of what the other side said
	Next      *time.Time      `json:"next,omitempty"`       // when it is tried again
	OpenUntil *time.Time      `json:"open_until,omitempty"` // the circuit is open until then
	Count     int             `json:"count,omitempty"`      // of discarded messages
	Body      json.RawMessage `json:"body,omitempty"`       // what was sent; missing when it is large

	final bool          // the other side refuses it for good
	turn  bool          // the first of its kind: always kept
	asked time.Duration // what the other side asked to wait
}

// keep puts an attempt into the log. It waits for nobody: the log is for people, and a lost line of it loses no message.
func (l *line) keep(a *Attempt, body []byte) {
	if !a.turn && a.Outcome != Undelivered && !l.kept.Allow() {
		return
	}
	if a.At.IsZero() {
		a.At = l.f.Now().UTC()
	}
	if len(body) <= bodyKept {
		a.Body = body
	}
	data, err := json.Marshal(a)
	if err == nil {
		_, err = l.f.JS.PublishMsgAsync(&nats.Msg{Subject: telemetry.DeliverySubject(l.d.Tenant, l.d.ID, string(a.Outcome)), Data: data})
	}
	if err != nil {
		l.log.Debug("an attempt is not kept", "error", err)
	}
}

// discard counts a message that is not queued.
func (l *line) discard(reason string) {
	l.f.metrics.discarded.WithLabelValues(reason).Inc()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.discarded[reason]++
}

// say puts what was discarded into the log, from time to time.
func (f *Forwarder) say(ctx context.Context) {
	tick := time.NewTicker(sayEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		f.mu.RLock()
		for _, l := range f.lines {
			l.sayDiscarded()
		}
		f.mu.RUnlock()
	}
}

func (l *line) sayDiscarded() {
	l.mu.Lock()
	counts := l.discarded
	l.discarded = make(map[string]int)
	l.mu.Unlock()
	for reason, count := range counts {
		l.log.Warn("messages for a destination were discarded", "reason", reason, "count", count)
		l.keep(&Attempt{Outcome: Discarded, Cause: reason, Count: count, turn: true}, nil)
	}
}

// Attempts returns the newest attempts of a destination, newest first, at most limit of them. It returns ErrUnknown and
// ErrUnavailable.
func (f *Forwarder) Attempts(ctx context.Context, t id.Tenant, d id.Destination, limit int) ([]Attempt, error) {
	if _, err := f.line(t, d); err != nil {
		return nil, err
	}
	var all []Attempt
	err := f.each(ctx, reading{stream: telemetry.DeliveryStream, filter: telemetry.DeliveriesOf(t, d)}, func(m jetstream.Msg) {
		if a, err := decodeAttempt(m); err == nil { // one that cannot be read hides no other
			all = append(all, a)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Attempt) int { return b.At.Compare(a.At) })
	return all[:min(limit, len(all))], nil
}

func attemptOf(data []byte) (a Attempt, err error) {
	err = json.Unmarshal(data, &a)
	return a, err
}

func decodeAttempt(m jetstream.Msg) (Attempt, error) {
	a, err := attemptOf(m.Data())
	if err != nil {
		return a, err
	}
	meta, err := m.Metadata()
	if err != nil {
		return a, err
	}
	a.Place = meta.Sequence.Stream
	return a, nil
}

// reading is what is read of a stream: all of it, or only the last message of each subject.
type reading struct {
	stream, filter string
	lastOnly       bool
	headersOnly    bool
}

// each hands every message that there is now to visit. It returns ErrUnavailable.
func (f *Forwarder) each(ctx context.Context, r reading, visit func(jetstream.Msg)) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	config := jetstream.ConsumerConfig{
		FilterSubject: r.filter, AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverAllPolicy, HeadersOnly: r.headersOnly,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: readerIdle,
	}
	if r.lastOnly {
		config.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
	}
	consumer, err := f.JS.CreateConsumer(ctx, r.stream, config)
	if err != nil {
		return unavailable(err)
	}
	info := consumer.CachedInfo()
	defer func() {
		end, stop := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer stop()
		_ = f.JS.DeleteConsumer(end, info.Stream, info.Name) // else it ends by itself
	}()
	for left := int(info.NumPending); left > 0; {
		batch, err := consumer.Fetch(min(left, readBatch), jetstream.FetchContext(ctx))
		if err != nil {
			return unavailable(err)
		}
		got := 0
		for m := range batch.Messages() {
			visit(m)
			got++
		}
		if left -= got; left > 0 && got == 0 {
			return unavailable(errors.Join(batch.Error(), fmt.Errorf("%d messages of %s did not come", left, r.stream)))
		}
	}
	return nil
}
