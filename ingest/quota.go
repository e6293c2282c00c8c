package ingest

import (
	"math"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Limits bounds what may be sent, in packets and readings per second. Zero means no limit.
type Limits struct {
	DevicePackets, TenantPackets, TenantReadings float64
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

// pace is what a bucket lets through: per second, and at once. None when perSecond is 0.
type pace struct{ perSecond, burst float64 }

// paceOf makes room for at least one whole request, so that a request is never refused for ever.
func paceOf(perSecond, seconds float64) pace {
	return pace{perSecond, math.Max(perSecond*seconds, telemetry.MaxPackets)}
}

// buckets holds one bucket for each key. Safe for concurrent use.
type buckets[K comparable] struct {
	pace
	watched bool // what is asked for is known, also where there is no limit

	mu  sync.Mutex
	all map[K]bucket
}

// deviceKey names a device. Two strings make a key without joining them for every packet.
type deviceKey struct {
	tenant id.Tenant
	device id.Device
}

func newBuckets[K comparable](perSecond float64) *buckets[K] {
	return &buckets[K]{pace: paceOf(perSecond, burstSeconds), all: map[K]bucket{}}
}

// take takes n tokens, or none and tells how long until they would be there and what rate was asked for lately.
func (b *buckets[K]) take(key K, n int, now time.Time) (wait time.Duration, rate float64) {
	return b.takeAt(b.pace, key, n, now)
}

// takeAt is take for a key with a pace of its own.
func (b *buckets[K]) takeAt(at pace, key K, n int, now time.Time) (wait time.Duration, rate float64) {
	if at.perSecond <= 0 && !b.watched {
		return 0, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k, known := b.all[key]
	if !known {
		b.makeRoom(now)
		k = bucket{tokens: at.burst, at: now}
	}
	k = at.refilled(k, now)
	k.rate += float64(n) / rateMemory.Seconds()
	missing := float64(n) - k.tokens
	switch {
	case at.perSecond <= 0:
	case missing > 0:
		wait = time.Duration(missing / at.perSecond * float64(time.Second))
	default:
		k.tokens -= float64(n)
	}
	b.all[key] = k
	return wait, k.rate
}

// giveBack returns tokens that were taken for nothing, at the pace that they were taken at.
func (b *buckets[K]) giveBack(at pace, key K, n int) {
	if at.perSecond <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if k, ok := b.all[key]; ok {
		k.tokens = math.Min(k.tokens+float64(n), at.burst)
		b.all[key] = k
	}
}

func (p pace) refilled(k bucket, now time.Time) bucket {
	passed := math.Max(now.Sub(k.at).Seconds(), 0)
	k.tokens = math.Min(k.tokens+passed*p.perSecond, p.burst)
	k.rate *= math.Exp(-passed / rateMemory.Seconds())
	k.at = now
	return k
}

func (b *buckets[K]) makeRoom(now time.Time) {
	if len(b.all) < maxBuckets {
		return
	}
	for key, k := range b.all {
		if b.pace.refilled(k, now).tokens >= b.burst {
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

// TenantLimits are what a tenant may send at most, per second, where that is not what Limits says; 0 where it is.
type TenantLimits struct{ Packets, Readings float64 }

// demand is what a request asks of the limits.
type demand struct{ packets, readings int }

// quota holds the limits of devices and tenants.
type quota struct {
	device   *buckets[deviceKey]
	tenant   *buckets[id.Tenant]
	readings *buckets[id.Tenant]
	share    *buckets[shareKey]
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
	q := &quota{
		device:   newBuckets[deviceKey](l.DevicePackets),
		tenant:   newBuckets[id.Tenant](l.TenantPackets),
		readings: newBuckets[id.Tenant](l.TenantReadings),
		share:    &buckets[shareKey]{pace: paceOf(share, shareBurst), all: map[shareKey]bucket{}},
	}
	q.tenant.watched = true
	return q
}

// or is the pace of a limit of one's own, if there is one.
func (p pace) or(own, seconds float64) pace {
	if own > 0 {
		return paceOf(own, seconds)
	}
	return p
}

// above tells whether n more packets are above the tenant's share.
func (q *quota) above(p Principal, critical bool, n int, now time.Time) bool {
	if n == 0 {
		return false
	}
	wait, _ := q.share.takeAt(q.share.pace.or(p.Limits.Packets*defaultShare, shareBurst), shareKey{p.Tenant, critical}, n, now)
	return wait > 0
}

// take takes a request from all limits, or from none and returns a *LimitError for the one in the way.
func (q *quota) take(p Principal, n demand, now time.Time) error {
	device := deviceKey{p.Tenant, p.Device}
	if wait, rate := q.device.take(device, n.packets, now); wait > 0 {
		return limited("device", perSecond{"packets", q.device.perSecond, rate}, wait)
	}
	packets := q.tenant.pace.or(p.Limits.Packets, burstSeconds)
	if wait, rate := q.tenant.takeAt(packets, p.Tenant, n.packets, now); wait > 0 {
		q.device.giveBack(q.device.pace, device, n.packets)
		return limited("tenant", perSecond{"packets", packets.perSecond, rate}, wait)
	}
	readings := q.readingsPace(p, n)
	if wait, rate := q.readings.takeAt(readings, p.Tenant, n.readings, now); wait > 0 {
		q.device.giveBack(q.device.pace, device, n.packets)
		q.tenant.giveBack(packets, p.Tenant, n.packets)
		return limited("tenant", perSecond{"readings", readings.perSecond, rate}, wait)
	}
	return nil
}

// readingsPace has room for this request at least: how many readings a packet may hold is bounded elsewhere.
func (q *quota) readingsPace(p Principal, n demand) pace {
	at := q.readings.pace.or(p.Limits.Readings, burstSeconds)
	at.burst = math.Max(at.burst, float64(n.readings))
	return at
}

// rates are the packets per second that tenants asked for lately, whether they were let in or not.
func (q *quota) rates(now time.Time) map[id.Tenant]float64 {
	q.tenant.mu.Lock()
	defer q.tenant.mu.Unlock()
	all := make(map[id.Tenant]float64, len(q.tenant.all))
	for t, k := range q.tenant.all {
		all[t] = q.tenant.pace.refilled(k, now).rate
	}
	return all
}

// giveBack returns what was taken and not accepted, through no fault of the device.
func (q *quota) giveBack(p Principal, n demand) {
	q.device.giveBack(q.device.pace, deviceKey{p.Tenant, p.Device}, n.packets)
	q.tenant.giveBack(q.tenant.pace.or(p.Limits.Packets, burstSeconds), p.Tenant, n.packets)
	q.readings.giveBack(q.readingsPace(p, n), p.Tenant, n.readings)
}

// perSecond is a limit that was met.
type perSecond struct {
	what        string
	max, lately float64
}

func limited(scope string, of perSecond, wait time.Duration) error {
	wait = max(wait.Truncate(time.Second)+time.Second, time.Second) // Retry-After counts whole seconds
	return &LimitError{Name: of.what + "_per_second", Scope: scope, Max: of.max, Current: of.lately, RetryAfter: wait}
}
