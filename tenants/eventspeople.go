package tenants

import (
	"time"

	"longwave/tenants/id"
	"longwave/tenants/seal"
)

// The events about who may enter.
type (
	// personArrived makes the account of somebody who came from an identity provider and was not known.
	personArrived struct {
		ID       id.Person      `json:"id"`
		Email    string         `json:"email,omitempty"` // only one that the provider has verified
		Name     string         `json:"name"`
		Identity identityLinked `json:"identity"`
	}
	identityLinked struct {
		Person   id.Person   `json:"person"`
		Issuer   string      `json:"issuer"`
		Subject  string      `json:"subject"`
		Provider id.Provider `json:"provider"`
	}
	identityUnlinked struct {
		Person  id.Person `json:"person"`
		Issuer  string    `json:"issuer"`
		Subject string    `json:"subject"`
	}
	// providerSet is all of a provider, new or changed. From is what it was, as far as people want to know.
	providerSet struct {
		ID       id.Provider  `json:"id"`
		Name     string       `json:"name"`
		Issuer   string       `json:"issuer"`
		ClientID string       `json:"client_id"`
		Secret   seal.Sealed  `json:"secret_sealed,omitempty"`
		Domains  []string     `json:"domains,omitempty"`
		Rows     []RoleRow    `json:"rows,omitempty"`
		Disabled bool         `json:"disabled,omitempty"`
		From     *providerWas `json:"from,omitempty"`
	}
	providerWas struct {
		Name     string    `json:"name"`
		Issuer   string    `json:"issuer"`
		ClientID string    `json:"client_id"`
		Domains  []string  `json:"domains,omitempty"`
		Rows     []RoleRow `json:"rows,omitempty"`
		Disabled bool      `json:"disabled,omitempty"`
	}
	providerRemoved struct {
		ID   id.Provider `json:"id"`
		Name string      `json:"name"`
	}
	passwordsSwitched struct {
		Off bool `json:"off"`
	}
	memberInvited struct {
		ID      id.Invite `json:"id"`
		For     string    `json:"for"`
		Role    Role      `json:"role"`
		Expires time.Time `json:"expires"`
		Sum     []byte    `json:"sha256"`
	}
	inviteRevoked struct {
		ID  id.Invite `json:"id"`
		For string    `json:"for"`
	}
	// memberJoined uses up an invitation, or comes from the rules of a provider.
	memberJoined struct {
		Person id.Person   `json:"person"`
		Role   Role        `json:"role"`
		Invite id.Invite   `json:"invite,omitempty"`
		Via    id.Provider `json:"via,omitempty"`
	}
	memberChanged struct {
		Person id.Person   `json:"person"`
		From   Role        `json:"from"`
		To     Role        `json:"to"`
		Via    id.Provider `json:"via,omitempty"` // whose rules changed it; empty when a person did
	}
	// signInFailed changes nothing: it is there to be read.
	signInFailed struct {
		Person   id.Person   `json:"person,omitempty"`
		Provider id.Provider `json:"provider,omitempty"`
		Reason   string      `json:"reason"`
		Others   int64       `json:"others,omitempty"` // that were not written down before this one
	}
	memberRemoved struct {
		Person id.Person   `json:"person"`
		Role   Role        `json:"role"`
		Via    id.Provider `json:"via,omitempty"` // whose rules took it away
	}
)
