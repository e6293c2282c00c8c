package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// ErrRejectedGone is returned for a rejected packet that is not kept any more, or stands at another's place.
var ErrRejectedGone = errors.New("the rejected packet is not kept any more")

// KeptPacket is a rejected packet with its place in the stream.
type KeptPacket struct {
	Sequence uint64
	telemetry.RejectedPacket
}

// RejectedQuery asks for kept rejected packets of a tenant.
type RejectedQuery struct {
	Device id.Device // only of this one; empty for all
	From   uint64    // the place to begin at; 0 for the oldest
	Limit  int       // how many at most; 0 for all
}

// EachRejected hands over what is kept, oldest first; the stream is bounded, so this is too. One that cannot be read hides
// no other. It returns what JetStream answered, or the context's error, which must have a deadline.
func (f *Front) EachRejected(ctx context.Context, t id.Tenant, q RejectedQuery, visit func(KeptPacket)) error {
	config := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(q.From, 1),
		FilterSubject: telemetry.RejectedOf(t)}
	if q.Device != "" {
		config.FilterSubject = telemetry.RejectedSubject(t, q.Device)
	}
	consumer, err := f.reader(ctx, telemetry.RejectedStream, config)
	if err != nil {
		return err
	}
	defer f.dropReader(consumer)
	return eachOf(ctx, reading{consumer, q.Limit}, func(m jetstream.Msg) {
		at, err := m.Metadata()
		if err != nil {
			return
		}
		if r, err := telemetry.DecodeRejected(m.Data()); err == nil {
			visit(KeptPacket{at.Sequence.Stream, r})
		}
	})
}

// RejectedEnd is the place of the newest rejected packet of all tenants; what is rejected later stands behind it.
func (f *Front) RejectedEnd(ctx context.Context) (uint64, error) {
	stream, err := f.o.JS.Stream(ctx, telemetry.RejectedStream)
	if err != nil {
		return 0, fmt.Errorf("end of rejected packets: %w", err)
	}
	return stream.CachedInfo().State.LastSeq, nil
}

// Forget removes a rejected packet that is kept of a tenant. It returns ErrRejectedGone when another stands there or
// none, or what JetStream answered.
func (f *Front) Forget(ctx context.Context, t id.Tenant, k *KeptPacket) error {
	stream, err := f.o.JS.Stream(ctx, telemetry.RejectedStream)
	if err != nil {
		return fmt.Errorf("forget a rejected packet: %w", err)
	}
	held, err := stream.GetMsg(ctx, k.Sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && held.Subject != telemetry.RejectedSubject(t, k.Device) {
		return ErrRejectedGone
	}
	if err != nil {
		return fmt.Errorf("forget a rejected packet: %w", err)
	}
	if err := stream.DeleteMsg(ctx, k.Sequence); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("forget a rejected packet: %w", err)
	}
	return nil
}

// Reword keeps a rejected packet with another reason, at the end of the stream, and then removes it from where it stood.
// Between the two it is there twice, which a second time removes. It returns what Forget returns.
func (f *Front) Reword(ctx context.Context, t id.Tenant, k *KeptPacket, reason telemetry.Rejection) error {
	reason.Raw, reason.Cut, reason.Index = k.Raw, k.Cut, k.Index
	record := telemetry.RejectedPacket{Rejection: reason, Device: k.Device, Received: k.Received}
	name := fmt.Sprintf("reworded/%d/%s", k.Sequence, reason.Code)
	if _, err := f.o.JS.Publish(ctx, telemetry.RejectedSubject(t, k.Device), telemetry.EncodeRejected(&record), jetstream.WithMsgID(name)); err != nil {
		return fmt.Errorf("reword a rejected packet: %w", err)
	}
	return f.Forget(ctx, t, k)
}

// Redrive sends a rejected packet through the front door again: the same decoder, limits, routing and acknowledgement.
// Without a time of its own it has the time at which it came first, so its identity follows from what it says, and doing
// it twice changes nothing. It returns nil when the packet is stored, why it is still refused, or the errors of Accept.
func (f *Front) Redrive(ctx context.Context, p Principal, r *telemetry.RejectedPacket) (*telemetry.Rejection, error) {
	in := f.borrow()
	in.from, in.began = p, time.Now()
	defer f.release(in)
	if in.inside = f.enter(); !in.inside {
		return nil, unavailable(retryOutage, "the server is shutting down", nil)
	}
	if err := f.o.Room(); err != nil {
		return nil, &UnavailableError{Full: true, Detail: "the disk that keeps packets is nearly full", RetryAfter: retryFull, Cause: err}
	}
	if refused := f.readAgain(in, p, r); refused != nil {
		return refused, nil
	}
	in.anyway = r.Code == telemetry.StorageRefused // the window remembers that it was accepted, and would take it for a repetition
	if err := f.send(in, f.o.Now(), r.Received); err != nil {
		return nil, err
	}
	if err := f.landed(ctx, in); err != nil {
		return nil, err
	}
	if receipt := in.receipt(); len(receipt.Rejected) > 0 {
		return &receipt.Rejected[0], nil
	}
	return nil, nil
}

// TryAgain says what Redrive would: nil for a packet that would be stored, or why it would be refused. It changes
// nothing, and so cannot say what the limits and the stream will.
func (f *Front) TryAgain(p Principal, r *telemetry.RejectedPacket) *telemetry.Rejection {
	in := f.borrow()
	defer f.release(in)
	if refused := f.readAgain(in, p, r); refused != nil {
		return refused
	}
	packet := &in.decoded.Packets[0]
	i := item{packet: packet, content: packet.ContentHash(), key: f.window.keys(p.Tenant, p.Device).of(packet.ID)}
	if r.Code != telemetry.StorageRefused && f.window.reused(&i) {
		refused := i.rejectReused()
		return &refused
	}
	return nil
}

// readAgain decodes the packet into in, or says why it is refused.
func (f *Front) readAgain(in *items, p Principal, r *telemetry.RejectedPacket) *telemetry.Rejection {
	if r.Raw == "" || r.Cut {
		return &telemetry.Rejection{Code: "not_kept_whole", Detail: "only the beginning of the packet was kept, so it cannot be sent again; the device must send it"}
	}
	format, single := telemetry.FormatAgain(r.Raw)
	if !single {
		return &r.Rejection
	}
	err := in.decoded.Decode([]byte(r.Raw), telemetry.DecodeOptions{Now: telemetry.At(f.o.Now()), Stamp: r.Received, Device: p.Device, Format: format})
	var syntax *telemetry.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return &telemetry.Rejection{Code: "syntax", Detail: syntax.Error()}
	case len(in.decoded.Rejected) > 0:
		return &in.decoded.Rejected[0]
	}
	return nil
}
