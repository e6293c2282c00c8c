package processors

import (
	"context"
	"fmt"
	"math"

	"longwave/ingest/telemetry"
)

// Floor is the highest sequence of a lane up to which every durable consumer, of this or any other part of the program,
// has settled every message; 0 when one has settled nothing, or when there is none. It returns what NATS answered
// otherwise.
func (r *Runner) Floor(ctx context.Context, lane telemetry.Lane) (uint64, error) {
	stream, err := r.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return 0, fmt.Errorf("floor of lane %s: %w", lane, err)
	}
	floor, durables := uint64(math.MaxUint64), 0
	consumers := stream.ListConsumers(ctx)
	for info := range consumers.Info() {
		if info.Config.Durable != "" { // the others follow what is new and owe nobody anything
			durables++
			floor = min(floor, info.AckFloor.Stream)
		}
	}
	if err := consumers.Err(); err != nil {
		return 0, fmt.Errorf("floor of lane %s: %w", lane, err)
	}
	if durables == 0 {
		return 0, nil
	}
	return floor, nil
}
