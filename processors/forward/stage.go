package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/processors/mark"
	"longwave/processors/retry"
	"longwave/tenants/id"
)

const (
	// stageConsumer is the durable name of the stage on every lane. Renaming it would forward the lanes once more.
	stageConsumer = "forward"

	fetchMessages = 1024
	fetchBytes    = 8 << 20
	// handMessages and handBytes bound what is passed on at once.
	handMessages = 512
	handBytes    = 4 << 20
	// company is how long the first message waits for others that are there already.
	company = 2 * time.Millisecond
	// ackWait is after how long NATS gives a message to another copy; hold extends it.
	ackWait  = 30 * time.Second
	idleWait = 30 * time.Second

	// lookPause is how often a stage looks whether there is a destination at last.
	lookPause = 250 * time.Millisecond
)

// stage is the way from one lane to OUT.
type stage struct {
	*Forwarder
	lane  telemetry.Lane
	log   *slog.Logger
	mark  mark.Keeper
	hurry hurry
}

func newStage(f *Forwarder, lane telemetry.Lane) *stage {
	s := &stage{Forwarder: f, lane: lane, log: f.Log.With("consumer", stageConsumer, "lane", lane.String()),
		hurry: hurry{passedOver: &f.passed[lane], sent: make(map[id.Tenant]int)}}
	s.mark = mark.Keeper{
		JS: f.JS, Replicas: f.Replicas, Lane: lane, Clock: f.clock, Log: s.log,
		Rewound: func(why mark.Doubt) { f.metrics.rewind(lane, why) },
		Unreadable: func(number uint64) { // the stage that stores counts it as lost
			s.log.Error("a damaged message of the lane is not forwarded", "number", number)
		},
		Consumer: jetstream.ConsumerConfig{
			Durable: stageConsumer, Description: "forwards packets to destinations",
			AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: 4 * fetchMessages, MaxDeliver: -1,
			FilterSubject: telemetry.LaneFilter(lane),
		},
	}
	return s
}

// run works until ctx ends.
func (s *stage) run(ctx context.Context) {
	if !s.begin(ctx) {
		return
	}
	var keeper sync.WaitGroup
	keeper.Go(func() { s.mark.Keep(ctx) })
	s.loop(ctx)
	keeper.Wait()
}

// begin waits until there is a destination, or was one once, and says whether it came to that. Until then nothing can have
// been forwarded, a lane that nobody forwards costs nothing, and it begins at the time of the first one.
func (s *stage) begin(ctx context.Context) bool {
	for ctx.Err() == nil {
		_, err := s.JS.Consumer(ctx, telemetry.LaneStream(s.lane), stageConsumer)
		first, has := s.oldest()
		if has {
			s.mark.Consumer.DeliverPolicy, s.mark.Consumer.OptStartTime = jetstream.DeliverByStartTimePolicy, &first
		}
		if err == nil || has {
			return true
		}
		retry.Wait(ctx, lookPause)
	}
	return false
}

// loop works until ctx ends. Errors are logged when they begin, not at every attempt.
func (s *stage) loop(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		worked, err := s.work(ctx)
		if ctx.Err() != nil {
			return
		}
		if worked {
			failures = 0
		}
		if failures++; failures == 1 {
			s.log.Warn("lane cannot be forwarded; trying again", "error", err)
		}
		retry.Pause(ctx, failures)
	}
}

// work passes hands on until something fails; it says whether at least one was passed on before.
func (s *stage) work(ctx context.Context) (worked bool, err error) {
	consumer, err := s.mark.Find(ctx)
	if err != nil {
		return false, err
	}
	incoming, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(fetchMessages, fetchBytes), jetstream.PullExpiry(idleWait))
	if err != nil {
		return false, fmt.Errorf("fetch: %w", err)
	}
	defer incoming.Stop()
	for {
		hand, err := gather(ctx, incoming)
		if err != nil {
			return worked, fmt.Errorf("fetch: %w", err)
		}
		s.metrics.messages.WithLabelValues(s.lane.String()).Add(float64(len(hand)))
		if err := s.pass(ctx, hand); err != nil {
			return worked, err
		}
		for _, m := range hand {
			_ = m.Ack() // last: before this line a crash means that the same ids are put into OUT again, which changes nothing
		}
		worked = true
	}
}

// gather takes what is there, and waits only for the first message.
func gather(ctx context.Context, incoming jetstream.MessagesContext) ([]jetstream.Msg, error) {
	first, err := incoming.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, err
	}
	hand, size := []jetstream.Msg{first}, len(first.Data())
	for len(hand) < handMessages && size < handBytes {
		next, none := incoming.Next(jetstream.NextMaxWait(company))
		if none != nil { // nothing more is there; a failure shows when the next hand is gathered
			return hand, nil //nolint:nilerr // said above
		}
		hand = append(hand, next)
		size += len(next.Data())
	}
	return hand, nil
}

// pass puts everything of a hand that is to be forwarded into OUT. It tries until that has succeeded, or the tenants of what
// is left are passed over, and fails only because the program stops; then the hand is put back.
func (s *stage) pass(ctx context.Context, hand []jetstream.Msg) error {
	s.roomsKnown(ctx)
	out := s.outgoing(ctx, hand)
	for failures := 1; ; failures++ {
		s.keepUp(ctx)
		if out = s.wanted(out); len(out) == 0 {
			return nil
		}
		left, err := s.publish(ctx, out)
		s.hurry.count(out, left)
		if out = left; len(out) == 0 {
			return nil
		}
		if failures == 1 {
			s.log.Warn("packets cannot be queued for destinations; trying again until it succeeds", "packets", len(out), "error", err)
		}
		if retry.Pause(ctx, failures); ctx.Err() != nil {
			for _, m := range hand {
				_ = m.Nak() // without a connection ackWait does the same, later
			}
			return ctx.Err()
		}
		for _, m := range hand {
			_ = m.InProgress()
		}
	}
}

// wanted leaves out the parcels of tenants that are passed over by now.
func (s *stage) wanted(out []parcel) []parcel {
	wanted := out[:0]
	for _, p := range out {
		if s.hurry.has(p.line.d.Tenant) {
			p.line.discard(reasonBehind)
			continue
		}
		wanted = append(wanted, p)
	}
	return wanted
}

// outgoing reads what is to be forwarded. The tenant comes from the subject, never from the payload.
func (s *stage) outgoing(ctx context.Context, hand []jetstream.Msg) []parcel {
	var out []parcel
	for _, m := range hand {
		if !telemetry.Forwards(m.Data()) {
			continue
		}
		_, tenant, err := telemetry.ParseLaneSubject(m.Subject())
		if err == nil {
			none := s.reasonAgainst(ctx, tenant)
			err = telemetry.EachBatch(m.Data(), func(b *telemetry.Batch) error {
				out = s.pack(out, tenant, b, none)
				return nil
			})
		}
		if err != nil { // the stage that stores keeps it as rejected
			s.log.Error("a lane message cannot be read; what cannot be read is not forwarded", "error", err)
		}
	}
	return out
}

// reasonAgainst says why nothing of a tenant is forwarded at present; empty when there is none.
func (s *stage) reasonAgainst(ctx context.Context, t id.Tenant) string {
	switch {
	case s.hurry.has(t):
		return reasonBehind
	case s.crowds(ctx, t):
		return reasonShare
	}
	return ""
}

// pack makes parcels of the packets of a batch that go somewhere; of none of them if there is a reason against it.
func (s *stage) pack(out []parcel, t id.Tenant, b *telemetry.Batch, none string) []parcel {
	lines := make([]*line, len(b.Destinations))
	for i, d := range b.Destinations {
		lines[i], _ = s.line(t, d) // one that was deleted since wants nothing
	}
	name := s.Directory.DeviceName(t, b.Device)
	to := make([]*line, 0, len(lines))
	for i := range b.Packets {
		p := &b.Packets[i]
		to = to[:0]
		for k, l := range lines {
			if p.Forward&(1<<k) != 0 && l != nil && l.wants(none) {
				to = append(to, l)
			}
		}
		out = s.address(out, to, func() (Message, error) { return ofPacket(t, b, p, name) })
	}
	return out
}

// wants says whether a destination gets a packet; one that does not is counted. It costs next to nothing, so that what is
// discarded is in nobody's way.
func (l *line) wants(none string) bool {
	switch {
	case l.d.Disabled:
		l.f.metrics.discarded.WithLabelValues(reasonDisabled).Inc()
	case none != "":
		l.discard(none)
	case l.full():
		l.discard(reasonFull)
	default:
		return true
	}
	return false
}

// address makes parcels of one message for some destinations.
func (s *stage) address(out []parcel, to []*line, make func() (Message, error)) []parcel {
	if len(to) == 0 {
		return out
	}
	message, err := make()
	var body []byte
	if err == nil {
		body, err = encode(message)
	}
	for _, l := range to {
		if err != nil {
			l.discard(reasonLarge)
			continue
		}
		out = append(out, parcel{l, message.ID, body})
	}
	return out
}

// unavailable gives an error of NATS its class.
func unavailable(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	if errors.Is(err, nats.ErrMaxPayload) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
