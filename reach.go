package main

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"longwave/ingest/telemetry"
)

const (
	// reachInterval spaces the questions whether a lane can be reached.
	reachInterval = 2 * time.Second
	// reachMisses in a row are more than a lane without a leader for a few seconds, which heals without us.
	reachMisses = 3
)

// keepReach looks whether the NATS server that the program is connected to reaches the lanes. One that is cut off from the
// others keeps its clients, answers their pings, and can do nothing else for them; the client library stays with it. Ingest
// has a connection of its own, and knows sooner.
func (p *platform) keepReach(ctx context.Context) error {
	tick := time.NewTicker(reachInterval)
	defer tick.Stop()
	misses := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if misses++; p.reaches(ctx) {
			misses = 0
		}
		if misses == reachMisses {
			misses = 0
			p.leave(p.conn)
		}
	}
}

func (p *platform) reaches(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, reachInterval)
	defer cancel()
	_, err := p.js.Stream(ctx, telemetry.LaneStream(telemetry.Standard))
	return err == nil
}

// leave connects to another server of the cluster. Without a connection the client library is looking for one already.
func (p *platform) leave(conn *nats.Conn) {
	if !conn.IsConnected() {
		return
	}
	p.log.Warn("a NATS server does not answer for the lanes; another one is tried", "server", conn.ConnectedUrlRedacted(), "connection", conn.Opts.Name)
	_ = conn.ForceReconnect() // fails only when the connection was closed meanwhile
}
