package tenants

import (
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/tenants/seal"
)

// The events. Their JSON names are the format of the control log: a changed meaning is a new version with an upgrade.
type (
	personCreated struct {
		ID       id.Person `json:"id"`
		Email    string    `json:"email"`
		Name     string    `json:"name"`
		Password string    `json:"password_hash"`
	}
	operatorGranted struct {
		Person id.Person `json:"person"`
	}
	tenantCreated struct {
		ID         id.Tenant `json:"id"`
		Name       string    `json:"name"`
		RetainDays uint16    `json:"retain_days"`
		Owner      id.Person `json:"owner"` // its first member; empty when somebody is invited to be it
	}
	keyCreated struct {
		ID   id.Key `json:"id"`
		Name string `json:"name"`
		Role Role   `json:"role"`
		Sum  []byte `json:"sha256"`

		Expires time.Time `json:"expires,omitzero"`
		Scope   KeyScope  `json:"scope,omitzero"`
	}
	keyRevoked struct {
		ID id.Key `json:"id"`
	}
	deviceCreated struct {
		ID       id.Device         `json:"id"`
		Name     string            `json:"name"`
		Labels   map[string]string `json:"labels,omitempty"`
		Interval time.Duration     `json:"interval_ns,omitempty"`
		Site     string            `json:"site,omitempty"`
		Profile  string            `json:"profile,omitempty"`
		Demo     bool              `json:"demo,omitempty"`
		Token    tokenIssued       `json:"token"`
	}
	tokenIssued struct {
		ID  string `json:"id"`
		Sum []byte `json:"sha256"`
	}
	deviceRenamed struct {
		ID   id.Device `json:"id"`
		From string    `json:"from"`
		To   string    `json:"to"`
	}
	deviceSwitched struct {
		ID       id.Device `json:"id"`
		Disabled bool      `json:"disabled"`
	}
	deviceLabelled struct {
		ID   id.Device         `json:"id"`
		From map[string]string `json:"from,omitempty"`
		To   map[string]string `json:"to,omitempty"`
	}
	deviceTimed struct {
		ID   id.Device     `json:"id"`
		From time.Duration `json:"from_ns"`
		To   time.Duration `json:"to_ns"`
	}
	deviceSited struct {
		ID   id.Device `json:"id"`
		From string    `json:"from"`
		To   string    `json:"to"`
	}
	deviceProfiled struct {
		ID   id.Device `json:"id"`
		From string    `json:"from"`
		To   string    `json:"to"`
	}
	tokenRotated struct {
		ID       id.Device   `json:"id"`
		Token    tokenIssued `json:"token"`
		OldUntil time.Time   `json:"old_until"`
	}
	deviceDeleted struct {
		ID   id.Device `json:"id"`
		Name string    `json:"name"`
	}
	deviceErased struct {
		ID     id.Device        `json:"id"`
		Erased telemetry.Erased `json:"erased"`
	}
	destinationCreated struct {
		ID    id.Destination  `json:"id"`
		Name  string          `json:"name"`
		Slug  id.Slug         `json:"slug"`
		Kind  DestinationKind `json:"kind"`
		Reach reach           `json:"reach"`
	}
	// reach is how a destination is reached. What is sealed is missing in the one that was left. The address is the whole
	// one of a webhook with a query, which is left out of the URL; before that it stood in the URL.
	reach struct {
		URL     string      `json:"url,omitempty"`
		To      []string    `json:"to,omitempty"`
		Secret  seal.Sealed `json:"secret,omitempty"`
		Address seal.Sealed `json:"address,omitempty"`
	}
	destinationRenamed struct {
		ID   id.Destination `json:"id"`
		From string         `json:"from"`
		To   string         `json:"to"`
	}
	destinationSwitched struct {
		ID       id.Destination `json:"id"`
		Disabled bool           `json:"disabled"`
	}
	destinationMoved struct {
		ID   id.Destination `json:"id"`
		From reach          `json:"from"`
		To   reach          `json:"to"`
	}
	destinationSecret struct {
		ID       id.Destination `json:"id"`
		Secret   seal.Sealed    `json:"secret"`
		OldUntil time.Time      `json:"old_until"`
	}
	destinationDeleted struct {
		ID   id.Destination `json:"id"`
		Name string         `json:"name"`
	}
	ruleDrafted struct {
		From *rule.Rule `json:"from,omitempty"` // the draft before, or what is enabled
		To   rule.Rule  `json:"to"`
	}
	ruleEnabled struct {
		Version int        `json:"version"`
		From    *rule.Rule `json:"from,omitempty"` // the version before
		To      rule.Rule  `json:"to"`
		Reason  string     `json:"reason"`
	}
	ruleDisabled struct {
		ID     id.Rule `json:"id"`
		Name   string  `json:"name"`
		Reason string  `json:"reason,omitempty"`
	}
	ruleMoved struct {
		ID   id.Rule `json:"id"`
		Name string  `json:"name"`
		From int     `json:"from"` // position, the first being 1
		To   int     `json:"to"`
	}
	ruleDeleted struct {
		ID     id.Rule `json:"id"`
		Name   string  `json:"name"`
		Reason string  `json:"reason,omitempty"`
	}
	metricDescribed struct {
		Name string `json:"name"`
		Unit string `json:"unit"`
	}
)
