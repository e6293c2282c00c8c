package picture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

// Bucket is the JetStream key-value bucket that pictures are kept in, by tenant and name.
const Bucket = "PICTURES"

const (
	// Most is how many pictures a tenant has room for.
	Most = 40
	// bucketBytes bounds the pictures of all tenants together, so that they cannot fill the disk that packets need.
	bucketBytes = 2 << 30
	// timeout bounds one question to the bucket.
	timeout = 10 * time.Second
	// storeFailed is what NATS answers when a stream has no room.
	storeFailed jetstream.ErrorCode = 10077
)

// What can go wrong.
var (
	ErrOptions     = errors.New("picture: incomplete options")
	ErrMissing     = errors.New("picture: there is none of that name")
	ErrFull        = errors.New("picture: there is no room for another")
	ErrUnavailable = errors.New("picture: the bucket does not answer")
)

// Options are what a Store needs; Replicas may be 0 for one copy.
type Options struct {
	JS       jetstream.JetStream
	Replicas int
}

// Store is the pictures of all tenants. Make it with Open.
type Store struct {
	kv       jetstream.KeyValue
	decoding chan struct{}
}

// Open makes the bucket if it is missing. It returns ErrOptions or ErrUnavailable.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.JS == nil {
		return nil, ErrOptions
	}
	kv, err := o.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: Bucket, Description: "Pictures of dashboards", History: 1, MaxBytes: bucketBytes, MaxValueSize: maxKept + kindBytes,
		Storage: jetstream.FileStorage, Replicas: max(1, o.Replicas),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &Store{kv: kv, decoding: make(chan struct{}, 1)}, nil
}

func key(t id.Tenant, name string) string { return string(t) + "." + name }

// Put keeps a picture that somebody uploads; used says which of those that are kept somebody needs. It returns ErrFormat,
// ErrTooLarge, ErrFull, ErrUnavailable, or the context's error.
func (s *Store) Put(ctx context.Context, t id.Tenant, data []byte, used func(name string) bool) (Picture, error) {
	select {
	case s.decoding <- struct{}{}:
	case <-ctx.Done():
		return Picture{}, ctx.Err()
	}
	made, err := redraw(data)
	<-s.decoding
	if err != nil {
		return Picture{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.makeRoom(ctx, t, made.Name, used); err != nil {
		return Picture{}, err
	}
	if _, err := s.kv.Put(ctx, key(t, made.Name), made.encode()); err != nil {
		if isFull(err) {
			return Picture{}, ErrFull
		}
		return Picture{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return made, nil
}

// isFull says whether the bucket as a whole has no room.
func isFull(err error) bool {
	var answered *jetstream.APIError
	return errors.As(err, &answered) && answered.ErrorCode == storeFailed
}

// makeRoom lets one go that nobody uses when there are as many as may be.
func (s *Store) makeRoom(ctx context.Context, t id.Tenant, next string, used func(string) bool) error {
	keys, err := s.kv.ListKeysFiltered(ctx, key(t, "*"))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	kept, spare := 0, ""
	for found := range keys.Keys() {
		name := found[len(key(t, "")):]
		if name == next {
			kept = -Most // it takes no new place
		}
		if !used(name) {
			spare = name
		}
		kept++
	}
	switch {
	case kept < Most:
		return nil
	case spare == "":
		return ErrFull
	}
	if err := s.kv.Purge(ctx, key(t, spare)); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Get returns a picture. It returns ErrMissing, also for text that is no name, or ErrUnavailable.
func (s *Store) Get(ctx context.Context, t id.Tenant, name string) (Picture, error) {
	if !IsName(name) {
		return Picture{}, ErrMissing
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	entry, err := s.kv.Get(ctx, key(t, name))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Picture{}, ErrMissing
	}
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return decode(name, entry.Value())
}
