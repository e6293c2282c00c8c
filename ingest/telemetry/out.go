package telemetry

import (
	"encoding/binary"
	"fmt"
	"strings"

	"longwave/tenants/id"
)

const (
	outPrefix         = "out."
	deliveryPrefix    = "dlv."
	undeliveredPrefix = "und."
)

// The names of the JetStream streams on the way to destinations.
const (
	OutStream         = "OUT"         // what waits to be delivered
	DeliveryStream    = "DELIVERIES"  // the newest attempts of each destination
	UndeliveredStream = "UNDELIVERED" // what could not be delivered
)

// OutSubject is where what is meant for a destination waits: out.<tenant>.<name>.
func OutSubject(t id.Tenant, name id.Slug) string { return outPrefix + string(t) + "." + string(name) }

// ParseOutSubject is the tenant of what OutSubject built. It returns ErrSubject for anything else.
func ParseOutSubject(subject string) (id.Tenant, error) {
	parts := strings.Split(subject, ".")
	if len(parts) != 3 || parts[0]+"." != outPrefix {
		return "", fmt.Errorf("%w: %q", ErrSubject, subject)
	}
	t, err := id.Parse[id.Tenant](parts[1])
	if err != nil {
		return "", fmt.Errorf("%w: %q", ErrSubject, subject)
	}
	return t, nil
}

// OutFilter matches every destination of every tenant.
func OutFilter() string { return outPrefix + "*.*" }

// OutTenantFilter matches every destination of one tenant.
func OutTenantFilter(t id.Tenant) string { return outPrefix + string(t) + ".*" }

// DeliverySubject is where attempts of one outcome are kept: dlv.<tenant>.<destination>.<outcome>. The outcome is one
// word that the caller knows to be safe.
func DeliverySubject(t id.Tenant, d id.Destination, outcome string) string {
	return deliveryPrefix + string(t) + "." + string(d) + "." + outcome
}

// ParseDeliverySubject takes apart what DeliverySubject built. It returns ErrSubject for anything else.
func ParseDeliverySubject(subject string) (id.Tenant, id.Destination, error) {
	parts := strings.Split(subject, ".")
	if len(parts) != 4 || parts[0]+"." != deliveryPrefix {
		return "", "", fmt.Errorf("%w: %q", ErrSubject, subject)
	}
	t, err := id.Parse[id.Tenant](parts[1])
	d, err2 := id.Parse[id.Destination](parts[2])
	if err != nil || err2 != nil {
		return "", "", fmt.Errorf("%w: %q", ErrSubject, subject)
	}
	return t, d, nil
}

// DeliveryFilter matches the attempts of every destination of every tenant.
func DeliveryFilter() string { return deliveryPrefix + "*.*.*" }

// DeliveryTenantFilter matches the attempts of every destination of one tenant.
func DeliveryTenantFilter(t id.Tenant) string { return deliveryPrefix + string(t) + ".*.*" }

// DeliveriesOf matches the attempts of one destination, whatever came of them.
func DeliveriesOf(t id.Tenant, d id.Destination) string { return DeliverySubject(t, d, "*") }

// UndeliveredSubject is where what could not be delivered to a destination is kept: und.<tenant>.<destination>.
func UndeliveredSubject(t id.Tenant, d id.Destination) string {
	return undeliveredPrefix + string(t) + "." + string(d)
}

// UndeliveredFilter matches every destination of every tenant.
func UndeliveredFilter() string { return undeliveredPrefix + "*.*" }

// UndeliveredTenantFilter matches every destination of one tenant.
func UndeliveredTenantFilter(t id.Tenant) string { return undeliveredPrefix + string(t) + ".*" }

// Forwards says whether a lane message may hold a packet that goes to a destination. It looks at the versions of its
// batches only, so that whoever forwards need not decode what nobody wants; what it finds is still to be checked.
func Forwards(message []byte) bool {
	for len(message) >= laneHeader+laneTrailer {
		if message[0] != lanePlain {
			return true
		}
		length := int64(binary.LittleEndian.Uint32(message[1:])) + laneHeader + laneTrailer
		if length > int64(len(message)) {
			return true // damaged: reading it says how
		}
		message = message[length:]
	}
	return len(message) > 0
}
