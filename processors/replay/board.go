package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants"
	"longwave/tenants/id"
)

const (
	// BucketName is the JetStream key-value bucket of jobs: one record for each tenant.
	BucketName = "REPLAYS"
	// boardVersion is the version of a record.
	boardVersion = 1
	// keptJobs is how many jobs of a tenant are remembered; the control log remembers all of them.
	keptJobs = 20
	// editAttempts bounds how often a change is made again because another one was faster.
	editAttempts = 20
	// callTimeout bounds one change; a person waits for it.
	callTimeout = 10 * time.Second
)

// board is the record of one tenant: its jobs, newest first. All of them in one record, so that comparing its revision
// is enough to keep a second job from being started.
type board struct {
	V    int   `json:"v"`
	Jobs []Job `json:"jobs"`
}

// job finds a job, or nil.
func (b *board) job(j id.Job) *Job {
	for i := range b.Jobs {
		if b.Jobs[i].ID == j {
			return &b.Jobs[i]
		}
	}
	return nil
}

// open is the job that runs or waits, or nil.
func (b *board) open() *Job {
	for i := range b.Jobs {
		if !b.Jobs[i].State.Ended() {
			return &b.Jobs[i]
		}
	}
	return nil
}

func decodeBoard(data []byte) (board, error) {
	var b board
	if err := json.Unmarshal(data, &b); err != nil {
		return board{}, fmt.Errorf("read jobs: %w", err)
	}
	if b.V != boardVersion {
		return board{}, fmt.Errorf("read jobs: %w: record of version %d", tenants.ErrNewer, b.V)
	}
	return b, nil
}

// read returns the record of a tenant and its revision; an empty one with revision 0 when there is none.
func (s *Service) read(ctx context.Context, t id.Tenant) (board, uint64, error) {
	entry, err := s.kv.Get(ctx, string(t))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return board{V: boardVersion}, 0, nil
	}
	if err != nil {
		return board{}, 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	b, err := decodeBoard(entry.Value())
	return b, entry.Revision(), err
}

// edit changes the record of a tenant, again and again until nobody was faster. An error of change ends it and leaves the
// record as it is.
func (s *Service) edit(ctx context.Context, t id.Tenant, change func(*board) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for range editAttempts {
		b, revision, err := s.read(ctx, t)
		if err != nil {
			return err
		}
		if err := change(&b); err != nil {
			return err
		}
		if len(b.Jobs) > keptJobs {
			b.Jobs = b.Jobs[:keptJobs]
		}
		data, err := json.Marshal(b)
		if err != nil {
			return fmt.Errorf("write jobs: %w", err)
		}
		if revision == 0 {
			_, err = s.kv.Create(ctx, string(t), data)
		} else {
			_, err = s.kv.Update(ctx, string(t), data, revision)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		default:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return fmt.Errorf("%w: changed by others all the time", ErrUnavailable)
}
