package natsd

import (
	"log/slog"
	"testing"
)

func TestOnlyAStreamThatCannotWriteIsBroken(t *testing.T) {
	for message, broken := range map[string]bool{
		"Filestore [LANE_BULK] Critical write error: write /d/jetstream/$G/streams/LANE_BULK/msgs/2.blk: no space left on device":  true,
		"JetStream stream '$G > CTL' critical write error: write /d/x: input/output error":                                         true,
		"Filestore [CuMgo1fZ] Critical write error: write /d/jetstream/$G/streams/LANE_BULK/batches/CuMgo1fZ/msgs/1.blk: no space": false,
		"JetStream failed to store a msg on stream '$G > LANE_BULK': maximum bytes exceeded":                                       false,
	} {
		b := &bridge{log: slog.New(slog.DiscardHandler)}
		b.Errorf("%s", message)
		if got := b.failed.Load() != nil; got != broken {
			t.Errorf("%s: %v", message, got)
		}
		b.reset()
		if b.failed.Load() != nil {
			t.Error("it is not forgotten")
		}
	}
}
