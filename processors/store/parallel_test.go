package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sync/errgroup"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Several writers, rollups and readers at once: no reader ever sees less than what was inserted before it asked, and in
// the end rollups and readings agree.
func TestEverythingAtOnce(t *testing.T) {
	s, tenant := openStore(t), newTenant()
	const blocks, perBlock = 12, 40
	devices := []id.Device{newDevice(), newDevice(), newDevice()}
	writing, ctx := errgroup.WithContext(t.Context())
	for _, d := range devices {
		writing.Go(func() error { return writeAndRead(ctx, s, tenant, d, blocks, perBlock) })
	}
	done := make(chan struct{})
	var rolling errgroup.Group
	for range 2 {
		rolling.Go(func() error {
			for {
				run := rollupRun{store: s, id: rand.Uint64()}
				if err := run.execute(t.Context(), run.steps()); err != nil {
					return err
				}
				select {
				case <-done:
					return nil
				default:
				}
			}
		})
	}
	if err := writing.Wait(); err != nil {
		t.Error(err)
	}
	close(done)
	if err := rolling.Wait(); err != nil {
		t.Error(err)
	}
	rollAll(t, s)
	for _, d := range devices {
		if err := countBoth(t.Context(), s.ForTenant(tenant), d, blocks*perBlock); err != nil {
			t.Error(err)
		}
	}
}

func writeAndRead(ctx context.Context, s *Store, tenant id.Tenant, d id.Device, blocks, perBlock int) error {
	var b Block
	for i := range blocks {
		b.Reset()
		one := batch(d)
		for j := range perBlock {
			at := noon() + telemetry.Micros((i*perBlock+j)*7919%36_000)*second // spread over ten hours, out of order
			one.Packets = append(one.Packets, packet(at, number("temp", float64(i*perBlock+j))))
		}
		b.Add(tenant, one)
		if err := s.Insert(ctx, &b); err != nil {
			return err
		}
		if err := countBoth(ctx, s.ForTenant(tenant), d, (i+1)*perBlock); err != nil {
			return err
		}
	}
	return nil
}

// countBoth counts the readings of a device directly and through buckets of an hour.
func countBoth(ctx context.Context, r *Reader, d id.Device, want int) error {
	direct, err := r.Count(ctx, d)
	if err != nil {
		return err
	}
	series, err := r.Series(ctx, telemetry.SeriesQuery{Device: d, Metric: "temp", From: noon(), To: noon() + day, MaxPoints: 24})
	if err != nil {
		return err
	}
	var n uint64
	for _, p := range series.Points {
		n += p.Count
	}
	if direct.Readings != uint64(want) || n != uint64(want) {
		return fmt.Errorf("%d readings, %d in buckets of %s; want %d", direct.Readings, n, series.Step, want)
	}
	return nil
}
