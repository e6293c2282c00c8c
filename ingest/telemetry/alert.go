package telemetry

import (
	"fmt"
	"strconv"
	"strings"

	"longwave/tenants/id"
)

const (
	alertPrefix      = "alert."
	alertStatePrefix = "alertstate."
	// nobody is no tenant: an id never is an underscore.
	nobody = "_"
)

// The names of the JetStream streams of alerts.
const (
	AlertStream      = "ALERTS"     // the log of alerts
	AlertStateStream = "ALERTSTATE" // how far the evaluation has come
)

// AlertSubject is the log of the alerts of one tenant: alert.<tenant>.
func AlertSubject(t id.Tenant) string { return alertPrefix + string(t) }

// AlertFence is where it is written in the log of alerts that somebody else writes it from here on.
func AlertFence() string { return alertPrefix + nobody }

// AlertFilter matches the logs of all tenants, and the fences.
func AlertFilter() string { return alertPrefix + "*" }

// ParseAlertSubject takes apart what AlertSubject built. It returns ErrSubject for anything else, a fence too.
func ParseAlertSubject(subject string) (id.Tenant, error) {
	rest, ok := strings.CutPrefix(subject, alertPrefix)
	t, err := id.Parse[id.Tenant](rest)
	if !ok || err != nil {
		return "", fmt.Errorf("%w: %q", ErrSubject, subject)
	}
	return t, nil
}

// AlertStateSubject is where a part of what is known of one tenant's alert rules stands: alertstate.<tenant>.<part>.
func AlertStateSubject(t id.Tenant, part int) string {
	return alertStatePrefix + string(t) + "." + strconv.Itoa(part)
}

// AlertStateHead is where it stands how far the evaluation of all tenants has come.
func AlertStateHead() string { return alertStatePrefix + nobody + "." + nobody }

// AlertRuns is where it stands how the alert rules of one tenant fare: alertstate.<tenant>.runs.
func AlertRuns(t id.Tenant) string { return alertStatePrefix + string(t) + ".runs" }

// AlertStateFilter matches what is known of all tenants' alert rules.
func AlertStateFilter() string { return alertStatePrefix + "*.*" }

// AlertStateOf matches what is known of one tenant's alert rules.
func AlertStateOf(t id.Tenant) string { return alertStatePrefix + string(t) + ".*" }

// ParseAlertStateSubject takes apart what AlertStateSubject built. It returns ErrSubject for anything else.
func ParseAlertStateSubject(subject string) (id.Tenant, int, error) {
	rest, ok := strings.CutPrefix(subject, alertStatePrefix)
	tenant, part, found := strings.Cut(rest, ".")
	t, err := id.Parse[id.Tenant](tenant)
	n, err2 := strconv.Atoi(part)
	if !ok || !found || err != nil || err2 != nil || n < 0 {
		return "", 0, fmt.Errorf("%w: %q", ErrSubject, subject)
	}
	return t, n, nil
}
