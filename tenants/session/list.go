package session

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

// List returns the sessions of a person that are not over, the most recently used first, MaxListed at most. It returns
// ErrUnavailable.
func (s *Store) List(ctx context.Context, p id.Person) ([]Session, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	watcher, err := s.kv.Watch(ctx, string(p)+keySeparator+"*", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w: %w", ErrUnavailable, err)
	}
	defer func() {
		if err := watcher.Stop(); err != nil {
			s.log.Debug("the list of sessions did not end cleanly", "error", err)
		}
	}()
	var list []Session
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("list sessions: %w: %w", ErrUnavailable, ctx.Err())
		case each := <-watcher.Updates():
			if each == nil || len(list) == MaxListed { // nil: these were all
				slices.SortFunc(list, func(a, b Session) int { return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(a.ID, b.ID)) })
				return list, nil
			}
			if found, ok := s.listed(p, each); ok {
				list = append(list, found)
			}
		}
	}
}

// listed reads an entry of the bucket; false for a session that is over.
func (s *Store) listed(p id.Person, each jetstream.KeyValueEntry) (Session, bool) {
	var r record
	if err := json.Unmarshal(each.Value(), &r); err != nil || r.Person != p {
		return Session{}, false
	}
	now := s.now()
	return r.session(each.Key()), now.Sub(r.Created) < s.absolute && now.Sub(r.Seen) < s.idle
}

// End ends the sessions of a person that which accepts, and returns how many. It returns ErrUnavailable; some may have
// ended then.
func (s *Store) End(ctx context.Context, p id.Person, which func(Session) bool) (ended int, err error) {
	list, err := s.List(ctx, p)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	for _, each := range list {
		if !which(each) {
			continue
		}
		if err := s.remove(ctx, string(p)+keySeparator+each.ID); err != nil {
			return ended, fmt.Errorf("end sessions: %w", err)
		}
		ended++
	}
	return ended, nil
}
