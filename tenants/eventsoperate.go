package tenants

import (
	"time"

	"longwave/tenants/id"
)

// The events about tenants as a whole and about those who operate them.
type (
	tenantRenamed struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	tenantSuspended struct {
		Reason string `json:"reason"`
	}
	tenantResumed struct{}
	tenantLimited struct {
		From Limits `json:"from"`
		To   Limits `json:"to"`
	}
	consentSwitched struct {
		On bool `json:"on"`
	}
	supportOpened struct {
		Person id.Person `json:"person"`
		Reason string    `json:"reason"`
		Until  time.Time `json:"until"`
	}
	supportEnded struct {
		Person id.Person `json:"person"`
	}
	// The deletion of a tenant is three events: it is ordered on the platform's subject; the tenant's own subject ends with
	// tenantDeleted, so that no command that was decided before can come after it; and the platform's says what was removed.
	deletionOrdered struct {
		Tenant id.Tenant `json:"tenant"`
		Name   string    `json:"name"`
		Counts []Count   `json:"counts,omitempty"` // what there was, as the one who ordered it was told
	}
	tenantDeleted struct {
		Name string `json:"name"`
	}
	tenantErased struct {
		Tenant id.Tenant `json:"tenant"`
		Name   string    `json:"name"`
		Counts []Gone    `json:"counts,omitempty"`
	}
	// operatorScoped is what an operator oversees from now on: everything, or some tenants, perhaps none yet.
	operatorScoped struct {
		Person  id.Person   `json:"person"`
		From    []id.Tenant `json:"from,omitempty"`
		To      []id.Tenant `json:"to,omitempty"`
		Limited bool        `json:"limited"`
	}
	operatorRevoked struct {
		Person id.Person `json:"person"`
	}
	operatorKeyCreated struct {
		ID      id.Key    `json:"id"`
		Person  id.Person `json:"person"` // whom it acts for
		Name    string    `json:"name"`
		Reach   Reach     `json:"reach"`
		Sum     []byte    `json:"sha256"`
		Expires time.Time `json:"expires"`
	}
	operatorKeyRevoked struct {
		ID   id.Key `json:"id"`
		Name string `json:"name"`
	}
)
