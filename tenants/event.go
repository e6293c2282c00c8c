package tenants

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"longwave/tenants/id"
)

// The subjects of the control log. The platform's name can be no tenant: an id has no underscore.
const (
	subjectPrefix   = "ctl."
	platformSubject = subjectPrefix + "_platform"
)

func tenantSubject(t id.Tenant) string { return subjectPrefix + string(t) }

// envelopeVersion is the version of the envelope itself; each event has its own.
const envelopeVersion = 1

// envelope is one message of the log: one command with everything it changed.
type envelope struct {
	V      int       `json:"v"`
	At     time.Time `json:"at"`
	Actor  Actor     `json:"actor"`
	After  link      `json:"after"`
	Events []record  `json:"events"`
}

type record struct {
	Type string          `json:"type"`
	V    int             `json:"v"`
	Data json.RawMessage `json:"data"`
}

// event is one change. apply depends on nothing but the state, the stamp and the event itself; it fails when the event
// cannot have been decided on that state.
type event interface {
	apply(s *State, at stamp) error
	tell(p *Past) // for the people who read the log
}

// stamp is what every event of a message has in common. tenant is empty for an event of the platform.
type stamp struct {
	at     time.Time
	tenant id.Tenant
	actor  Actor
}

// describe names an event as it stands in the log, with its current version. decodeEvent is its other half.
func describe(e event) (name string, current int) {
	switch e.(type) {
	case personCreated:
		return "person.created", 1
	case operatorGranted:
		return "operator.granted", 1
	case tenantCreated:
		return "tenant.created", 1
	case personArrived:
		return "person.arrived", 1
	case identityLinked:
		return "identity.linked", 1
	case identityUnlinked:
		return "identity.unlinked", 1
	case providerSet:
		return "provider.set", 2 // since one can be disabled, which a program that does not know it must not overlook
	case providerRemoved:
		return "provider.removed", 1
	case passwordsSwitched:
		return "tenant.passwords_switched", 1
	case memberInvited:
		return "member.invited", 1
	case inviteRevoked:
		return "member.invite_revoked", 1
	case memberJoined:
		return "member.joined", 1
	case memberChanged:
		return "member.changed", 1
	case signInFailed:
		return "signin.failed", 1
	case sightNoted:
		return "sight.noted", 1
	case passwordChanged:
		return "person.password_changed", 1
	case recoveryMade:
		return "person.recovery_made", 1
	case memberRemoved:
		return "member.removed", 1
	case trustAdded:
		return "trust.added", 1
	case trustRemoved:
		return "trust.removed", 1
	case certificateAdded:
		return "device.certificate_added", 1
	case certificateRemoved:
		return "device.certificate_removed", 1
	case keyCreated:
		return "key.created", 2 // since keys have a scope, which a program that does not know it must not overlook
	case keyRevoked:
		return "key.revoked", 1
	case deviceCreated:
		return "device.created", 1
	case deviceRenamed:
		return "device.renamed", 1
	case deviceSwitched:
		return "device.switched", 1
	case deviceLabelled:
		return "device.labelled", 1
	case deviceTimed:
		return "device.interval_changed", 1
	case deviceSited:
		return "device.site_changed", 1
	case deviceProfiled:
		return "device.profile_changed", 1
	case tokenRotated:
		return "device.token_rotated", 1
	case deviceDeleted:
		return "device.deleted", 1
	case deviceErased:
		return "device.erased", 1
	case destinationCreated:
		return "destination.created", 1
	case destinationRenamed:
		return "destination.renamed", 1
	case destinationSwitched:
		return "destination.switched", 1
	case destinationMoved:
		return "destination.changed", 1
	case destinationSecret:
		return "destination.secret_replaced", 1
	case destinationDeleted:
		return "destination.deleted", 1
	case ruleDrafted:
		return "rule.drafted", 1
	case ruleEnabled:
		return "rule.enabled", 1
	case ruleDisabled:
		return "rule.disabled", 1
	case ruleMoved:
		return "rule.moved", 1
	case ruleDeleted:
		return "rule.deleted", 1
	case metricDescribed:
		return "metric.described", 1
	case dashboardSaved:
		return "dashboard.saved", 1
	case dashboardRenamed:
		return "dashboard.renamed", 1
	case dashboardDeleted:
		return "dashboard.deleted", 1
	case dashboardUndeleted:
		return "dashboard.undeleted", 1
	case wallPaired:
		return "wall.paired", 1
	case wallChanged:
		return "wall.changed", 1
	case wallAsked:
		return "wall.asked", 1
	case wallRevoked:
		return "wall.revoked", 1
	case tenantRenamed:
		return "tenant.renamed", 1
	case tenantSuspended:
		return "tenant.suspended", 1
	case tenantResumed:
		return "tenant.resumed", 1
	case tenantLimited:
		return "tenant.limited", 1
	case consentSwitched:
		return "tenant.consent_switched", 1
	case supportOpened:
		return "support.opened", 1
	case supportEnded:
		return "support.ended", 1
	case deletionOrdered:
		return "tenant.deletion_ordered", 1
	case tenantDeleted:
		return "tenant.deleted", 1
	case tenantErased:
		return "tenant.erased", 1
	case operatorScoped:
		return "operator.scoped", 1
	case operatorRevoked:
		return "operator.revoked", 1
	case dataExported:
		return "data.exported", 1
	case operatorKeyCreated:
		return "operator.key_created", 1
	case operatorKeyRevoked:
		return "operator.key_revoked", 1
	case jobStarted:
		return "job.started", 1
	case jobEnded:
		return "job.ended", 1
	default:
		return describeAlerts(e)
	}
}

// decodeEvent reads an event of this or an older version; ErrNewer for one that this program does not know.
func decodeEvent(r record) (event, error) {
	switch r.Type {
	case "person.created":
		return decode[personCreated](r)
	case "operator.granted":
		return decode[operatorGranted](r)
	case "tenant.created":
		return decode[tenantCreated](r)
	case "person.arrived":
		return decode[personArrived](r)
	case "identity.linked":
		return decode[identityLinked](r)
	case "identity.unlinked":
		return decode[identityUnlinked](r)
	case "provider.set":
		return decode[providerSet](r, asItIs)
	case "provider.removed":
		return decode[providerRemoved](r)
	case "tenant.passwords_switched":
		return decode[passwordsSwitched](r)
	case "member.invited":
		return decode[memberInvited](r)
	case "member.invite_revoked":
		return decode[inviteRevoked](r)
	case "member.joined":
		return decode[memberJoined](r)
	case "member.changed":
		return decode[memberChanged](r)
	case "signin.failed":
		return decode[signInFailed](r)
	case "sight.noted":
		return decode[sightNoted](r)
	case "person.password_changed":
		return decode[passwordChanged](r)
	case "person.recovery_made":
		return decode[recoveryMade](r)
	case "member.removed":
		return decode[memberRemoved](r)
	case "trust.added":
		return decode[trustAdded](r)
	case "trust.removed":
		return decode[trustRemoved](r)
	case "device.certificate_added":
		return decode[certificateAdded](r)
	case "device.certificate_removed":
		return decode[certificateRemoved](r)
	case "key.created":
		return decode[keyCreated](r, asItIs)
	case "key.revoked":
		return decode[keyRevoked](r)
	case "device.created":
		return decode[deviceCreated](r)
	case "device.renamed":
		return decode[deviceRenamed](r)
	case "device.switched":
		return decode[deviceSwitched](r)
	case "device.labelled":
		return decode[deviceLabelled](r)
	case "device.interval_changed":
		return decode[deviceTimed](r)
	case "device.site_changed":
		return decode[deviceSited](r)
	case "device.profile_changed":
		return decode[deviceProfiled](r)
	case "device.token_rotated":
		return decode[tokenRotated](r)
	case "device.deleted":
		return decode[deviceDeleted](r)
	case "device.erased":
		return decode[deviceErased](r)
	case "destination.created":
		return decode[destinationCreated](r)
	case "destination.renamed":
		return decode[destinationRenamed](r)
	case "destination.switched":
		return decode[destinationSwitched](r)
	case "destination.changed":
		return decode[destinationMoved](r)
	case "destination.secret_replaced":
		return decode[destinationSecret](r)
	case "destination.deleted":
		return decode[destinationDeleted](r)
	case "rule.drafted":
		return decode[ruleDrafted](r)
	case "rule.enabled":
		return decode[ruleEnabled](r)
	case "rule.disabled":
		return decode[ruleDisabled](r)
	case "rule.moved":
		return decode[ruleMoved](r)
	case "rule.deleted":
		return decode[ruleDeleted](r)
	case "metric.described":
		return decode[metricDescribed](r)
	case "dashboard.saved":
		return decode[dashboardSaved](r)
	case "dashboard.renamed":
		return decode[dashboardRenamed](r)
	case "dashboard.deleted":
		return decode[dashboardDeleted](r)
	case "dashboard.undeleted":
		return decode[dashboardUndeleted](r)
	case "wall.paired":
		return decode[wallPaired](r)
	case "wall.changed":
		return decode[wallChanged](r)
	case "wall.asked":
		return decode[wallAsked](r)
	case "wall.revoked":
		return decode[wallRevoked](r)
	case "tenant.renamed":
		return decode[tenantRenamed](r)
	case "tenant.suspended":
		return decode[tenantSuspended](r)
	case "tenant.resumed":
		return decode[tenantResumed](r)
	case "tenant.limited":
		return decode[tenantLimited](r)
	case "tenant.consent_switched":
		return decode[consentSwitched](r)
	case "support.opened":
		return decode[supportOpened](r)
	case "support.ended":
		return decode[supportEnded](r)
	case "tenant.deletion_ordered":
		return decode[deletionOrdered](r)
	case "tenant.deleted":
		return decode[tenantDeleted](r)
	case "tenant.erased":
		return decode[tenantErased](r)
	case "operator.scoped":
		return decode[operatorScoped](r)
	case "operator.revoked":
		return decode[operatorRevoked](r)
	case "data.exported":
		return decode[dataExported](r)
	case "operator.key_created":
		return decode[operatorKeyCreated](r)
	case "operator.key_revoked":
		return decode[operatorKeyRevoked](r)
	case "job.started":
		return decode[jobStarted](r)
	case "job.ended":
		return decode[jobEnded](r)
	default:
		return decodeAlerts(r)
	}
}

// upgrade lifts the data of an event by one version.
type upgrade func(json.RawMessage) (json.RawMessage, error)

// asItIs is for a version that only adds what is empty in the one before.
func asItIs(data json.RawMessage) (json.RawMessage, error) { return data, nil }

// decode reads an event. The steps lead from version 1 to the current one: the first lifts 1 to 2, and so on.
func decode[E event](r record, steps ...upgrade) (event, error) {
	current := len(steps) + 1
	if r.V > current {
		return nil, fmt.Errorf("%w: event %q has version %d, known is %d", ErrNewer, r.Type, r.V, current)
	}
	if r.V < 1 {
		return nil, fmt.Errorf("%w: event %q has version %d", ErrLog, r.Type, r.V)
	}
	data := r.Data
	for _, step := range steps[r.V-1:] {
		var err error
		if data, err = step(data); err != nil {
			return nil, fmt.Errorf("%w: event %q: upgrade: %w", ErrLog, r.Type, err)
		}
	}
	var e E
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("%w: event %q: %w", ErrLog, r.Type, err)
	}
	return e, nil
}

// encodeCommand writes the message of one command. The caller has filled in who, when and after what.
func encodeCommand(out envelope, events []event) ([]byte, error) {
	out.V, out.Events = envelopeVersion, make([]record, len(events))
	for i, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode event: %w", err)
		}
		name, version := describe(e)
		out.Events[i] = record{Type: name, V: version, Data: data}
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	return data, nil
}

// fold applies one message of the log to a draft: the whole of the projection is this function, again and again. After
// an error the draft is of no use any more.
func fold(s *State, c *chain, m message) error {
	at, envelope, err := open(m.subject, m.data)
	if err == nil {
		err = s.check(c, m.subject, envelope.After)
	}
	for i := 0; err == nil && i < len(envelope.Events); i++ {
		var e event
		if e, err = decodeEvent(envelope.Events[i]); err == nil {
			err = e.apply(s, at)
		}
	}
	if err != nil {
		return fmt.Errorf("message %d on %s: %w", m.seq, m.subject, err)
	}
	s.advance(c, m.subject, m.data)
	return nil
}

func open(subject string, data []byte) (at stamp, e envelope, err error) {
	if subject != platformSubject {
		name, _ := strings.CutPrefix(subject, subjectPrefix)
		if at.tenant, err = id.Parse[id.Tenant](name); err != nil {
			return at, e, fmt.Errorf("%w: %w", ErrLog, err)
		}
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return at, e, fmt.Errorf("%w: %w", ErrLog, err)
	}
	if e.V != envelopeVersion {
		return at, e, fmt.Errorf("%w: envelope version %d", ErrNewer, e.V)
	}
	at.at, at.actor = e.At, e.Actor
	return at, e, nil
}
