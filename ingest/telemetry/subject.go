package telemetry

import (
	"errors"
	"fmt"
	"strings"

	"longwave/tenants/id"
)

// Lane is the queue a packet travels in.
type Lane uint8

// The lanes, most urgent first.
const (
	Critical Lane = iota
	Standard
	Bulk
)

// Lanes lists every lane, most urgent first.
func Lanes() []Lane { return []Lane{Critical, Standard, Bulk} }

// String is the lane's name as it stands in subjects, pages and metrics.
func (l Lane) String() string {
	switch l {
	case Critical:
		return "critical"
	case Standard:
		return "standard"
	default:
		return "bulk"
	}
}

// Lane is where packets of the kind travel unless a rule says otherwise: a change of state before measurements, logs
// after them.
func (k Kind) Lane() Lane {
	switch k {
	case KindStatus:
		return Critical
	case KindMetrics:
		return Standard
	default:
		return Bulk
	}
}

// ErrSubject is returned for a subject that this package did not build.
var ErrSubject = errors.New("not a data-plane subject")

const (
	lanePrefix     = "tel."
	rejectedPrefix = "rej."
	attemptPrefix  = "try."
)

// LaneSubject is where the packets of one tenant travel in one lane: tel.<lane>.<tenant>.
func LaneSubject(l Lane, t id.Tenant) string { return lanePrefix + l.String() + "." + string(t) }

// LaneFilter matches every tenant of one lane.
func LaneFilter(l Lane) string { return lanePrefix + l.String() + ".*" }

// ParseLaneSubject takes a lane's subject apart. It returns ErrSubject for anything that LaneSubject cannot have built:
// the tenant of a packet comes from here and never from its payload.
func ParseLaneSubject(subject string) (Lane, id.Tenant, error) {
	rest, ok := strings.CutPrefix(subject, lanePrefix)
	name, tenant, found := strings.Cut(rest, ".")
	if !ok || !found {
		return 0, "", fmt.Errorf("%w: %q", ErrSubject, subject)
	}
	for _, lane := range Lanes() {
		if lane.String() == name {
			t, err := id.Parse[id.Tenant](tenant)
			if err != nil {
				return 0, "", fmt.Errorf("%w: %q: %w", ErrSubject, subject, err)
			}
			return lane, t, nil
		}
	}
	return 0, "", fmt.Errorf("%w: %q: no such lane", ErrSubject, subject)
}

// RejectedSubject is where the rejected packets of one device are kept: rej.<tenant>.<device>.
func RejectedSubject(t id.Tenant, d id.Device) string {
	return rejectedPrefix + string(t) + "." + string(d)
}

// RejectedFilter matches the rejected packets of every tenant.
func RejectedFilter() string { return rejectedPrefix + "*.*" }

// RejectedOf matches the rejected packets of one tenant.
func RejectedOf(t id.Tenant) string { return rejectedPrefix + string(t) + ".*" }

// AttemptSubject carries, to whoever watches and to nobody else, failed attempts that could be attributed to a device:
// try.<tenant>.<device>.
func AttemptSubject(t id.Tenant, d id.Device) string {
	return attemptPrefix + string(t) + "." + string(d)
}

// UnattributedSubject carries failed attempts whose token is nobody's, keyed by the caller's address so that only a
// browser at the same address is shown them: try._.<key>. The key is a hash and one safe token.
func UnattributedSubject(key string) string { return attemptPrefix + "_." + key }

// LaneStream is the name of the JetStream stream that holds one lane.
func LaneStream(l Lane) string { return "LANE_" + strings.ToUpper(l.String()) }

// BucketStream is the name of the JetStream stream behind a key-value bucket.
func BucketStream(bucket string) string { return "KV_" + bucket }

// BucketKey matches, in the stream of a bucket, the record of one tenant in a bucket with one for each.
func BucketKey(bucket string, t id.Tenant) string { return "$KV." + bucket + "." + string(t) }

// BucketKeys matches the records of one tenant in a bucket with several for each.
func BucketKeys(bucket string, t id.Tenant) string { return BucketKey(bucket, t) + ".>" }

// RejectedStream is the name of the JetStream stream that keeps rejected packets.
const RejectedStream = "REJECTED"
