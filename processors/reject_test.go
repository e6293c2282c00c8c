package processors

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// rejected waits for a number of rejected packets and returns them by subject.
func (p *plant) rejected(number int) map[string][]telemetry.RejectedPacket {
	p.t.Helper()
	stream, err := p.js.Stream(p.t.Context(), telemetry.RejectedStream)
	if err != nil {
		p.t.Fatal(err)
	}
	consumer, err := stream.OrderedConsumer(p.t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		p.t.Fatal(err)
	}
	bySubject := make(map[string][]telemetry.RejectedPacket)
	for range number {
		message, err := consumer.Next(jetstream.FetchMaxWait(patience))
		if err != nil {
			p.t.Fatal(err)
		}
		packet, err := telemetry.DecodeRejected(message.Data())
		if err != nil {
			p.t.Fatal(err)
		}
		bySubject[message.Subject()] = append(bySubject[message.Subject()], packet)
	}
	info, err := stream.Info(p.t.Context())
	if err != nil || info.State.Msgs != uint64(number) {
		p.t.Fatalf("%d rejected packets are kept, want %d (%v)", info.State.Msgs, number, err)
	}
	return bySubject
}

func TestPacketThatTheStoreRefusesIsIsolated(t *testing.T) {
	p := newPlant(t)
	tenant, device, other := id.New[id.Tenant](), id.New[id.Device](), id.New[id.Device]()
	good, poisoned := batch(other, 0, 300), batch(device, 0, 300)
	culprit := poisoned.Packets[137]
	poisoned.Packets[137].Values = nil
	want := facts(make(map[fact]bool), good, poisoned)
	poisoned.Packets[137].Values = append(culprit.Values, telemetry.Value{Name: "power", Num: math.Inf(1)}) // no fact
	p.publish(telemetry.Standard, tenant, good, poisoned)
	p.publish(telemetry.Standard, tenant, good)

	r, _ := p.start(p.store)
	p.settled(r)
	p.expect(tenant, want)
	kept := p.rejected(1)[telemetry.RejectedSubject(tenant, device)]
	if len(kept) != 1 || kept[0].Code != codeRefused || kept[0].Device != device || kept[0].Index != 437 {
		t.Fatalf("kept: %+v", kept)
	}
	if !strings.Contains(kept[0].Raw, "p137") || kept[0].Detail == "" {
		t.Errorf("kept without the packet or the reason: %+v", kept[0])
	}
}

func TestDamagedMessageIsKeptAndItsNeighboursStored(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	before, damaged, after := batch(device, 0, 10), batch(device, 10, 10), batch(device, 20, 10)
	message := telemetry.AppendBatch(telemetry.AppendBatch(nil, before), damaged)
	message[len(message)-20] ^= 0x40 // a bit of the second batch
	p.publishRaw(telemetry.LaneSubject(telemetry.Bulk, tenant), message)
	p.publish(telemetry.Bulk, tenant, after)
	p.publishRaw("tel.bulk.Not_A_Tenant", message)

	r, _ := p.start(p.store)
	p.settled(r)
	p.expect(tenant, facts(make(map[fact]bool), before, after))
	kept := p.rejected(2)
	for _, subject := range []string{telemetry.RejectedSubject(tenant, laneDevice), telemetry.RejectedSubject(unknownTenant, laneDevice)} {
		if len(kept[subject]) != 1 || kept[subject][0].Code != codeDamaged || kept[subject][0].Raw == "" {
			t.Errorf("%s: %+v", subject, kept[subject])
		}
	}
}

func TestStoreThatRefusesEverythingIsNotBelieved(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	b := batch(device, 0, 200)
	p.publish(telemetry.Critical, tenant, b)
	whole := 0
	r, _ := p.start(inserter(func(ctx context.Context, block *store.Block) error {
		if block.Packets() == len(b.Packets) {
			whole++
		}
		if whole < 3 { // the block, the block again to divide it, and again after that led nowhere
			return fmt.Errorf("%w: for no good reason", store.ErrRefused)
		}
		return p.store.Insert(ctx, block)
	}))
	p.settled(r)
	p.expect(tenant, facts(make(map[fact]bool), b))
	p.rejected(0)
}
