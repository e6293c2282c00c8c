package api

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"longwave/ingest"
	"longwave/ingest/telemetry"
)

// flying is a frame that was taken and is not answered yet.
type flying struct {
	name    string
	message *body
	pending ingest.Pending
}

// refusedFrame is the outcome of a frame that never came to ingest.
type refusedFrame struct{ cause error }

// Ready and Finish implement ingest.Pending.
func (refusedFrame) Ready(time.Time) bool { return true }

func (r refusedFrame) Finish(context.Context) (ingest.Receipt, error) {
	return ingest.Receipt{}, r.cause
}

// take has one frame accepted. It does not wait: answer tells the client what became of it.
func (s *socket) take(message *body, number uint64) {
	f, err := readFrame(message.wire, number)
	next := flying{name: f.name, message: message, pending: refusedFrame{err}}
	if err == nil {
		next.pending = s.accept(f.body)
	}
	s.mu.Lock()
	s.flying = append(s.flying, next)
	ready := next.pending.Ready(time.Now()) // under the lock: behind it, whoever answers may have finished it already
	s.mu.Unlock()
	if ready {
		s.told()
	}
}

// accept turns a panic into the frame's refusal: as with a handler's, it must not end the process.
func (s *socket) accept(body []byte) (p ingest.Pending) {
	defer func() {
		if cause := recover(); cause != nil {
			p = refusedFrame{panicked(cause)}
		}
	}()
	return s.api.accept.Begin(s.api.principal(s.caller), ingest.Request{
		Body: body, Format: telemetry.JSON, Transport: overSocket,
	}, s.told)
}

func panicked(cause any) error {
	return fmt.Errorf("panic in a frame: %v\n%s", cause, debug.Stack())
}

// answer answers frames as their outcomes become known, those known at the same time together, until ctx ends.
func (s *socket) answer(ctx context.Context) {
	var landed []flying
	for {
		select {
		case <-s.outcomes:
		case <-ctx.Done():
			return
		}
		landed = s.land(landed[:0])
		s.wire.hold()
		for i := range landed {
			s.reply(ctx, &landed[i])
		}
		s.wire.flush()
		for i := range landed {
			s.api.bodies.put(landed[i].message)
			<-s.slots
			s.frames.Done()
		}
		clear(landed) // what was answered must not live until as many are again
	}
}

// land moves the frames whose outcome is known to landed.
func (s *socket) land(landed []flying) []flying {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	still := s.flying[:0]
	for _, f := range s.flying {
		if f.pending.Ready(now) {
			landed = append(landed, f)
		} else {
			still = append(still, f)
		}
	}
	clear(s.flying[len(still):])
	s.flying = still
	return landed
}

// reply tells the client what became of a frame.
func (s *socket) reply(ctx context.Context, f *flying) {
	defer func() {
		if cause := recover(); cause != nil {
			s.nack(f.name, panicked(cause))
		}
	}()
	receipt, err := f.pending.Finish(ctx)
	if err != nil {
		s.nack(f.name, err)
		return
	}
	// The frame's memory is free again: ingest keeps nothing of it.
	f.message.wire = appendAck(f.message.wire[:0], f.name, receipt)
	_ = s.write(f.message.wire) // the reader notices a dead connection
}
