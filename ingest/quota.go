package ingest

import (
	"math"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Limits bounds what may be sent, in packets per second. Zero means no limit.
type Limits struct {
	DevicePackets, TenantPackets float64
	// TenantShare is what one tenant may send before the rest travels in the bulk lane, where it delays nobody else's.
	// Zero means half of TenantPackets.
	TenantShare float64
}

const (
	// burstSeconds of the allowed rate may come at once, so that a device can empty a short buffer.
	burstSeconds = 10
	// shareBurst seconds of its share may come at once before a tenant counts as being above it: a buffer of its devices,
	// but not so much that others wait for it.
	shareBurst = 2
	// defaultShare of TenantPackets is a tenant's share when nothing is said.
	defaultShare = 0.5
	// maxBuckets bounds the memory for limits; full buckets, which say nothing, are thrown away first.
	maxBuckets = 100_000
	// rateMemory is how far back the rate that a LimitError reports is averaged.
	rateMemory = 10 * time.Second
)

// bucket is a token bucket and an average of what was asked of it.
type bucket struct {
	tokens float64
	rate   float64 // packets per second, averaged over rateMemory
	at     time.Time
}

// buckets holds one bucket for each key. Safe for concurrent use.
type buckets[K comparable] struct {
	perSecond, burst float64

	mu  sync.Mutex
	all map[K]bucket
}

// deviceKey names a device. Two strings make a key without joining them for every packet.
type deviceKey struct {
	tenant id.Tenant
	device id.Device
}

// newBuckets makes room for at least one whole request, so that a request is never refused for ever.
func newBuckets[K comparable](perSecond float64) *buckets[K] {
	return &buckets[K]{perSecond: perSecond, burst: math.Max(perSecond*burstSeconds, telemetry.MaxPackets), all: map[K]bucket{}}
}

// take takes n tokens, or none and tells how long until they would be there and what rate was asked for lately.
func (b *buckets[K]) take(key K, n int, now time.Time) (wait time.Duration, rate float64) {
	if b.perSecond <= 0 {
		return 0, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k, known := b.all[key]
	if !known {
		b.makeRoom(now)
		k = bucket{tokens: b.burst, at: now}
	}
	k = b.refilled(k, now)
	k.rate += float64(n) / rateMemory.Seconds()
	if missing := float64(n) - k.tokens; missing > 0 {
		wait = time.Duration(missing / b.perSecond * float64(time.Second))
	} else {
		k.tokens -= float64(n)
	}
	b.all[key] = k
	return wait, k.rate
}

// giveBack returns tokens that were taken for nothing.
func (b *buckets[K]) giveBack(key K, n int) {
	if b.perSecond <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if k, ok := b.all[key]; ok {
		k.tokens = math.Min(k.tokens+float64(n), b.burst)
		b.all[key] = k
	}
}

func (b *buckets[K]) refilled(k bucket, now time.Time) bucket {
	passed := math.Max(now.Sub(k.at).Seconds(), 0)
	k.tokens = math.Min(k.tokens+passed*b.perSecond, b.burst)
	k.rate *= math.Exp(-passed / rateMemory.Seconds())
	k.at = now
	return k
}

func (b *buckets[K]) makeRoom(now time.Time) {
	if len(b.all) < maxBuckets {
		return
	}
	for key, k := range b.all {
		if b.refilled(k, now).tokens >= b.burst {
			delete(b.all, key)
		}
	}
	for key := range b.all { // everybody is busy: some get a fresh bucket, which errs on their side
		if len(b.all) < maxBuckets*9/10 {
			return
		}
		delete(b.all, key)
	}
}

// quota holds the limits of devices and tenants.
type quota struct {
	device *buckets[deviceKey]
	tenant *buckets[id.Tenant]
	share  *buckets[shareKey]
}

// shareKey lets what is urgent have a share of its own: a tenant whose measurements overflow keeps its alarms in time.
type shareKey struct {
	tenant   id.Tenant
	critical bool
}

func newQuota(l Limits) *quota {
	share := l.TenantShare
	if share == 0 {
		share = l.TenantPackets * defaultShare
	}
	return &quota{
		device: newBuckets[deviceKey](l.DevicePackets),
		tenant: newBuckets[id.Tenant](l.TenantPackets),
		share:  &buckets[shareKey]{perSecond: share, burst: math.Max(share*shareBurst, telemetry.MaxPackets), all: map[shareKey]bucket{}},
	}
}

// above tells whether n more packets are above the tenant's share.
func (q *quota) above(t id.Tenant, critical bool, n int, now time.Time) bool {
	if n == 0 {
		return false
	}
	wait, _ := q.share.take(shareKey{t, critical}, n, now)
	return wait > 0
}

// take takes n packets from both limits, or none and returns a *LimitError for the one in the way.
func (q *quota) take(t id.Tenant, d id.Device, n int, now time.Time) error {
	device := deviceKey{t, d}
	if wait, rate := q.device.take(device, n, now); wait > 0 {
		return limited("device", q.device.perSecond, rate, wait)
	}
	if wait, rate := q.tenant.take(t, n, now); wait > 0 {
		q.device.giveBack(device, n)
		return limited("tenant", q.tenant.perSecond, rate, wait)
	}
	return nil
}

// giveBack returns packets that were taken and not accepted, through no fault of the device.
func (q *quota) giveBack(t id.Tenant, d id.Device, n int) {
	q.device.giveBack(deviceKey{t, d}, n)
	q.tenant.giveBack(t, n)
}

func limited(scope string, limit, rate float64, wait time.Duration) error {
	wait = max(wait.Truncate(time.Second)+time.Second, time.Second) // Retry-After counts whole seconds
	return &LimitError{Name: "packets_per_second", Scope: scope, Max: limit, Current: rate, RetryAfter: wait}
}
