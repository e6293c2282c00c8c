package main

import (
	"context"
	"errors"
	"fmt"

	"longwave/processors/store"
	"longwave/tenants"
)

// errLogCut is shown on the system page when the control log is shorter than it once was.
var errLogCut = errors.New("the control log has lost its end; stop the program and run longwave verify")

// anchor keeps the head of the control log outside of it: as a line of the program's log and as a row in ClickHouse, so
// that whoever shortens or rewrites the control log has to change those as well.
func (p *platform) anchor(ctx context.Context, a tenants.Anchor) error {
	p.log.InfoContext(ctx, "head of the control log", "position", a.Position, "hash", a.Hash)
	return p.store.KeepAnchor(ctx, store.Anchor{Position: a.Position, Hash: a.Hash})
}

// compareAnchors looks whether the control log reaches as far as it did. It takes packets all the same: refusing them
// would add a loss to a loss.
func (p *platform) compareAnchors(ctx context.Context) {
	anchors, err := p.store.Anchors(ctx)
	if err != nil {
		p.log.WarnContext(ctx, "the control log cannot be compared with its anchors", "error", err)
		return
	}
	head := p.tenants.Head()
	for _, a := range anchors {
		if a.Position > head.Position {
			p.tampered = fmt.Errorf("%w: it ends at %d and was at %d", errLogCut, head.Position, a.Position)
			p.log.ErrorContext(ctx, "the control log has lost its end", "position", head.Position, "anchor", a.Position)
			return
		}
		if a.Position == head.Position && a.Hash != head.Hash {
			p.tampered = fmt.Errorf("%w: at %d it is not what it was", errLogCut, a.Position)
			p.log.ErrorContext(ctx, "the control log is not what it was", "position", a.Position)
			return
		}
	}
}
