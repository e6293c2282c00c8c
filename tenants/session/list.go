package session

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

// List returns the sessions of a person that are not over, the most recently used first, MaxListed at most. It returns
// ErrUnavailable.
func (s *Store) List(ctx context.Context, p id.Person) ([]Session, error) {
	var list []Session
	err := s.each(ctx, string(p)+keySeparator+"*", func(found Session) bool {
		if found.Person == p {
			list = append(list, found)
		}
		return len(list) < MaxListed
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	slices.SortFunc(list, func(a, b Session) int { return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}

// each walks the sessions that are not over whose keys match a pattern, until yield returns false.
func (s *Store) each(ctx context.Context, pattern string, yield func(Session) bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	watcher, err := s.kv.Watch(ctx, pattern, jetstream.IgnoreDeletes())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer func() {
		if err := watcher.Stop(); err != nil {
			s.log.Debug("the list of sessions did not end cleanly", "error", err)
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case each := <-watcher.Updates():
			if each == nil { // these were all
				return nil
			}
			if found, ok := s.listed(each); ok && !yield(found) {
				return nil
			}
		}
	}
}

// listed reads an entry of the bucket; false for a session that is over, or under another person's name.
func (s *Store) listed(each jetstream.KeyValueEntry) (Session, bool) {
	var r record
	if err := json.Unmarshal(each.Value(), &r); err != nil || !strings.HasPrefix(each.Key(), string(r.Person)+keySeparator) {
		return Session{}, false
	}
	now := s.now()
	return r.session(each.Key()), now.Sub(r.Created) < s.absolute && now.Sub(r.Seen) < s.idle
}

// End ends the sessions of a person that which accepts, and returns how many. It returns ErrUnavailable; some may have
// ended then.
func (s *Store) End(ctx context.Context, p id.Person, which func(Session) bool) (ended int, err error) {
	return s.end(ctx, string(p)+keySeparator+"*", which)
}

// EndEverywhere is End for the sessions of everybody. It looks at each of them, and ends MaxListed at most.
func (s *Store) EndEverywhere(ctx context.Context, which func(Session) bool) (ended int, err error) {
	return s.end(ctx, ">", which)
}

func (s *Store) end(ctx context.Context, pattern string, which func(Session) bool) (ended int, err error) {
	var list []Session
	err = s.each(ctx, pattern, func(found Session) bool {
		if which(found) {
			list = append(list, found)
		}
		return len(list) < MaxListed
	})
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	for _, each := range list {
		if err := s.remove(ctx, string(each.Person)+keySeparator+each.ID); err != nil {
			return ended, fmt.Errorf("end sessions: %w", err)
		}
		ended++
	}
	return ended, nil
}
