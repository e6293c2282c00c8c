package processors

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/processors/mark"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// restart stops the broker of the plant, lets change do what it likes with the files, and starts it again.
func (p *plant) restart(change func(streams string)) {
	p.t.Helper()
	p.stopBroker()
	change(filepath.Join(p.dir, "jetstream", "$G", "streams"))
	p.startBroker()
}

func (p *plant) startBroker() {
	p.t.Helper()
	p.broker, _, p.js = natstest.StartIn(p.t, natsd.Options{Dir: p.dir})
}

func (p *plant) stopBroker() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.broker.Close(ctx); err != nil {
		p.t.Fatal(err)
	}
}

// rewrite changes a file in place.
func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// settledTo is a file of a consumer's state, as NATS writes it, that claims everything up to a sequence.
func settledTo(sequence uint64) []byte {
	state := []byte{22, 2} // magic and version
	for range 4 {          // floor and end of what was delivered, each by the consumer's count and the stream's
		state = binary.AppendUvarint(state, sequence)
	}
	return append(state, 0, 0) // nothing pending, nothing redelivered
}

// delivered is such a file that says that the first messages were delivered long ago and none of them settled.
func delivered(messages uint64) []byte {
	state := []byte{22, 2, 0, 0}
	for range 3 { // end of what was delivered, twice, and how much of it is pending
		state = binary.AppendUvarint(state, messages)
	}
	state = binary.AppendVarint(state, time.Now().Unix())
	for n := uint64(1); n <= messages; n++ {
		state = binary.AppendUvarint(binary.AppendUvarint(state, n), n)
		state = binary.AppendVarint(state, 600) // seconds ago
	}
	return append(state, 0)
}

func consumerState(streams string) string {
	return filepath.Join(streams, telemetry.LaneStream(telemetry.Standard), "obs", storeConsumer, "o.dat")
}

func TestDamagedConsumerStateLosesNothing(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	want := make(map[fact]bool)
	send := func(from, to int) {
		for n := from; n < to; n++ {
			b := batch(device, 10*n, 10)
			facts(want, b)
			p.publish(telemetry.Standard, tenant, b)
		}
	}
	send(0, 5)
	r, stop := p.start(p.store)
	p.settled(r)
	stop()
	send(5, 10) // nobody stores these
	p.restart(func(streams string) {
		rewrite(t, consumerState(streams), func([]byte) []byte { return settledTo(9) })
	})

	r, _ = p.start(p.store)
	p.settled(r)
	p.expect(tenant, want)
	why := r.metrics.rewound.WithLabelValues(string(mark.Unproven), telemetry.Standard.String())
	if got := testutil.ToFloat64(why); got != 1 {
		t.Errorf("the lane was read again %v times, want once", got)
	}
}

func TestMessageThatCannotBeReadIsLostAndNotWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		broken   int
		unmarked bool
	}{"in the middle": {broken: 2}, "at the end": {broken: 4}, "NATS tries for ever": {broken: 2, unmarked: true}} {
		t.Run(name, func(t *testing.T) {
			broken := c.broken
			p := newPlant(t)
			tenant, device := id.New[id.Tenant](), id.New[id.Device]()
			want := make(map[fact]bool)
			for n := range 5 {
				b := batch(device, 10*n, 10)
				b.Packets[0].ID = "needle-" + string(rune('0'+n))
				if n != broken {
					facts(want, b)
				}
				p.publish(telemetry.Standard, tenant, b)
			}
			inHand := make(chan struct{}, 1)
			_, stop := p.start(inserter(func(ctx context.Context, b *store.Block) error {
				if b.Packets() == 50 {
					select {
					case inHand <- struct{}{}:
					default:
					}
				}
				return errors.New("away")
			}))
			<-inHand // all of it was delivered once, and is put back
			stop()
			if c.unmarked {
				p.unmark()
			}
			p.restart(func(streams string) {
				rewrite(t, consumerState(streams), func([]byte) []byte { return delivered(5) })
				blocks, err := filepath.Glob(filepath.Join(streams, telemetry.LaneStream(telemetry.Standard), "msgs", "*.blk"))
				if err != nil || len(blocks) != 1 {
					t.Fatalf("%d blocks, %v", len(blocks), err)
				}
				rewrite(t, blocks[0], func(text []byte) []byte {
					text[bytes.Index(text, []byte("needle-"+string(rune('0'+broken))))] ^= 1
					return text
				})
			})

			r := p.runner(p.store)
			r.lookEvery, r.keepEvery = 20*time.Millisecond, 20*time.Millisecond
			p.run(r)
			p.settled(r)
			p.expect(tenant, want)
			p.idle(r)
			lost := r.metrics.losses.WithLabelValues("unreadable", telemetry.Standard.String())
			until(t, "the loss is counted", func() bool { return testutil.ToFloat64(lost) == 1 })
		})
	}
}

// unmark removes what the program knows of how far the lanes are settled.
func (p *plant) unmark() {
	p.t.Helper()
	if err := p.js.DeleteKeyValue(p.t.Context(), mark.Bucket); err != nil {
		p.t.Fatal(err)
	}
}

// idle checks that nothing waits in any lane.
func (p *plant) idle(r *Runner) {
	p.t.Helper()
	lags, err := r.Lag(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, lag := range lags {
		if lag.Messages != 0 || lag.Seconds != 0 {
			p.t.Errorf("%+v: nothing waits that can ever be stored", lag)
		}
	}
}
