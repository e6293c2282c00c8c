package tenants

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

// KeyUseBucket is the JetStream key-value bucket that says when each API key was last used, by tenant and key. It is not
// in the control log, which keeps everything for ever.
const KeyUseBucket = "KEYUSE"

const (
	// keyUseEvery is how coarse the time is: one write for each key and while, however often it is used.
	keyUseEvery = time.Minute

	// keyUseFor forgets what nobody asks for: longer than any quarterly script sleeps.
	keyUseFor = 400 * 24 * time.Hour

	// keyUseTimeout bounds one question to the bucket, and the writes of one while.
	keyUseTimeout = 5 * time.Second

	// maxUses bounds the keys in use of which the time is kept until it is written: maxKeys of 100 tenants.
	maxUses = 20_000
)

// ofOperators stands in the bucket where keys of operators have no tenant; an id has no underscore.
const ofOperators id.Tenant = "_operators"

// keyUses notes in memory when keys are used and writes it down now and then.
type keyUses struct {
	kv    jetstream.KeyValue
	log   *slog.Logger
	known func(useOf) bool // that there is such a key

	mu    sync.Mutex
	dirty map[useOf]time.Time
}

type useOf struct {
	tenant id.Tenant
	key    id.Key
}

func (u useOf) name() string { return string(u.tenant) + "." + string(u.key) }

func openKeyUses(ctx context.Context, o Options) (*keyUses, error) {
	kv, err := o.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: KeyUseBucket, Description: "When API keys were last used", History: 1, TTL: keyUseFor,
		Storage: jetstream.FileStorage, Replicas: o.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &keyUses{kv: kv, log: o.Log, dirty: map[useOf]time.Time{}}, nil
}

// note remembers that a key was used. It waits for nobody but another note.
func (u *keyUses) note(t id.Tenant, k id.Key, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	of := useOf{t, k}
	if _, known := u.dirty[of]; known || len(u.dirty) < maxUses {
		u.dirty[of] = now
	}
}

// keep writes down what was noted, until ctx ends.
func (u *keyUses) keep(ctx context.Context) {
	tick := time.NewTicker(keyUseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyUseTimeout)
			defer cancel()
			u.write(last)
			return
		case <-tick.C:
			bounded, cancel := context.WithTimeout(ctx, keyUseTimeout)
			u.write(bounded)
			cancel()
		}
	}
}

// write puts everything that was noted into the bucket. What fails is noted no more: the next use is as good.
func (u *keyUses) write(ctx context.Context) {
	u.mu.Lock()
	due := u.dirty
	u.dirty = make(map[useOf]time.Time, len(due))
	u.mu.Unlock()
	for of, at := range due {
		if !u.known(of) { // its tenant may have been deleted, and nothing of it is to come back
			continue
		}
		if _, err := u.kv.PutString(ctx, of.name(), at.UTC().Format(time.RFC3339)); err != nil {
			u.log.Warn("when keys were used is not written down", "keys", len(due), "error", err)
			return
		}
	}
}

// forget removes what is known of a key that was revoked. It is a convenience, and so is its failure.
func (u *keyUses) forget(ctx context.Context, t id.Tenant, k id.Key) {
	of := useOf{t, k}
	u.mu.Lock()
	delete(u.dirty, of)
	u.mu.Unlock()
	if err := u.kv.Purge(ctx, of.name()); err != nil {
		u.log.Warn("the last use of a revoked key is not removed", "key", k, "error", err)
	}
}

// KeysUsed says when the API keys of a tenant were last used, a minute coarse across processes; keys that never were are
// not in it. It returns ErrUnavailable.
func (s *Service) KeysUsed(ctx context.Context, t id.Tenant) (map[id.Key]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, keyUseTimeout)
	defer cancel()
	var keys []id.Key
	for _, k := range s.State().Keys(t) {
		keys = append(keys, k.ID)
	}
	return s.uses.times(ctx, t, keys)
}

// times asks when keys were used.
func (u *keyUses) times(ctx context.Context, t id.Tenant, keys []id.Key) (map[id.Key]time.Time, error) {
	used := map[id.Key]time.Time{}
	for _, k := range keys {
		of := useOf{t, k}
		u.mu.Lock()
		at, fresh := u.dirty[of]
		u.mu.Unlock()
		if fresh {
			used[k] = at.UTC().Truncate(time.Second)
			continue
		}
		entry, err := u.kv.Get(ctx, of.name())
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("keys used: %w: %w", ErrUnavailable, err)
		}
		if at, err := time.Parse(time.RFC3339, string(entry.Value())); err == nil {
			used[k] = at
		}
	}
	return used, nil
}
