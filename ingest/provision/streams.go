package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrDiffers means that somebody made a stream otherwise than it is needed.
var ErrDiffers = errors.New("an existing stream differs from what is needed")

// deadline bounds the making of streams: a cluster may have to elect leaders first.
const deadline = 30 * time.Second

// Streams makes the streams that are missing, changes of the others what may be changed, and checks the rest. It returns
// ErrDiffers, or what JetStream answered.
func Streams(ctx context.Context, js jetstream.JetStream, wanted ...jetstream.StreamConfig) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	for _, want := range wanted {
		if err := one(ctx, js, want); err != nil {
			return err
		}
	}
	return nil
}

func one(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = js.CreateStream(ctx, want) // the same definition by another copy at the same time is no error
		if err != nil {
			return fmt.Errorf("create stream %s: %w", want.Name, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", want.Name, err)
	}
	have := stream.CachedInfo().Config
	if err := differs(have, want); err != nil {
		return err
	}
	changed, needed := adapt(have, want)
	if !needed {
		return nil
	}
	if _, err := js.UpdateStream(ctx, changed); err != nil {
		return fmt.Errorf("change max_bytes, max_age, allow_atomic or allow_msg_ttl of stream %s: %w", want.Name, err)
	}
	return nil
}

// adapt changes what may be changed in place, and says whether anything was.
func adapt(have, want jetstream.StreamConfig) (changed jetstream.StreamConfig, needed bool) {
	changed = have
	if want.MaxAge == 0 { // an older version of the program set one
		changed.MaxAge = 0
	}
	if want.Discard == jetstream.DiscardNew || have.MaxBytes > 0 && have.MaxBytes < want.MaxBytes {
		changed.MaxBytes = want.MaxBytes
	}
	changed.AllowAtomicPublish = have.AllowAtomicPublish || want.AllowAtomicPublish
	changed.AllowMsgTTL = have.AllowMsgTTL || want.AllowMsgTTL
	return changed, changed.MaxAge != have.MaxAge || changed.MaxBytes != have.MaxBytes ||
		changed.AllowAtomicPublish != have.AllowAtomicPublish || changed.AllowMsgTTL != have.AllowMsgTTL
}

// differs compares what promises rest on. More than is needed is welcome.
func differs(have, want jetstream.StreamConfig) error {
	for _, setting := range []struct {
		name       string
		have, want any
		good       bool
	}{
		{"subjects", have.Subjects, want.Subjects, slices.Equal(have.Subjects, want.Subjects)},
		{"retention", have.Retention, want.Retention, have.Retention == want.Retention},
		{"storage", have.Storage, want.Storage, have.Storage == want.Storage},
		{"discard", have.Discard, want.Discard, have.Discard == want.Discard},
		{"discard_new_per_subject", have.DiscardNewPerSubject, want.DiscardNewPerSubject, have.DiscardNewPerSubject == want.DiscardNewPerSubject},
		{"max_age", have.MaxAge, want.MaxAge, want.MaxAge == 0 || have.MaxAge == 0 || have.MaxAge >= want.MaxAge},
		{"max_msgs", have.MaxMsgs, "no limit", have.MaxMsgs <= 0},
		{"max_msgs_per_subject", have.MaxMsgsPerSubject, want.MaxMsgsPerSubject, max(have.MaxMsgsPerSubject, 0) == want.MaxMsgsPerSubject},
		{"max_msg_size", have.MaxMsgSize, want.MaxMsgSize, have.MaxMsgSize <= 0 || want.MaxMsgSize > 0 && have.MaxMsgSize >= want.MaxMsgSize},
		{"num_replicas", have.Replicas, want.Replicas, have.Replicas >= want.Replicas},
		{"duplicate_window", have.Duplicates, want.Duplicates, have.Duplicates >= want.Duplicates},
		{"no_ack", have.NoAck, false, !have.NoAck},
		{"sealed", have.Sealed, false, !have.Sealed},
		{"persist_mode", have.PersistMode, want.PersistMode, have.PersistMode == want.PersistMode},
	} {
		if !setting.good {
			return fmt.Errorf("%w: stream %s has %s %v, needed is %v", ErrDiffers, want.Name, setting.name, setting.have, setting.want)
		}
	}
	return nil
}
