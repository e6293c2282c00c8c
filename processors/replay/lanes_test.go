package replay

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/store"
	"longwave/tenants"
)

// shown is everything that questions about a device answer: what is stored, its steps, its events and its counts.
type shown struct {
	Points []telemetry.Point
	Steps  []telemetry.Point
	Events []telemetry.Event
	Latest []telemetry.Latest
	Count  telemetry.Erased
}

func (p *plant) shown(d tenants.Device) (all shown) {
	p.t.Helper()
	r := p.store.ForTenant(d.Tenant)
	from, to := telemetry.At(time.Now().Add(-100*time.Hour).Truncate(time.Hour)), telemetry.At(time.Now().Add(time.Hour).Truncate(time.Hour))
	q := telemetry.SeriesQuery{Device: d.ID, Metric: "temp", From: from, To: to, MaxPoints: 50}
	must(p.t, r.Each(p.t.Context(), q, func(point telemetry.Point) error { all.Points = append(all.Points, point); return nil }))
	steps, err := r.Series(p.t.Context(), q)
	must(p.t, err)
	all.Steps = steps.Points
	all.Events, err = r.Events(p.t.Context(), telemetry.EventQuery{Device: d.ID, From: from, To: to, Limit: 10_000})
	must(p.t, err)
	all.Latest, err = r.Latest(p.t.Context(), d.ID)
	must(p.t, err)
	all.Count, err = r.Count(p.t.Context(), d.ID)
	must(p.t, err)
	return all
}

// verified fails when rollups differ from what the readings say, which is what longwave verify looks at.
func (p *plant) verified() {
	p.t.Helper()
	found, err := p.store.VerifyRollups(p.t.Context(), p.tenant, telemetry.At(time.Now().Add(-100*time.Hour)), telemetry.At(time.Now()),
		func(d store.Difference) error { p.t.Errorf("verify finds %+v", d); return nil })
	if err != nil || reflect.ValueOf(found).IsZero() {
		p.t.Errorf("verify compared %+v, %v", found, err)
	}
}

func TestPreviewCountsAndChangesNothing(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	pump, fan := p.device(p.tenant, "pump", map[string]string{"site": "plant-1"}), p.device(p.tenant, "fan", nil)
	site := "plant-1/line-2"
	_, err := p.tenants.ChangeDevice(t.Context(), p.actor, p.tenant, pump.ID, tenants.DeviceChange{Site: &site})
	must(t, err)
	base := time.Now().Add(-10 * time.Hour).Truncate(time.Second)
	p.send(pump, base, 0, 600)
	p.send(fan, base, 0, 300)
	p.send(p.device(p.other, "secret", nil), base, 0, 500)
	middle := Selection{SentFrom: telemetry.At(base.Add(500 * time.Second)), SentTo: telemetry.At(base.Add(700 * time.Second))}
	for _, c := range []struct {
		selection Selection
		want      uint64
	}{
		{Selection{}, 900}, {Selection{Device: pump.ID}, 600}, {Selection{Label: "site", Value: "plant-1"}, 600}, {middle, 100},
		{Selection{Site: "plant-1"}, 600}, {Selection{Site: "plant"}, 0},
		{Selection{Label: "site"}, 300}, {Selection{To: telemetry.At(time.Now().Add(-time.Hour))}, 0}, {Selection{From: telemetry.At(base)}, 900},
	} {
		job := p.order(s, Order{Kind: Preview, Selection: c.selection})
		if job.State != Done || job.Progress.Packets != c.want || job.Progress.Read != job.Progress.Total {
			t.Errorf("%+v: %s %+v, want %d packets", c.selection, job.State, job.Progress, c.want)
		}
	}
	job := p.order(s, Order{Kind: Preview})
	if pr := job.Progress; pr.Devices != 2 || len(pr.Samples) == 0 || pr.First != telemetry.At(base) || pr.Last != telemetry.At(base.Add(599*time.Second)) || pr.Bytes == 0 {
		t.Errorf("the preview is %+v", pr)
	}
	if page, err := p.tenants.History(t.Context(), p.tenant, tenants.HistoryQuery{}); err != nil || len(page.Past) != 3 {
		t.Errorf("previews are in the control log: %+v, %v", page, err)
	}
}

func TestReplayingEverythingTwiceChangesNothing(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	pump, fan := p.device(p.tenant, "pump", nil), p.device(p.tenant, "fan", nil)
	base := time.Now().Add(-30 * time.Hour).Truncate(time.Second)
	for n := range 5 {
		p.send(pump, base, n*500, 500)
		p.send(fan, base, n*300, 300)
	}
	p.settled()
	before := []shown{p.shown(pump), p.shown(fan)}
	if len(before[0].Points) != 2500 || len(before[0].Events) == 0 || len(before[0].Latest) != 3 {
		t.Fatalf("at first there are %d points, %d events and %d series", len(before[0].Points), len(before[0].Events), len(before[0].Latest))
	}
	for range 2 {
		job := p.order(s, Order{Kind: Store, Rate: MaxRate})
		if pr := job.Progress; job.State != Done || pr.Stored != 4000 || pr.Refused+pr.Dropped+pr.Damaged != 0 {
			t.Fatalf("the replay is %s %+v", job.State, pr)
		}
		p.settled()
		if after := []shown{p.shown(pump), p.shown(fan)}; !reflect.DeepEqual(before, after) {
			t.Fatal("what is shown has changed")
		}
		p.verified()
	}
}

// A replay brings back what the storage has lost, and nothing of a device that was deleted.
func TestReplayBringsBackWhatWasLostAndNotWhatWasDeleted(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	pump, gone := p.device(p.tenant, "pump", nil), p.device(p.tenant, "gone", nil)
	base := time.Now().Add(-3 * time.Hour).Truncate(time.Second)
	p.send(pump, base, 0, 1000)
	p.send(gone, base, 0, 1000)
	p.settled()
	before := p.shown(pump)
	for _, d := range []tenants.Device{pump, gone} {
		if _, err := p.store.ForTenant(p.tenant).Erase(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
	}
	var deleted atomic.Bool
	p.inserting(func(ctx context.Context, b *store.Block) error { // deleted between the look and the insert
		if deleted.CompareAndSwap(false, true) {
			must(t, p.tenants.DeleteDevice(ctx, p.actor, p.tenant, gone.ID))
		}
		return p.store.Insert(ctx, b)
	})
	job := p.order(s, Order{Kind: Store})
	p.settled()
	if after := p.shown(pump); !reflect.DeepEqual(before, after) {
		t.Errorf("of %d points %d are back: %+v", len(before.Points), len(after.Points), job.Progress)
	}
	if after := p.shown(gone); after.Count.Readings+after.Count.Events > 0 || len(after.Points) > 0 {
		t.Errorf("of the deleted device there is %+v", after.Count)
	}
}

func TestReplayDuringLoad(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	pump := p.device(p.tenant, "pump", nil)
	base := time.Now().Add(-5 * time.Hour).Truncate(time.Second)
	sent := p.send(pump, base, 0, 1000)
	job, err := s.Start(t.Context(), p.actor, p.tenant, Order{Kind: Store, Rate: 1000})
	must(t, err)
	for n := 1; n <= 4; n++ {
		sent += p.send(pump, base, n*1000, 1000)
	}
	if job = p.ended(s, job); job.State != Done || job.Progress.Stored < 1000 || job.Progress.Read != job.Progress.Total {
		t.Errorf("%s %+v", job.State, job.Progress)
	}
	p.settled()
	p.stored(pump, sent)
	p.verified()
}

func TestOneJobAtATimeAndCancelling(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	p.send(p.device(p.tenant, "pump", nil), time.Now().Add(-time.Hour), 0, 100)
	hung := make(chan struct{})
	p.inserting(func(ctx context.Context, _ *store.Block) error {
		select {
		case hung <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return ctx.Err()
	})
	job, err := s.Start(t.Context(), p.actor, p.tenant, Order{Kind: Store, By: "Ada"})
	must(t, err)
	<-hung
	if _, err := s.Start(t.Context(), p.actor, p.tenant, Order{Kind: Preview}); !errors.Is(err, ErrBusy) {
		t.Errorf("a second job: %v", err)
	}
	if _, err := s.Cancel(t.Context(), p.other, job.ID); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("another tenant cancels: %v", err)
	}
	if _, err := s.Cancel(t.Context(), p.tenant, job.ID); err != nil {
		t.Fatal(err)
	}
	if job = p.ended(s, job); job.State != Cancelled || job.Progress.Stored != 0 {
		t.Errorf("cancelled: %+v", job)
	}
	p.history(job, "began to replay packets into the storage", "ended to replay packets into the storage")
	p.inserting(p.store.Insert)
	if job := p.order(s, Order{Kind: Preview}); job.State != Done {
		t.Errorf("the next one: %+v", job)
	}
}

// Two copies of the program, of which one stops in the middle and one is cut off: the job is done all the same, by one at
// a time, and nothing of it twice in what is shown.
func TestAJobOutlivesItsOwners(t *testing.T) {
	p := newPlant(t)
	pump := p.device(p.tenant, "pump", nil)
	base := time.Now().Add(-5 * time.Hour).Truncate(time.Second)
	for n := range 8 {
		p.send(pump, base, n*100, 100)
	}
	p.settled()
	before := p.shown(pump)
	var inserts, together atomic.Int32
	reached := make(chan int32, 1000)
	p.inserting(func(ctx context.Context, b *store.Block) error {
		if together.Add(1) > 1 {
			t.Error("two owners insert at the same time")
		}
		defer together.Add(-1)
		reached <- inserts.Add(1)
		return p.store.Insert(ctx, b)
	})
	first, stop := p.service()
	job, err := first.Start(t.Context(), p.actor, p.tenant, Order{Kind: Store, Rate: 200})
	must(t, err)
	for n := range reached {
		if n >= 2 {
			break
		}
	}
	stop() // as a program that is told to
	found, err := first.Job(t.Context(), p.tenant, string(job.ID))
	if err != nil || found.State != Waiting || found.Owner != "" || found.Progress.Read == 0 || found.Progress.Read >= found.Progress.Total {
		t.Fatalf("put back as %+v, %v", found, err)
	}
	// As a program that was killed: an owner that will never write again.
	must(t, first.edit(t.Context(), p.tenant, func(b *board) error { b.Jobs[0].State, b.Jobs[0].Owner = Running, "nobody"; return nil }))
	second, _ := p.service()
	third, _ := p.service()
	job = p.ended(third, job)
	if pr := job.Progress; job.State != Done || pr.Read != pr.Total || pr.Stored != 800 || (job.Owner != second.me && job.Owner != third.me) {
		t.Errorf("it ends as %+v", job)
	}
	p.settled()
	if after := p.shown(pump); !reflect.DeepEqual(before, after) {
		t.Error("what is shown has changed")
	}
	p.history(job, "began to replay packets into the storage", "ended to replay packets into the storage")
}

// What the store refuses is passed over and counted; a store that refuses everything is not believed.
func TestRefusedPacketsArePassedOver(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	pump, fan := p.device(p.tenant, "pump", nil), p.device(p.tenant, "fan", nil)
	base := time.Now().Add(-5 * time.Hour).Truncate(time.Second)
	p.send(pump, base, 0, 150)
	p.send(fan, base, 0, 1)
	p.inserting(func(ctx context.Context, b *store.Block) error {
		if b.Packets() > 40 {
			return fmt.Errorf("%w: together", store.ErrRefused)
		}
		return p.store.Insert(ctx, b)
	})
	if job := p.order(s, Order{Kind: Store}); job.State != Done || job.Progress.Stored != 151 {
		t.Errorf("%+v", job.Progress)
	}
	p.inserting(func(context.Context, *store.Block) error { return fmt.Errorf("%w: always", store.ErrRefused) })
	if job := p.order(s, Order{Kind: Store}); job.State != Failed || job.Problem == "" || job.Progress.Stored != 0 {
		t.Errorf("%s %s %+v", job.State, job.Problem, job.Progress)
	}
}
