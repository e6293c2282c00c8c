package processors

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/store"
	"longwave/tenants/id"
)

func TestPacketsOfDeletedDevicesAreDropped(t *testing.T) {
	p := newPlant(t)
	tenant, stays, gone := id.New[id.Tenant](), id.New[id.Device](), id.New[id.Device]()
	p.remove(gone, true)
	kept := batch(stays, 0, 10)
	p.publish(telemetry.Standard, tenant, batch(gone, 0, 10), kept)
	r, _ := p.start(p.store)
	p.settled(r)
	p.expect(tenant, facts(make(map[fact]bool), kept))
	p.expectNothing(tenant, gone)
}

func (p *plant) expectNothing(t id.Tenant, d id.Device) {
	p.t.Helper()
	left, err := p.store.ForTenant(t).Count(p.t.Context(), d)
	if err != nil || left != (telemetry.Erased{}) {
		p.t.Fatalf("of the deleted device: %+v, %v", left, err)
	}
}

func TestDeviceDeletedBetweenTwoAttemptsDoesNotComeBack(t *testing.T) {
	p := newPlant(t)
	tenant, stays, goes := id.New[id.Tenant](), id.New[id.Device](), id.New[id.Device]()
	kept := batch(stays, 0, 10)
	p.publish(telemetry.Standard, tenant, batch(goes, 0, 10), kept)
	var attempts atomic.Int32
	r, _ := p.start(inserter(func(ctx context.Context, b *store.Block) error {
		if attempts.Add(1) == 1 {
			p.remove(goes, true)
			return store.ErrUnavailable
		}
		return p.store.Insert(ctx, b)
	}))
	p.settled(r)
	p.expect(tenant, facts(make(map[fact]bool), kept))
	p.expectNothing(tenant, goes)
}

func TestDeviceThatThisCopyHasNotHeardOfYetIsWaitedFor(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	p.remove(device, true)
	young := batch(device, 0, 10)
	young.Received = telemetry.At(time.Now())
	p.publish(telemetry.Critical, tenant, young)
	r, _ := p.start(p.store)
	until(t, "the message was put back", func() bool {
		return counter(t, r.metrics.postponed.WithLabelValues(telemetry.Critical.String())) > 0
	})
	p.remove(device, false) // the control log has caught up
	p.settled(r)
	p.expect(tenant, facts(make(map[fact]bool), young))
}
