package tenants

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// snapshotEvery is how many messages a start has to fold behind a snapshot, at most: a tenth of a second.
	snapshotEvery = 10_000

	// snapshotAtStop is how many are worth a snapshot when the program stops.
	snapshotAtStop = 100

	// anchorEvery and anchorPause bound what could be cut off from the end of the log without contradicting an anchor.
	anchorEvery = 1000
	anchorPause = 10 * time.Minute

	// compareTimeout is ample for one question to a broker that was just connected to; a stream that is being restored
	// answers late.
	compareTimeout = time.Minute

	// anchorTimeout bounds one call of Options.Anchor: the program may be stopping.
	anchorTimeout = 5 * time.Second
)

// keeper writes down, beside the log, what helps to start quickly and to see whether the log was changed. It works on
// states, which never change, and so holds up nobody.
type keeper struct {
	*Service
	saved    uint64 // position of the last snapshot that was tried
	anchored uint64 // position of the last anchor that was tried
	given    uint64 // position of the last anchor that was taken
}

// keep runs until ctx ends. It returns a *ChainError when the log has become shorter than what was read of it.
func (k *keeper) keep(ctx context.Context) error {
	pause := time.NewTicker(anchorPause)
	defer pause.Stop()
	back := k.js.Conn().StatusChanged(nats.CONNECTED)
	defer k.js.Conn().RemoveStatusListener(back)
	if k.useless { // it would be refused at every start
		k.save(k.State(), 0)
	}
	for due := true; ; {
		changed := k.Changed()
		st := k.State()
		k.save(st, snapshotEvery)
		if due || st.seq-k.anchored >= anchorEvery {
			k.anchor(ctx, st)
		}
		due = false
		select {
		case <-changed:
		case <-pause.C:
			due = true
		case <-back:
			if err := k.compare(ctx, k.State()); err != nil {
				return err
			}
		case <-ctx.Done():
			k.save(k.State(), snapshotAtStop)
			k.anchor(context.WithoutCancel(ctx), k.State())
			return nil
		}
	}
}

// compare looks whether the log that a connection found again still has what was read of it. A broker that lost the end
// would give the same positions to other messages.
func (k *keeper) compare(ctx context.Context, st *State) error {
	ctx, cancel := context.WithTimeout(ctx, compareTimeout)
	defer cancel()
	info, err := k.stream.Info(ctx)
	if err != nil {
		k.log.Warn("the control log could not be compared after the connection came back", "error", err)
		return nil
	}
	if last := info.State.LastSeq; last < st.seq {
		return &ChainError{Damage: Truncated, From: last + 1, To: st.seq, Detail: fmt.Sprintf("%d messages were read, %d are left", st.seq, last)}
	}
	return nil
}

// save writes a snapshot when there are enough messages behind the last one. One that fails is tried again after as many.
func (k *keeper) save(st *State, enough uint64) {
	if k.snapshots == "" || st.seq-k.saved < enough {
		return
	}
	k.saved = st.seq
	begin := time.Now()
	if err := writeSnapshot(k.snapshots, st); err != nil {
		k.log.Warn("no snapshot of the control log was written; the next start takes longer", "error", err)
		return
	}
	k.log.Debug("snapshot of the control log", "position", st.seq, "took", time.Since(begin))
}

// anchor hands out the head of the log, unless that was done already.
func (k *keeper) anchor(ctx context.Context, st *State) {
	k.anchored = st.seq
	if k.anchors == nil || st.seq == k.given {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, anchorTimeout)
	defer cancel()
	if err := k.anchors(ctx, st.anchor()); err != nil {
		k.log.Warn("the head of the control log could not be anchored", "position", st.seq, "error", err)
		return
	}
	k.given = st.seq
}

// recall begins with the snapshot if there is one of this log; if not, it says why.
func (s *Service) recall(ctx context.Context, last uint64) {
	if s.snapshots == "" {
		return
	}
	st, err := readSnapshot(s.snapshots)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		s.useless = true
		s.log.Warn("the snapshot of the control log is not used, every event is read instead", "error", err)
		return
	case st.seq > last:
		err = fmt.Errorf("the log ends at %d and the snapshot at %d: the end of the log was cut off, or it is another log", last, st.seq)
	default:
		err = st.belongs(ctx, s.stream)
	}
	if err != nil {
		s.useless = true
		s.log.Error("the control log is not the one that its snapshot was made of; every event is read instead, verify the log", "error", err)
		return
	}
	s.draft, s.recalled = st, st.seq
}

// belongs compares the message at the end of a state with the one that the log has there.
func (s *State) belongs(ctx context.Context, stream jetstream.Stream) error {
	if s.seq == 0 {
		return nil
	}
	message, err := stream.GetMsg(ctx, s.seq)
	if err != nil {
		return err
	}
	if hashNext(s.before, message.Subject, s.seq, message.Data) != s.head {
		return fmt.Errorf("the log has another message at %d: it was changed, or it is another log", s.seq)
	}
	return nil
}
