package tenants

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// StreamName is the JetStream stream that holds the control log.
const StreamName = "CTL"

const (
	// followPause is the first wait between attempts to read the log, doubled up to longestPause: short, since nothing
	// can be changed meanwhile.
	followPause  = 250 * time.Millisecond
	longestPause = 4 * time.Second

	// publishEvery bounds how many messages of a burst are folded before readers see them.
	publishEvery = 256
)

func streamConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        StreamName,
		Description: "Every change of tenants, people and devices, for ever",
		Subjects:    []string{subjectPrefix + ">"},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew, // if an operator sets a limit by hand: refuse, never forget
		Replicas:    replicas,
		MaxMsgs:     -1, MaxBytes: -1, MaxMsgsPerSubject: -1,
		DenyDelete: true,
		DenyPurge:  true,
	}
}

// ensureStream makes the stream or checks the existing one, and returns it with where it begins and ends.
func ensureStream(ctx context.Context, js jetstream.JetStream, replicas int) (_ jetstream.Stream, state jetstream.StreamState, err error) {
	want := streamConfig(replicas)
	stream, err := js.CreateStream(ctx, want)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		stream, err = js.Stream(ctx, StreamName)
	}
	if err != nil {
		return nil, state, fmt.Errorf("%w: stream %s: %w", ErrUnavailable, StreamName, err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return nil, state, fmt.Errorf("%w: stream %s: %w", ErrUnavailable, StreamName, err)
	}
	if err := checkStream(info.Config, want); err != nil {
		return nil, state, err
	}
	return stream, info.State, nil
}

// checkStream compares every setting that could lose, hide or change an event.
func checkStream(have, want jetstream.StreamConfig) error {
	unlimited := func(n int64) bool { return n <= 0 }
	for _, setting := range []struct {
		name string
		ok   bool
	}{
		{"subjects", slices.Equal(have.Subjects, want.Subjects)},
		{"storage", have.Storage == want.Storage},
		{"retention", have.Retention == want.Retention},
		{"deny_delete", have.DenyDelete},
		{"deny_purge", have.DenyPurge},
		{"max_msgs", unlimited(have.MaxMsgs)},
		{"max_bytes", unlimited(have.MaxBytes)},
		{"max_age", have.MaxAge == 0},
		{"max_msgs_per_subject", unlimited(have.MaxMsgsPerSubject)},
		{"num_replicas", have.Replicas == want.Replicas},
		{"persist_mode", have.PersistMode == want.PersistMode},
		{"sealed", !have.Sealed},
	} {
		if !setting.ok {
			return fmt.Errorf("%w: stream %s: %s", ErrStreamDiffers, StreamName, setting.name)
		}
	}
	return nil
}

// checkEnds returns the position of the last message, and a *ChainError when everything before it is gone.
func checkEnds(state jetstream.StreamState) (last uint64, err error) {
	if state.Msgs == 0 && state.LastSeq > 0 {
		return 0, &ChainError{Damage: Removed, From: 1, To: state.LastSeq, Detail: "the stream is empty, but was not"}
	}
	return state.LastSeq, nil
}
