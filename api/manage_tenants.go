package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
)

// Operation is what scripts of operators need to know of tenants beside the control plane. It shows nothing of what is in them.
type Operation interface {
	// Usage is what each tenant uses; those that use nothing are missing. With an error it holds what is known all the same.
	Usage(context.Context) (map[id.Tenant]tenants.Usage, error)
	// Contents counts everything that belongs to a tenant and would go with it.
	Contents(context.Context, id.Tenant) ([]tenants.Count, error)
}

// TenantPath is the part of an address that names a tenant. It is exported because huma looks at nothing else.
type TenantPath struct {
	Tenant string `path:"tenant" doc:"Id of the tenant" example:"t-7k3m9c2p5v8x1z4b"`
}

type (
	tenantBody struct {
		ID        string      `json:"id" example:"t-7k3m9c2p5v8x1z4b"`
		Name      string      `json:"name" example:"Pumps Ltd"`
		State     string      `json:"state" doc:"open, suspended or deleting" example:"open"`
		Reason    string      `json:"reason,omitempty" doc:"Why nobody gets in" example:"unpaid"`
		Created   time.Time   `json:"created"`
		Devices   int         `json:"devices" example:"412"`
		Members   int         `json:"members" example:"7"`
		Usage     *usageBody  `json:"usage,omitempty" doc:"Missing while the storage does not answer"`
		Limits    limitsBody  `json:"limits" doc:"Of its own; what is missing is as on the installation"`
		Effective *limitsBody `json:"effective_limits,omitempty" doc:"What holds for it; what is missing has no limit. Only where one tenant is asked for"`
	}
	usageBody struct {
		Rate     float64    `json:"packets_per_second" doc:"Averaged over some seconds, refused ones included, as the copy of the program that answers sees it" example:"120.5"`
		Readings uint64     `json:"stored_readings" example:"3100000"`
		Bytes    uint64     `json:"stored_bytes" doc:"Estimated from its share of all readings" example:"4200000"`
		Waiting  uint64     `json:"waiting_deliveries" doc:"Messages that wait for its destinations" example:"0"`
		Alerts   int        `json:"open_alerts" doc:"That fire, those of rules in shadow left out" example:"1"`
		Limited  uint64     `json:"limits_met" doc:"Requests of its devices that were refused because of a limit, since the copy of the program that answers was started" example:"0"`
		Last     *time.Time `json:"last_limit_met,omitempty" doc:"When that was last"`
	}
	limitsBody struct {
		Packets  int   `json:"packets_per_second,omitempty" example:"1000"`
		Readings int   `json:"readings_per_second,omitempty" example:"10000"`
		Devices  int   `json:"devices,omitempty" example:"500"`
		Days     int   `json:"stored_days,omitempty" doc:"How long readings that arrive from now on are kept" example:"90"`
		Sockets  int   `json:"device_sockets,omitempty" example:"500"`
		Request  int64 `json:"request_bytes,omitempty" doc:"After decompression" example:"262144"`
		Walls    int   `json:"walls,omitempty" doc:"Wall screens" example:"10"`
	}
	listTenantsIn struct {
		call
		Limit  int    `query:"limit" doc:"How many at most" minimum:"1" maximum:"500" default:"100"`
		Cursor string `query:"cursor" doc:"The next of the page before"`
		Q      string `query:"q" doc:"Part of the name, or the id" example:"pumps"`
		State  string `query:"state" doc:"Only these" enum:"open,suspended,deleting"`
	}
	listTenantsOut struct {
		Body struct {
			Items []tenantBody `json:"items" doc:"Those that the operator oversees, in the order of their ids"`
			Next  string       `json:"next" doc:"Cursor of the next page; empty on the last one"`
		}
	}
	oneTenantIn struct {
		call
		TenantPath
	}
	oneTenantOut struct{ Body tenantBody }
)

func (m *management) mountTenants() {
	const one = "/tenants/{tenant}"
	create := describe(http.MethodPost, "/tenants", "create-tenant", "Create a tenant and invite its first owner", tenants.OperatePlatform)
	create.DefaultStatus = http.StatusCreated
	register(m, create, m.createTenant)
	register(m, describe(http.MethodGet, "/tenants", "list-tenants", "List tenants with what they use", tenants.SeeTenants), m.listTenants)
	register(m, describe(http.MethodGet, one, "get-tenant", "Look at a tenant, its usage and its limits", tenants.SeeTenants), m.getTenant)
	register(m, describe(http.MethodPatch, one, "change-tenant", "Rename a tenant", tenants.OverseeTenants), m.changeTenant)
	register(m, describe(http.MethodPut, one+"/limits", "set-tenant-limits", "Replace a tenant's own limits", tenants.OverseeTenants), m.setTenantLimits)
	register(m, describe(http.MethodPost, one+"/suspend", "suspend-tenant", "Keep everybody and everything out of a tenant", tenants.OverseeTenants), m.suspendTenant)
	register(m, describe(http.MethodPost, one+"/resume", "resume-tenant", "Let everybody back into a tenant", tenants.OverseeTenants), m.resumeTenant)
	remove := describe(http.MethodDelete, one, "delete-tenant", "Delete a tenant and everything in it, for good", tenants.OperatePlatform)
	remove.DefaultStatus = http.StatusAccepted
	register(m, remove, m.deleteTenant)
	register(m, describe(http.MethodGet, one+"/deletion", "get-tenant-deletion", "How far a deletion is, or what it has removed", tenants.OperatePlatform), m.getDeletion)
}

// overseen finds a tenant that the visitor oversees. Any other, one that never was, and text that is no id give the same error.
func (m *management) overseen(who visitor, text string) (tenants.Tenant, error) {
	t, err := id.Parse[id.Tenant](text)
	st := m.api.tenants.State()
	person, _ := st.Person(who.principal.Person())
	found, ok := st.Tenant(t)
	if err != nil || !ok || !person.Oversees(t) {
		return tenants.Tenant{}, fmt.Errorf("tenant: %w", tenants.ErrNotFound)
	}
	return found, nil
}

// usage is what tenants use; nil when the storage does not answer, which is no reason not to tell the rest.
func (m *management) usage(ctx context.Context) map[id.Tenant]tenants.Usage {
	ctx, cancel := context.WithTimeout(ctx, usageTimeout)
	defer cancel()
	usage, err := m.api.operation.Usage(ctx)
	if err != nil {
		m.api.log.WarnContext(ctx, "tenants are listed without what they use", "error", err)
		return nil
	}
	return usage
}

// usageTimeout is how long a script waits for figures that it can do without.
const usageTimeout = 5 * time.Second

func (m *management) bodyOfTenant(t tenants.Tenant, usage map[id.Tenant]tenants.Usage) tenantBody {
	st := m.api.tenants.State()
	body := tenantBody{ID: string(t.ID), Name: t.Name, State: tenantState(t), Reason: t.Suspended.Reason, Created: t.Created.UTC(), Devices: st.DeviceCount(t.ID), Members: len(st.Members(t.ID)), Limits: limitsBody(t.Limits)}
	if usage != nil {
		u := usage[t.ID]
		body.Usage = &usageBody{Rate: u.Rate, Readings: u.Readings, Bytes: u.Bytes, Waiting: u.Waiting, Alerts: u.Alerts, Limited: u.Limited}
		if !u.LastLimited.IsZero() {
			last := u.LastLimited.UTC()
			body.Usage.Last = &last
		}
	}
	return body
}

func tenantState(t tenants.Tenant) string {
	switch {
	case t.Suspended.Deleting:
		return "deleting"
	case t.Suspended.Holds():
		return "suspended"
	}
	return "open"
}

func (m *management) listTenants(ctx context.Context, who visitor, in *listTenantsIn) (*listTenantsOut, error) {
	st := m.api.tenants.State()
	person, _ := st.Person(who.principal.Person())
	all := st.Tenants() // in the order of their ids
	first, exact := slices.BinarySearchFunc(all, id.Tenant(in.Cursor), func(t tenants.Tenant, after id.Tenant) int { return strings.Compare(string(t.ID), string(after)) })
	if exact {
		first++
	}
	out := &listTenantsOut{}
	out.Body.Items = []tenantBody{}
	usage := m.usage(ctx)
	for _, t := range all[first:] {
		if !person.Oversees(t.ID) || !in.selects(t) {
			continue
		}
		if len(out.Body.Items) == in.Limit {
			out.Body.Next = out.Body.Items[in.Limit-1].ID
			break
		}
		out.Body.Items = append(out.Body.Items, m.bodyOfTenant(t, usage))
	}
	return out, nil
}

func (in *listTenantsIn) selects(t tenants.Tenant) bool {
	named := in.Q == "" || string(t.ID) == in.Q || strings.Contains(strings.ToLower(t.Name), strings.ToLower(in.Q))
	return named && (in.State == "" || in.State == tenantState(t))
}

func (m *management) getTenant(ctx context.Context, who visitor, in *oneTenantIn) (*oneTenantOut, error) {
	found, err := m.overseen(who, in.Tenant)
	if err != nil {
		return nil, err
	}
	return m.oneTenant(ctx, found.ID), nil
}

// oneTenant is a tenant as it is now.
func (m *management) oneTenant(ctx context.Context, t id.Tenant) *oneTenantOut {
	found, _ := m.api.tenants.State().Tenant(t)
	body := m.bodyOfTenant(found, m.usage(ctx))
	effective := limitsBody(m.api.tenants.LimitsOf(t))
	body.Effective = &effective
	return &oneTenantOut{Body: body}
}
