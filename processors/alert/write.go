package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/atomicbatch"
	"longwave/ingest/telemetry"
	"longwave/processors/retry"
	"longwave/tenants/id"
)

// expectLast is the header that lets a write fail if anything was written since.
const expectLast = "Nats-Expected-Last-Sequence"

// writeOut writes what was found into the log, in its order, and tries until it succeeds or ctx ends.
func (l *leader) writeOut(ctx context.Context) error {
	for failures := 0; len(l.out) > 0; {
		n, err := l.writeSome(ctx, l.out[:min(len(l.out), mostBatch)])
		l.out = l.out[n:]
		if err == nil {
			failures = 0
			continue
		}
		if failures++; failures == 1 {
			l.log.Warn("alerts cannot be written; evaluation waits until they can", "entries", len(l.out), "error", err)
		}
		l.metrics.writeFailures.Inc()
		if retry.Pause(ctx, failures); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	l.out = nil
	return nil
}

// writeSome returns how many of the entries are in the log. What is repeated because the answer was lost, readers know by
// the alert and the number of its change.
func (l *leader) writeSome(ctx context.Context, some []finding) (written int, err error) {
	now := l.o.Now().UTC()
	for i := range some {
		some[i].entry.At = now
	}
	if len(some) >= atomicbatch.Least {
		place, err := l.writeBatch(ctx, some)
		if err == nil {
			l.logged = max(l.logged, place)
			l.metrics.entries.Add(float64(len(some)))
			return len(some), nil
		}
		l.log.Debug("entries cannot be written at once; each is written for itself", "error", err)
	}
	for i := range some {
		place, err := write(ctx, l.o.JS, some[i].tenant.id, &some[i].entry)
		if err != nil {
			return i, err
		}
		l.logged = max(l.logged, place)
		l.metrics.entries.Inc()
	}
	return len(some), nil
}

func (l *leader) writeBatch(ctx context.Context, some []finding) (uint64, error) {
	list := make([]*nats.Msg, len(some))
	for i := range some {
		data, err := some[i].entry.encode()
		if err != nil {
			return 0, err
		}
		list[i] = newMsg(some[i].entry.subject(some[i].tenant.id), data)
		list[i].Header.Set(jetstream.MsgIDHeader, some[i].entry.unique())
	}
	return together(ctx, l.o.JS.Conn(), list)
}

// write puts one entry into the log of a tenant.
func write(ctx context.Context, js jetstream.JetStream, t id.Tenant, e *Entry) (place uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	data, err := e.encode()
	if err != nil {
		return 0, err
	}
	var options []jetstream.PublishOpt
	if unique := e.unique(); unique != "" {
		options = append(options, jetstream.WithMsgID(unique))
	}
	ack, err := js.PublishMsg(ctx, newMsg(e.subject(t), data), options...)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return ack.Sequence, nil
}

// checkpoint writes down everything that has changed since the one before, and then how far that is. It returns errLost
// when somebody else has written one.
func (l *leader) checkpoint(ctx context.Context) error {
	l.saved = 0
	for _, t := range l.tenants {
		if !t.dirty {
			continue
		}
		if err := l.saveTenant(ctx, t, t.encodeParts(l.position)); err != nil {
			return err
		}
		t.dirty = false
	}
	for len(l.gone) > 0 {
		if err := purge(ctx, l.o.JS, telemetry.AlertStateStream, telemetry.AlertStateOf(l.gone[0])); err != nil {
			return err
		}
		l.gone = l.gone[1:]
	}
	data, err := json.Marshal(head{V: partVersion, Epoch: l.epoch, Position: l.position, Lanes: l.lanes, Log: l.logged, Clock: l.clock})
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return l.save(ctx, []saving{{telemetry.AlertStateHead(), data}})
}

// purge removes what stands on a subject of a stream.
func purge(ctx context.Context, js jetstream.JetStream, stream, subject string) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err == nil {
		err = s.Purge(ctx, jetstream.WithPurgeSubject(subject))
	}
	if err != nil {
		return fmt.Errorf("purge %s: %w: %w", subject, ErrUnavailable, err)
	}
	return nil
}

// saving is one message of a checkpoint.
type saving struct {
	subject string
	data    []byte
}

// saveTenant writes all parts of a tenant, and empties those that it does not have any more.
func (l *leader) saveTenant(ctx context.Context, t *tenant, parts [][]byte) error {
	for len(parts) < t.parts {
		parts = append(parts, nil)
	}
	runs, err := json.Marshal(t.runs(l.o.Process, l.o.Now()))
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	list := make([]saving, len(parts), len(parts)+1)
	filled := 0
	for i, part := range parts {
		list[i] = saving{telemetry.AlertStateSubject(t.id, i), part}
		if len(part) > 0 {
			filled++
		}
	}
	list = append(list, saving{telemetry.AlertRuns(t.id), runs})
	for at := 0; at < len(list); at += mostBatch {
		if err := l.save(ctx, list[at:min(at+mostBatch, len(list))]); err != nil {
			return err
		}
	}
	t.parts = filled
	return nil
}

// save writes some messages of a checkpoint, all or none, if nobody else has written any since.
func (l *leader) save(ctx context.Context, list []saving) error {
	batch := make([]*nats.Msg, len(list))
	for i, s := range list {
		batch[i] = newMsg(s.subject, s.data)
		l.saved += len(s.data)
	}
	batch[0].Header.Set(expectLast, fmt.Sprint(l.stateAt))
	place, err := together(ctx, l.o.JS.Conn(), batch)
	if err == nil {
		l.stateAt = place
		return nil
	}
	var refused *jetstream.APIError
	if errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return fmt.Errorf("checkpoint: %w", errLost)
	}
	return fmt.Errorf("checkpoint: %w", err)
}
