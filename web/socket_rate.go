package web

import (
	"context"

	"longwave/web/live"
)

// rateTopic is how many packets of the tenant arrive.
type rateTopic struct{ flow *live.Subscription }

func (b *browser) openRate(ctx context.Context, c command) (topic, []byte, error) {
	flow, err := b.socket.options.Hub.Subscribe(ctx, b.visit.Tenant, live.Filter{Wake: b.wake}, live.Cursor{})
	if err != nil {
		return nil, nil, err
	}
	flow.Backlog = nil // a rate begins now
	return &rateTopic{flow}, newFrame(c.Sub).cursor(flow.Cursor).snapshot(false).end().bytes(), nil
}

func (t *rateTopic) next(number uint32) []byte {
	delivery := t.flow.Take()
	packets := delivery.Skipped
	for _, u := range delivery.Updates {
		packets += len(u.Batch.Packets)
	}
	if packets == 0 {
		return nil
	}
	return newFrame(number).cursor(delivery.Cursor).arrived(packets).bytes()
}

func (t *rateTopic) close() { t.flow.Close() }
