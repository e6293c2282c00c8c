package main

import (
	"context"
	"errors"
	"time"

	"longwave/ingest"
	"longwave/ingest/telemetry"
)

const (
	// roomInterval is how often lanes are looked at: at the highest rate they gain a few per cent meanwhile.
	roomInterval = 5 * time.Second
	// roomTimeout bounds one look, removals included.
	roomTimeout = 30 * time.Second
)

// keepRoom lets lanes that are nearly full drop what every consumer has settled, so that copies kept for replay never
// stand in the way of new packets. It belongs to main because what is settled is known to processors and what a lane may
// hold to ingest, and neither knows the other.
func (p *platform) keepRoom(ctx context.Context) error {
	tick := time.NewTicker(roomInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.makeRoom(ctx)
		}
	}
}

func (p *platform) makeRoom(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	for _, lane := range telemetry.Lanes() {
		floor, err := p.runner.Floor(ctx, lane)
		var done ingest.Trimmed
		if err == nil {
			done, err = p.front.Trim(ctx, lane, floor)
		}
		switch {
		case errors.Is(err, context.Canceled):
			return
		case err != nil:
			p.log.WarnContext(ctx, "no room could be made in a lane; trying again", "lane", lane.String(), "error", err)
			continue
		case done.Messages > 0:
			p.log.InfoContext(ctx, "a lane was nearly full; its oldest stored packets cannot be replayed any more", "lane", lane.String(), "messages", done.Messages)
		}
		p.watch.stuck[lane].Store(done.Stuck)
	}
}
