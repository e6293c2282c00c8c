package simulate

import (
	"context"
	"time"

	"longwave/ingest/telemetry"
)

// maxBatch is how many packets a device sends at once when it has fallen behind: half of what a request may hold, so
// that the server's limit is never what decides.
const maxBatch = 500

// device sends what a source reports, in order, a batch at a time.
type device struct {
	source source
	client *client
	token  string
	flush  time.Duration
	renew  func(context.Context) error // gets a token in place of one that is not known any more; nil: the token is new
}

// run sends until ctx ends, or returns false when the server will have nothing more from this device.
func (d *device) run(ctx context.Context) bool {
	for ctx.Err() == nil {
		wait(ctx, time.Until(d.source.due().Add(d.flush)))
		if ctx.Err() != nil {
			break
		}
		var packets []telemetry.Packet
		for len(packets) < maxBatch && !d.source.due().After(time.Now()) {
			packets = append(packets, d.source.next(ctx))
		}
		if !d.client.deliver(ctx, d, packets) && ctx.Err() == nil {
			return false
		}
	}
	return true
}
