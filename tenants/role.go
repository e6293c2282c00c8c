package tenants

import (
	"fmt"
	"slices"

	"longwave/tenants/id"
)

// Role is what a member or an API key is in one tenant.
type Role uint8

// The roles, each able to do more than the one before. None is the zero value and may do nothing.
const (
	None Role = iota
	Viewer
	Editor
	Owner
)

// Roles lists every role that can be given to somebody.
func Roles() []Role { return []Role{Viewer, Editor, Owner} }

// String is the role's name in events, pages and JSON.
func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Editor:
		return "editor"
	case Owner:
		return "owner"
	default:
		return "none"
	}
}

// ParseRole reads a role's name. It returns an *InvalidError for anything that Roles does not list.
func ParseRole(text string) (Role, error) {
	for _, r := range Roles() {
		if r.String() == text {
			return r, nil
		}
	}
	return None, invalid("role", "%q is not a role, want viewer, editor or owner", text)
}

// MarshalText writes the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the role's name; it returns an *InvalidError for an unknown one.
func (r *Role) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRole(string(text))
	return err
}

// Action is something that needs permission.
type Action uint8

// The actions, from harmless to far-reaching.
const (
	View             Action = iota // see what concerns the tenant as a whole: rules, destinations, work lists, jobs
	ViewDevices                    // see devices, their readings, events and rejected packets
	ExportData                     // take readings of many devices away as a file
	EditDevices                    // create, rename, disable and enable devices; describe metrics; demo data
	RotateTokens                   // replace a device's token
	DeleteDevices                  // delete a device and its data
	EditDestinations               // create, change, test and delete destinations; send again what was not delivered
	EditRules                      // write, start, stop, order and delete routing rules and alert rules
	HandleAlerts                   // acknowledge, assign, snooze and comment on alerts; silences
	EditDashboards                 // make, change, restore, rename and delete dashboards
	EditWalls                      // pair, change and revoke unattended screens
	ShowWall                       // show the dashboards that an unattended screen is bound to
	ReplayPackets                  // send rejected packets again or dismiss them, replay packets from the lanes
	ManageKeys                     // create, list and revoke API keys
	ReadAudit                      // see who did what, when and from where
	ManageTenant                   // settings and members of the tenant
	SeeTenants                     // see tenants as a whole, with what they use; not what is in them
	OverseeTenants                 // rename, suspend and limit tenants
	OperatePlatform                // see the state of the installation, create and delete tenants, say who operates
	actions                        // how many there are
)

// Actions lists every action.
func Actions() []Action {
	all := make([]Action, actions)
	for i := range all {
		all[i] = Action(i)
	}
	return all
}

// String is the action as it stands in logs and in refusals.
func (a Action) String() string {
	switch a {
	case View:
		return "view"
	case ViewDevices:
		return "view devices"
	case ExportData:
		return "export data"
	case EditDevices:
		return "edit devices"
	case RotateTokens:
		return "rotate device tokens"
	case DeleteDevices:
		return "delete devices"
	case EditDestinations:
		return "edit destinations"
	case EditDashboards:
		return "edit dashboards"
	case EditRules:
		return "edit rules"
	case EditWalls:
		return "edit walls"
	case ShowWall:
		return "show what a wall shows"
	case HandleAlerts:
		return "handle alerts"
	case ReplayPackets:
		return "replay packets"
	case ManageKeys:
		return "manage API keys"
	case ReadAudit:
		return "read the audit trail"
	case ManageTenant:
		return "manage the tenant"
	case SeeTenants:
		return "see tenants"
	case OverseeTenants:
		return "oversee tenants"
	case OperatePlatform:
		return "operate the platform"
	default:
		return "do this"
	}
}

// allowed is the one table of who may do what. Operating the platform and overseeing tenants come from being an operator,
// never from a role in a tenant; and being an operator opens no tenant, unless its owners consent or are told why. ShowWall
// comes from being a paired screen, which has no role and so may do nothing else.
func (a Action) allowed(r Role) bool {
	return [actions][Owner + 1]bool{
		View:             {Viewer: true, Editor: true, Owner: true},
		ViewDevices:      {Viewer: true, Editor: true, Owner: true},
		ExportData:       {Viewer: true, Editor: true, Owner: true}, // they see every reading as it is; what they take stands in the audit
		EditDevices:      {Editor: true, Owner: true},
		RotateTokens:     {Editor: true, Owner: true},
		DeleteDevices:    {Owner: true},
		EditDestinations: {Editor: true, Owner: true},
		EditRules:        {Editor: true, Owner: true},
		HandleAlerts:     {Editor: true, Owner: true},
		EditDashboards:   {Editor: true, Owner: true},
		EditWalls:        {Editor: true, Owner: true},
		ShowWall:         {},
		ReplayPackets:    {Editor: true, Owner: true},
		ManageKeys:       {Owner: true},
		ReadAudit:        {Editor: true, Owner: true},
		ManageTenant:     {Owner: true},
		SeeTenants:       {},
		OverseeTenants:   {},
		OperatePlatform:  {},
	}[a][r]
}

// ofDevices says that an action is done to single devices, each of which is asked for with Sees. Only these may be done
// with a key that is limited to some devices: whatever is new is refused to it until somebody has thought about it.
func (a Action) ofDevices() bool {
	return a == ViewDevices || a == ExportData || a == EditDevices || a == RotateTokens || a == DeleteDevices
}

// Principal is somebody who has proved who they are, and the tenant they act in. Only this package makes one that may
// do anything: Enter, Identify, KeyByToken and OperatorByToken. The zero value may do nothing.
type Principal struct {
	person   id.Person
	key      id.Key
	wall     *wall // the screen that it is; nil for people and keys
	tenant   id.Tenant
	role     Role
	operator bool
	scope    *KeyScope // the devices that a key is limited to; nil for all
	limited  bool      // as an operator, to some tenants
	guest    bool      // in the tenant as an operator, and no member
	reach    Reach     // of an operator's key
}

// Person is who acts; empty when a tenant's API key does. An operator's key acts for the one who made it.
func (p Principal) Person() id.Person { return p.person }

// Key is the API key that acts; empty when a person does.
func (p Principal) Key() id.Key { return p.key }

// Wall is the unattended screen that looks; false when a person or a key acts.
func (p Principal) Wall() (Wall, bool) {
	if p.wall == nil {
		return Wall{}, false
	}
	return p.wall.Wall, true
}

// Shows says whether the principal is a screen that is bound to a dashboard.
func (p Principal) Shows(d id.Dashboard) bool {
	return p.wall != nil && slices.Contains(p.wall.Dashboards, d)
}

// Tenant is where the principal acts; empty for one that Identify made.
func (p Principal) Tenant() id.Tenant { return p.tenant }

// Role is the principal's role in its tenant.
func (p Principal) Role() Role { return p.role }

// Operator says whether the principal runs the platform.
func (p Principal) Operator() bool { return p.operator }

// Limited says whether the principal operates some tenants only.
func (p Principal) Limited() bool { return p.limited }

// Guest says whether the principal is in its tenant as an operator who is no member of it.
func (p Principal) Guest() bool { return p.guest }

// Actor is the principal as the author of a command that came from the given network address.
func (p Principal) Actor(address string) Actor {
	return Actor{Person: p.person, Key: p.key, Address: address}
}

// Scope is what the principal's devices are limited to; nil when it sees all of its tenant.
func (p Principal) Scope() *KeyScope { return p.scope }

// Sees says whether a device of the principal's tenant is one of those that it is limited to. One that it does not see is
// not there for it.
func (p Principal) Sees(d Device) bool { return p.scope == nil || p.scope.matches(&d) }

// May returns nil if the principal is allowed the action, ErrKeyLimited for a key that is limited to some devices and an
// action that concerns others too, and ErrForbidden with the action's name otherwise.
func (p Principal) May(a Action) error {
	if a >= actions || p.role > Owner {
		return fmt.Errorf("%w: unknown action", ErrForbidden)
	}
	switch {
	case p.operates(a), a == ShowWall && p.wall != nil:
		return nil
	case a.allowed(p.role) && p.scope != nil && !a.ofDevices():
		return fmt.Errorf("%w: it does not let you %s", ErrKeyLimited, a)
	case a.allowed(p.role):
		return nil
	}
	return fmt.Errorf("%w: your role does not let you %s", ErrForbidden, a)
}

// operates says whether an action on tenants as a whole is allowed: to operators, and to their keys as far as they reach.
func (p Principal) operates(a Action) bool {
	reach := p.reach
	if p.key == "" { // a person
		reach = ReachOperate
	}
	switch a {
	case SeeTenants:
		return p.operator && reach >= ReachSee
	case OverseeTenants:
		return p.operator && reach >= ReachOversee
	case OperatePlatform:
		return p.operator && reach >= ReachOperate && !p.limited
	}
	return false
}
