package ingest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// keptPerSecond and keptBurst bound what one device may have kept: enough to see what is wrong with it.
	keptPerSecond = 10
	keptBurst     = 50
	// wholePerSecond and wholeBurst bound what one tenant may have kept of packets beyond their beginnings, in bytes: the
	// stream is everybody's, and drops its oldest when it is full.
	wholePerSecond = 4 << 10
	wholeBurst     = 8 << 20
	// leastRaw is what is kept of a packet all the same.
	leastRaw = 1 << 10
	// keepDeadline is how long an answer waits for the keeping of what was refused in it.
	keepDeadline = time.Second
	// maxKeeping bounds the rejected packets whose acknowledgement is open, for all devices together.
	maxKeeping = 1000
	// toldPerSubject and toldInAll bound the attempts told of, in a second: they are for a person who looks on, and one
	// device that fails all the time must not hide another that fails once.
	toldPerSubject = 10
	toldInAll      = 500
	attemptQueue   = 256
	readDeadline   = 5 * time.Second
)

// keepRejected stores the rejected packets for the tenant to look at. What is beyond the limit, or cannot be stored in
// time, is only counted: the good packets' answer does not depend on it.
func (f *Front) keepRejected(ctx context.Context, p Principal, received telemetry.Micros, rejected []telemetry.Rejection) {
	owner := deviceKey{p.Tenant, p.Device}
	futures := make([]jetstream.PubAckFuture, 0, min(len(rejected), keptBurst))
	for i := range rejected {
		if wait, _ := f.keep.take(owner, 1, f.o.Now()); wait > 0 {
			f.metrics.kept.WithLabelValues("over_limit").Add(float64(len(rejected) - i))
			break
		}
		record := telemetry.RejectedPacket{Rejection: f.bounded(p.Tenant, rejected[i]), Device: p.Device, Received: received}
		future, err := f.rejects.PublishAsync(telemetry.RejectedSubject(p.Tenant, p.Device), telemetry.EncodeRejected(&record))
		if err != nil {
			f.lost(err) // the client has too many on their way: more would only wait longer
			break
		}
		futures = append(futures, future)
	}
	if len(futures) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, keepDeadline)
	defer cancel()
	for _, future := range futures {
		select {
		case <-future.Ok():
			f.metrics.kept.WithLabelValues("kept").Inc()
		case err := <-future.Err():
			f.lost(err)
		case <-ctx.Done():
			f.lost(ctx.Err())
		}
	}
}

// bounded cuts a packet to its beginning when its tenant has had enough of them kept whole.
func (f *Front) bounded(t id.Tenant, r telemetry.Rejection) telemetry.Rejection {
	if len(r.Raw) <= leastRaw {
		return r
	}
	if wait, _ := f.whole.take(t, len(r.Raw), f.o.Now()); wait > 0 {
		r.Raw, r.Cut = r.Raw[:leastRaw], true
	}
	return r
}

func (f *Front) lost(err error) {
	f.metrics.kept.WithLabelValues("failed").Inc()
	f.o.Log.Warn("a rejected packet was not kept", slog.Any("error", err))
}

// Rejected returns the newest rejected packets of a device that are kept, newest first, at most limit of them.
func (f *Front) Rejected(ctx context.Context, t id.Tenant, d id.Device, limit int) ([]telemetry.RejectedPacket, error) {
	ctx, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	consumer, err := f.reader(ctx, telemetry.RejectedStream, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverAllPolicy, FilterSubject: telemetry.RejectedSubject(t, d)})
	if err != nil {
		return nil, err
	}
	defer f.dropReader(consumer)
	var found []telemetry.RejectedPacket
	err = eachMessage(ctx, consumer, func(m jetstream.Msg) {
		if r, err := telemetry.DecodeRejected(m.Data()); err == nil { // one that cannot be read hides no other
			found = append(found, r)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(found)
	return found[:min(limit, len(found))], nil
}

// Refused tells whoever watches the device of an attempt. It never blocks: what is too much is dropped and counted.
func (f *Front) Refused(t id.Tenant, d id.Device, a telemetry.Attempt) {
	f.offer(telemetry.AttemptSubject(t, d), a)
}

// RefusedUnknown is Refused for an attempt that belongs to no device, told to those at the same address. The key comes
// from AddressKey.
func (f *Front) RefusedUnknown(addressKey string, a telemetry.Attempt) {
	f.offer(telemetry.UnattributedSubject(addressKey), a)
}

func (f *Front) offer(subject string, a telemetry.Attempt) {
	for _, limit := range []struct {
		of  *buckets[string]
		key string
	}{{f.tell, subject}, {f.tellAll, ""}} {
		if wait, _ := limit.of.take(limit.key, 1, f.o.Now()); wait > 0 {
			f.metrics.attempts.WithLabelValues("dropped").Inc()
			return
		}
	}
	data, err := json.Marshal(a)
	if err != nil {
		panic("ingest: an attempt is texts and numbers: " + err.Error()) // cannot happen
	}
	select {
	case f.attempts <- &nats.Msg{Subject: subject, Data: data}:
	default:
		f.metrics.attempts.WithLabelValues("dropped").Inc()
	}
}

// tellAttempts publishes what offer queued: a connection whose buffer is full makes a publisher wait.
func (f *Front) tellAttempts(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-f.attempts:
			outcome := "told"
			if err := f.o.Conn.PublishMsg(m); err != nil {
				outcome = "dropped"
			}
			f.metrics.attempts.WithLabelValues(outcome).Inc()
		}
	}
}

// AddressKey turns the address of a caller, with or without a port, into one safe token. Callers behind one address, or
// in one IPv6 network of 64 bits, which is what a household gets, share a key.
func AddressKey(remoteAddr string) string {
	host, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		host = remoteAddr
	}
	if address, err := netip.ParseAddr(host); err == nil {
		address = address.Unmap().WithZone("")
		host = address.String()
		if network, err := address.Prefix(64); err == nil && address.Is6() {
			host = network.String()
		}
	}
	sum := fnv.New128a()
	sum.Write([]byte(host)) // a hash never fails
	return hex.EncodeToString(sum.Sum(nil))
}
