package tenants

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// verifyWindow is how many hashes a verification remembers, and so how far behind the author of a message may have been
// and still confirm what it saw: 32 MiB.
const verifyWindow = 1 << 20

// Verified is what a verification found in order.
type Verified struct {
	Head      Anchor // the end of the log: worth keeping for the next time
	Confirmed uint64 // the messages up to here cannot have changed unnoticed; for those behind it nothing speaks yet
	Anchors   int    // how many were compared
}

// VerifyChain reads the whole control log and compares every message with what the authors of later ones saw, and with
// anchors that were kept elsewhere. It needs no Service, since a damaged log would not open. It returns a *ChainError
// for the first place that was edited, removed, moved or cut off, and ErrUnavailable when the broker does not answer.
// Without anchors, what was cut off at the end, and a log that was written anew as a whole, cannot be seen.
func VerifyChain(ctx context.Context, js jetstream.JetStream, anchors []Anchor) (Verified, error) {
	v := verification{state: new(State), chain: newChain(verifyWindow, 0, digest{})}
	v.anchors = slices.SortedFunc(slices.Values(anchors), func(a, b Anchor) int { return cmp.Compare(a.Position, b.Position) })
	last, err := logEnd(ctx, js)
	if err == nil {
		err = readLog(ctx, js, span{last: last}, v.next)
	}
	if err == nil {
		err = v.end()
	}
	if err != nil {
		return Verified{}, fmt.Errorf("verify the control log: %w", err)
	}
	return Verified{Head: v.state.anchor(), Confirmed: v.chain.confirmed, Anchors: v.compared}, nil
}

// logEnd is the position of the last message; 0 when there is no log.
func logEnd(ctx context.Context, js jetstream.JetStream) (uint64, error) {
	stream, err := js.Stream(ctx, StreamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%w: stream %s: %w", ErrUnavailable, StreamName, err)
	}
	return checkEnds(stream.CachedInfo().State)
}

// verification folds the chain of a log and nothing else of it.
type verification struct {
	state    *State
	chain    *chain
	anchors  []Anchor // still to be compared, by position
	compared int
	anchored uint64 // position of the newest anchor that was right
}

func (v *verification) next(m message) error {
	_, envelope, err := open(m.subject, m.data)
	if errors.Is(err, ErrLog) {
		return &ChainError{Damage: Altered, From: v.chain.confirmed + 1, To: m.seq, Detail: err.Error()}
	}
	if err != nil {
		return err
	}
	if err := v.state.check(v.chain, m.subject, envelope.After); err != nil {
		return err
	}
	v.state.advance(v.chain, m.subject, m.data)
	for len(v.anchors) > 0 && v.anchors[0].Position <= m.seq {
		if err := v.compare(v.anchors[0]); err != nil {
			return err
		}
		v.anchors = v.anchors[1:]
	}
	return nil
}

func (v *verification) compare(a Anchor) error {
	if a.Position == 0 { // says nothing: there was no log yet
		return nil
	}
	hash, err := hex.DecodeString(a.Hash)
	if err != nil {
		return invalid("anchors", "the hash of position %d is not hexadecimal", a.Position)
	}
	err = v.chain.confirm(a.Position, hash, "an anchor")
	if wrong := (*ChainError)(nil); errors.As(err, &wrong) {
		wrong.Detail += fmt.Sprintf("; the messages agree with each other up to %d", v.chain.confirmed)
		wrong.From = v.anchored + 1 // who writes the whole log anew can make its messages agree with each other
		return wrong
	}
	v.compared++
	v.anchored = a.Position
	return err
}

// end looks for anchors behind the end of the log.
func (v *verification) end() error {
	for _, a := range v.anchors {
		if a.Position > v.state.seq {
			return &ChainError{
				Damage: Truncated, From: v.state.seq + 1, To: v.anchors[len(v.anchors)-1].Position,
				Detail: fmt.Sprintf("the log ends at %d, an anchor was made at %d", v.state.seq, a.Position),
			}
		}
	}
	return nil
}
