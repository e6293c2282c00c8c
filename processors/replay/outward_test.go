package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"context"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/telemetry"
	"longwave/processors/forward"
	"longwave/processors/forward/outbound"
	"longwave/processors/forward/reach"
	"longwave/tenants"
	"longwave/tenants/id"
)

// directory tells the forwarder of the destinations in the control log.
type directory struct{ *plant }

func (d directory) Destinations() ([]forward.Destination, <-chan struct{}) {
	changed := d.tenants.Changed()
	var list []forward.Destination
	for _, known := range d.tenants.State().AllDestinations() {
		list = append(list, forward.Destination{Tenant: known.Tenant, ID: known.ID, Slug: known.Slug, Own: true, Disabled: known.Disabled, Created: known.Created, Changed: known.Changed})
	}
	return list, changed
}

func (d directory) Target(id.Tenant, id.Destination) (reach.Target, error) {
	return reach.Target{}, nil
}

func (d directory) DeviceName(t id.Tenant, device id.Device) string {
	known, _ := d.tenants.State().Device(t, device)
	return known.Name
}

// forwarder queues for destinations and delivers nothing, so that a test can read what is queued.
func (p *plant) forwarder() *forward.Forwarder {
	p.t.Helper()
	reacher, err := reach.New(reach.Options{Guard: outbound.New([]netip.Prefix{}), Agent: "test"})
	must(p.t, err)
	p.t.Cleanup(reacher.Close)
	f, err := forward.Open(p.t.Context(), forward.Options{JS: p.js, Directory: directory{p}, Reacher: reacher, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	must(p.t, err)
	return f
}

func (p *plant) destination(t id.Tenant, name string) tenants.Destination {
	p.t.Helper()
	d, _, err := p.tenants.CreateDestination(p.t.Context(), p.actor, t, tenants.NewDestination{Name: name, Kind: tenants.NATSSubject})
	must(p.t, err)
	return d
}

// ledger is packets in order: how many, and a checksum over who sent what when.
type ledger struct {
	number int
	sum    hash.Hash
}

func newLedger() *ledger { return &ledger{sum: sha256.New()} }

func (l *ledger) write(device id.Device, packet string, at time.Time, values map[string]any) {
	text, _ := json.Marshal(values) // sorts the names
	l.number++
	fmt.Fprintln(l.sum, device, packet, at.UTC().Format(time.RFC3339Nano), string(text))
}

func (l *ledger) String() string {
	return fmt.Sprint(l.number, " ", hex.EncodeToString(l.sum.Sum(nil)))
}

// acknowledged is what the lanes hold of the tenant: nothing else was acknowledged, and in that order.
func (p *plant) acknowledged() *ledger {
	p.t.Helper()
	l := newLedger()
	for _, lane := range telemetry.Lanes() {
		p.each(telemetry.LaneStream(lane), telemetry.LaneSubject(lane, p.tenant), func(data []byte) {
			must(p.t, telemetry.EachBatch(data, func(b *telemetry.Batch) error {
				for i := range b.Packets {
					values := map[string]any{}
					for _, v := range b.Packets[i].Values {
						if values[v.Name] = any(v.Num); v.Type == telemetry.Text {
							values[v.Name] = v.Text
						}
					}
					l.write(b.Device, b.Packets[i].ID, b.Packets[i].Time.Time(), values)
				}
				return nil
			}))
		})
	}
	return l
}

// queued is what waits for a destination.
func (p *plant) queued(d tenants.Destination) *ledger {
	p.t.Helper()
	l := newLedger()
	p.each(telemetry.OutStream, telemetry.OutSubject(d.Tenant, d.Slug), func(data []byte) {
		var m struct {
			Data struct {
				Device struct{ ID id.Device }
				Packet string
				TS     time.Time
				Values map[string]any
			}
		}
		must(p.t, json.Unmarshal(data, &m))
		l.write(m.Data.Device.ID, m.Data.Packet, m.Data.TS, m.Data.Values)
	})
	return l
}

func (p *plant) each(stream, subject string, visit func([]byte)) {
	p.t.Helper()
	s, err := p.js.Stream(p.t.Context(), stream)
	must(p.t, err)
	for at := uint64(1); ; {
		m, err := s.GetMsg(p.t.Context(), at, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return
		}
		must(p.t, err)
		visit(m.Data)
		at = m.Sequence + 1
	}
}

// What a destination gets is what was acknowledged: as many packets, in the same order, with the same content; also when
// the program stops in the middle, the queue refuses for a while, and packets come in meanwhile.
func TestReplayToADestinationDeliversWhatWasAcknowledged(t *testing.T) {
	p := newPlant(t)
	pump, fan := p.device(p.tenant, "pump", nil), p.device(p.tenant, "fan", nil)
	p.send(p.device(p.other, "secret", nil), time.Now().Add(-time.Hour), 0, 50)
	base := time.Now().Add(-3 * time.Hour).Truncate(time.Second)
	for n := range 6 {
		p.send(pump, base, n*100, 100)
		p.send(fan, base, n*50, 50)
	}
	want := p.acknowledged()
	hook, other := p.destination(p.tenant, "Ops"), p.destination(p.other, "Secret")
	f := p.forwarder()
	var refusals, calls atomic.Int32
	reached := make(chan int32, 1000)
	p.forwarding(func(ctx context.Context, t id.Tenant, r forward.Replayed) (int, error) {
		n := calls.Add(1)
		if n%3 == 0 && refusals.Add(1) < 4 {
			return 0, forward.ErrFull
		}
		queued, err := f.Replay(ctx, t, r)
		reached <- n
		return queued, err
	})
	first, stop := p.service()
	if _, err := first.Start(t.Context(), p.actor, p.tenant, Order{Kind: Forward, Destination: other.ID}); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("to a destination of another tenant: %v", err)
	}
	job, err := first.Start(t.Context(), p.actor, p.tenant, Order{Kind: Forward, Destination: hook.ID, Rate: 200})
	must(t, err)
	<-reached
	p.send(pump, base, 5000, 100) // is none of the job's business
	stop()
	second, _ := p.service()
	if job = p.ended(second, job); job.State != Done || job.Progress.Read != job.Progress.Total {
		t.Fatalf("it ends as %+v", job)
	}
	if got := p.queued(hook); got.String() != want.String() || want.number != 900 {
		t.Errorf("queued are %s, acknowledged %s", got, want)
	}
	if got := p.queued(other); got.number != 0 {
		t.Errorf("the other tenant's destination got %d", got.number)
	}
	p.history(job, "began to replay packets to a destination", "ended to replay packets to a destination")
}

func TestReplayToADestinationThatGoesAwayFails(t *testing.T) {
	p := newPlant(t)
	p.send(p.device(p.tenant, "pump", nil), time.Now().Add(-time.Hour), 0, 10)
	hook := p.destination(p.tenant, "Ops")
	p.forwarding(func(context.Context, id.Tenant, forward.Replayed) (int, error) { return 0, forward.ErrUnknown })
	s, _ := p.service()
	if job := p.order(s, Order{Kind: Forward, Destination: hook.ID}); job.State != Failed || job.Problem == "" {
		t.Errorf("it ends as %+v", job)
	}
	for _, o := range []Order{{Kind: Forward}, {Kind: Store, Destination: hook.ID}, {Kind: Forward, Destination: hook.ID, Rate: MaxForwardRate + 1}} {
		if _, err := s.Start(t.Context(), p.actor, p.tenant, o); !errors.Is(err, tenants.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
