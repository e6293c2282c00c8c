package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// leader is the copy of the program that evaluates.
type leader struct {
	*evaluation
	o       Options
	trouble *trouble
	holder  *holder
	lanes   [3]time.Time        // when each was made
	logged  uint64              // the place in the log up to which everything found is written
	stateAt uint64              // the last place in the stream of checkpoints
	saved   int                 // bytes of the latest checkpoint
	contact atomic.Int64        // when NATS answered last
	reached [3]bool             // the lane was read to its end
	heard   [3]telemetry.Micros // when the lane took the latest message that was seen
}

// kept is what a checkpoint says.
type kept struct {
	head
	pairs map[id.Tenant][]keptPair
	parts map[id.Tenant]int
}

// takeOver makes everything known that the copies before have written down. The order matters: after the fence nothing counts
// that they still write, so what is read then is all there is.
func (l *leader) takeOver(ctx context.Context) error {
	fence := Entry{Kind: Fence, Epoch: l.holder.epoch, At: l.o.Now().UTC(), By: l.o.Owner}
	place, err := write(ctx, l.o.JS, "", &fence)
	if err != nil {
		return err
	}
	l.logged = place
	before, err := l.readState(ctx)
	if err != nil {
		return err
	}
	if err := l.find(ctx, before.head); err != nil {
		return err
	}
	r := &restoring{evaluation: l.evaluation, orphans: make(map[id.Alert]orphan)}
	l.follow(telemetry.At(l.o.Now()))
	for name, pairs := range before.pairs {
		for i := range pairs {
			r.keep(name, &pairs[i])
		}
	}
	for name, parts := range before.parts {
		if t := l.tenants[name]; t != nil {
			t.parts = parts
		} else {
			l.gone = append(l.gone, name)
		}
	}
	if err := l.readLog(ctx, before.head, r); err != nil {
		return err
	}
	l.excuse()
	r.agree()
	if err := l.writeOut(ctx); err != nil {
		return err
	}
	return l.checkpoint(ctx) // before anything is seen: what has no checkpoint begins at the end of the lanes
}

// find finds the place in each lane to go on at: where the checkpoint ends, or else the end of the lane.
func (l *leader) find(ctx context.Context, before head) error {
	l.clock = before.Clock
	for i, lane := range telemetry.Lanes() {
		stream, err := l.o.JS.Stream(ctx, telemetry.LaneStream(lane))
		if err != nil {
			return fmt.Errorf("lane %s: %w", lane, err)
		}
		info := stream.CachedInfo()
		l.lanes[i], l.position[i] = info.Created, before.Position[i]
		switch first := info.State.FirstSeq; {
		case before.V == 0:
			l.position[i] = info.State.LastSeq
		case !before.Lanes[i].Equal(info.Created) || before.Position[i] > info.State.LastSeq: // another life of the lane
			l.position[i] = 0
		case first > before.Position[i]+1:
			l.missed(lane, first-before.Position[i]-1)
			l.position[i] = first - 1
		}
	}
	if l.clock == 0 {
		l.clock = telemetry.At(l.o.Now())
	}
	l.heard = [3]telemetry.Micros{l.clock, l.clock, l.clock}
	return nil
}

// missed counts messages that were gone before rules saw them.
func (l *leader) missed(lane telemetry.Lane, n uint64) {
	l.trouble.missed.Add(n)
	l.metrics.missed.Add(float64(n))
	l.o.Log.Error("messages of a lane were gone before alert rules saw them", "lane", lane.String(), "messages", n)
}

// readState reads the checkpoint. What cannot be read of it is passed over: the log knows every alert.
func (l *leader) readState(ctx context.Context) (before kept, err error) {
	before = kept{pairs: make(map[id.Tenant][]keptPair), parts: make(map[id.Tenant]int)}
	err = readAll(ctx, l.o.JS, telemetry.AlertStateStream, reading{each: func(m jetstream.Msg, _ uint64) error {
		if m.Subject() == telemetry.AlertStateHead() {
			if err := json.Unmarshal(m.Data(), &before.head); err != nil || before.V != partVersion {
				l.damage("the checkpoint; rules go on from what the log knows", err)
				before.head = head{}
			}
			return nil
		}
		name, part, err := telemetry.ParseAlertStateSubject(m.Subject())
		if err != nil {
			return nil //nolint:nilerr // not ours
		}
		before.parts[name] = max(before.parts[name], part+1)
		if len(m.Data()) == 0 { // the tenant had more once
			return nil
		}
		pairs, err := decodePart(m.Data())
		if err != nil {
			l.damage("a part of the checkpoint; what it knew starts afresh", err)
		}
		before.pairs[name] = append(before.pairs[name], pairs...)
		return nil
	}})
	if err != nil {
		return kept{}, err
	}
	stream, err := l.o.JS.Stream(ctx, telemetry.AlertStateStream)
	if err != nil {
		return kept{}, fmt.Errorf("checkpoint: %w", err)
	}
	l.stateAt = stream.CachedInfo().State.LastSeq
	return before, nil
}

func (l *leader) damage(what string, err error) {
	l.metrics.damaged.Inc()
	l.log.Error("what alert rules need cannot be read", "what", what, "error", err)
}

// readLog takes over what the log knows beyond the checkpoint. Without one, it is all there is.
func (l *leader) readLog(ctx context.Context, before head, r *restoring) error {
	allowed := fences{epoch: before.Epoch}
	return readAll(ctx, l.o.JS, telemetry.AlertStream, reading{from: before.Log + 1, each: func(m jetstream.Msg, _ uint64) error {
		e, err := decodeEntry(m.Data())
		if err != nil {
			l.damage("an entry of the log of alerts", err)
			return nil
		}
		name, err := telemetry.ParseAlertSubject(m.Subject())
		if allowed.admits(&e) && err == nil {
			r.entry(name, &e)
		}
		return nil
	}})
}

// excuse does not hold against devices that nobody evaluated for long.
func (l *leader) excuse() {
	if l.holder.before.Epoch == 0 {
		return
	}
	gap := l.o.Now().Sub(l.holder.before.At)
	if gap < excusedAfter {
		return
	}
	for _, t := range l.tenants {
		for _, d := range t.devices {
			for _, p := range d.pairs {
				if p.rule.Kind == alertrule.NoData {
					p.state.Excuse(gap)
				}
			}
		}
	}
}

// work evaluates until ctx ends or it cannot go on.
func (l *leader) work(ctx context.Context, in <-chan message) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	saved, followed := time.Now(), time.Now()
	changed := l.o.Directory.Changed()
	l.follow(telemetry.At(l.o.Now())) // what changed since it was read
	for {
		select {
		case m := <-in:
			l.see(&m)
			for range len(in) {
				m = <-in
				l.see(&m)
			}
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		l.tick(l.time())
		select {
		case <-changed:
			if time.Since(followed) > followPause {
				changed = l.o.Directory.Changed()
				l.follow(telemetry.At(l.o.Now()))
				followed = time.Now()
			}
		default:
		}
		if err := l.writeOut(ctx); err != nil {
			return err
		}
		if time.Since(saved) > max(checkpointEvery, time.Duration(l.saved)*time.Second/checkpointRate) {
			if err := l.keep(ctx); errors.Is(err, errLost) {
				return err
			}
			saved = time.Now()
		}
	}
}

// see lets rules see a message, and remembers whether there are more behind it.
func (l *leader) see(m *message) {
	l.reached[m.lane] = m.pending == 0
	if m.data == nil { // only says that the lane was empty
		return
	}
	l.metrics.messages.WithLabelValues(m.lane.String()).Inc()
	before := len(l.out)
	l.handle(m)
	l.heard[m.lane] = m.stored
	if len(l.out) > before {
		l.metrics.latest.Observe(max(0, l.o.Now().Sub(m.stored.Time()).Seconds()))
	}
}

// time is the instant up to which everything that became known was seen: now, while the lanes are read to their ends and NATS
// answers; else when the last message came that was seen.
func (l *leader) time() telemetry.Micros {
	now := min(telemetry.At(l.o.Now()), telemetry.Micros(l.contact.Load())+telemetry.Micros(silence/time.Microsecond))
	for i, reached := range l.reached {
		if !reached {
			now = min(now, l.heard[i])
		}
	}
	return now - telemetry.Micros(grace/time.Microsecond)
}

// keep writes a checkpoint. When that fails it is tried again the next time: what is not written down is only read again.
func (l *leader) keep(ctx context.Context) error {
	began := time.Now()
	err := l.checkpoint(ctx)
	if err != nil {
		l.metrics.writeFailures.Inc()
		l.log.Warn("what is known of alert rules cannot be written down; trying again", "error", err)
		return err
	}
	l.metrics.checkpointSeconds.Observe(time.Since(began).Seconds())
	l.metrics.checkpointBytes.Observe(float64(l.saved))
	left := 0
	for _, t := range l.tenants {
		left += t.left
	}
	l.trouble.leftOut.Store(uint64(left))
	l.metrics.leftOut.Set(float64(left))
	l.metrics.pairs.Set(float64(l.pairs()))
	return nil
}

func (e *evaluation) pairs() (n int) {
	for _, t := range e.tenants {
		n += t.pairs
	}
	return n
}
