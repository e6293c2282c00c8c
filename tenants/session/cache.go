package session

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// cacheFor bounds how long a session is believed without asking. Run drops it earlier when it changes; this is for
	// the case that Run is cut off.
	cacheFor = 15 * time.Second

	// cacheSize bounds the memory: 3 MB. Beyond it any one is dropped, which costs a question to the broker.
	cacheSize = 10_000

	// watchPause is the wait between attempts to listen for changes.
	watchPause = time.Second
)

type entry struct {
	record
	revision uint64
	loaded   time.Time
}

// cache is what this process read lately. changes counts the notices that came in: a value that was asked for before
// one and arrived after it may be old, and is not kept.
type cache struct {
	mu      sync.Mutex
	entries map[string]entry
	changes uint64
}

func newCache() *cache { return &cache{entries: make(map[string]entry)} }

func (c *cache) generation() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes
}

func (c *cache) get(key string, now time.Time) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if ok && now.Sub(e.loaded) >= cacheFor {
		delete(c.entries, key)
		return entry{}, false
	}
	return e, ok
}

func (c *cache) put(key string, e entry, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != generation {
		return
	}
	if len(c.entries) >= cacheSize {
		for other := range c.entries {
			delete(c.entries, other)
			break
		}
	}
	c.entries[key] = e
}

func (c *cache) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	delete(c.entries, key)
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	clear(c.entries)
}

// Run drops sessions from the cache as soon as they change anywhere, until ctx ends; it returns nil then. While the
// broker is away it tries again.
func (s *Store) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.watch(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("changes of sessions cannot be heard, trying again", "error", err, "wait", watchPause)
		}
		select {
		case <-ctx.Done():
		case <-time.After(watchPause):
		}
	}
	return nil
}

func (s *Store) watch(ctx context.Context) error {
	watcher, err := s.kv.WatchAll(ctx, jetstream.UpdatesOnly(), jetstream.MetaOnly())
	if err != nil {
		return err
	}
	defer func() {
		if err := watcher.Stop(); err != nil {
			s.log.Debug("the watch on sessions did not stop cleanly", "error", err)
		}
	}()
	s.cache.clear() // what was read before the watch began may have changed unheard
	for {
		select {
		case <-ctx.Done():
			return nil
		case change, open := <-watcher.Updates():
			if !open {
				return nil
			}
			if change != nil {
				s.cache.drop(change.Key())
			}
		}
	}
}
