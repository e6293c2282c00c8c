package main

import (
	"context"
	"errors"
	"fmt"

	"longwave/processors/store"
	"longwave/tenants"
)

// What the anchors may say against the control log, for the system page.
var (
	errLogCut     = errors.New("it has lost its end; stop the program and run longwave verify")
	errLogAltered = errors.New("it is not what it was; stop the program and run longwave verify")
	errNoAnchors  = errors.New("it is not compared with its anchors yet, because ClickHouse does not answer")
)

// anchor keeps the head of the control log outside of it: as a line of the program's log and as a row in ClickHouse, so
// that whoever shortens or rewrites the control log has to change those as well.
func (p *platform) anchor(ctx context.Context, a tenants.Anchor) error {
	p.log.InfoContext(ctx, "head of the control log", "position", a.Position, "hash", a.Hash)
	return p.store.KeepAnchor(ctx, store.Anchor{Position: a.Position, Hash: a.Hash})
}

// controlLogHealth is what comparing the control log with its anchors came to. The comparison is made once, as early as
// ClickHouse answers; until then the answer is that it is not known. Whatever it says, packets are taken: refusing them
// would add a loss to a loss.
func (p *platform) controlLogHealth(ctx context.Context) health {
	if known := p.anchored.Load(); known != nil {
		return *known
	}
	h := health{name: "control log", detail: "it reaches as far as its anchors"}
	anchors, err := p.store.Anchors(ctx)
	if err != nil {
		h.err = fmt.Errorf("%w: %w", errNoAnchors, err)
		return h
	}
	if h.err = contradicts(anchors, p.tenants.Head()); h.err != nil {
		p.log.ErrorContext(ctx, "the anchors contradict the control log", "error", h.err)
	}
	p.anchored.Store(&h)
	return h
}

// contradicts finds the anchor that lies behind the end of the log, or at its end and differs. What lies before is
// compared by verify, which reads the whole log.
func contradicts(anchors []store.Anchor, head tenants.Anchor) error {
	for _, a := range anchors {
		switch {
		case a.Position > head.Position:
			return fmt.Errorf("%w: it ends at %d and was at %d", errLogCut, head.Position, a.Position)
		case a.Position == head.Position && a.Hash != head.Hash:
			return fmt.Errorf("%w: message %d has another hash", errLogAltered, a.Position)
		}
	}
	return nil
}
