package views

// Providers lists the identity providers of a tenant or of the platform.
type Providers struct {
	Frame
	Tabs    []Link
	Rows    []ProviderRow
	New     string
	Address string // where people of the tenant sign in; empty for the platform
	// Passwords is the switch; Action is empty where there is none.
	Passwords PasswordSwitch
}

// PasswordSwitch says whether members may sign in with a password, and what changes it.
type PasswordSwitch struct{ Action, State, Help, Submit, Value string }

// ProviderRow is one identity provider.
type ProviderRow struct {
	Name, Href, Issuer, Domains, Rules, Since string

	Disabled bool
}

// Provider is the page on which an identity provider is set up.
type Provider struct {
	Frame
	Tabs     []Link
	Back     string // to the list
	Heading  string
	Action   string
	Remove   string // empty for one that is not saved yet
	Switch   string // action; empty for one that is not saved yet
	Disabled bool
	Problems []Problem
	Name     Field
	Issuer   Field
	ClientID Field
	Secret   Field
	Domains  Field
	Register []Copy // what to enter at the provider
	Found    []Fact // what the provider publishes; nil when it was not asked
	Rows     []ClaimRow
	Roles    []Option
	ForAll   bool // of the platform: a row names a tenant
	Test     *ProviderTest
	Tested   bool // the connection, as it stands in the form, has worked
}

// Copy is a text with a button that copies it.
type Copy struct{ ID, Label, Text string }

// ClaimRow is one rule as it stands in the form, and what a test made of it.
type ClaimRow struct {
	Number, Claim, Value string
	Roles, Tenants       []Option
	Result, State        string // state is live, never or empty
}

// ProviderTest is what a test sign-in brought.
type ProviderTest struct {
	Problem, Remedy, Step string // of one that failed
	Who                   string
	Verdict               string // which role it would give, or why none
	Good                  bool
	Claims                []Fact
}

// Journey is a page that leads away at once.
type Journey struct {
	Frame
	Heading, To, Host string
}

// AccountPage is what a person sees about the own account.
type AccountPage struct {
	Frame
	Facts    []Fact
	Sessions []SessionRow
	EndAll   string // action; empty when there is only this one
	Ways     []WayIn
	Link     []LinkWay
	Leave    []Leaving
	Password PasswordForm
	Note     string // how long a session lasts
}

// SessionRow is one session of the person.
type SessionRow struct {
	Device, Address, Via string
	Since, Seen          Time
	End                  string // action; empty for the one that looks at the page
}

// WayIn is a way to sign in that the person has.
type WayIn struct{ Name, Detail, Remove, Issuer, Subject string }

// LinkWay is a provider that could be added.
type LinkWay struct{ Name, Action string }

// Leaving is a tenant that the person can leave.
type Leaving struct{ Tenant, Role, Href string }

// Members lists the people of a tenant and open invitations.
type Members struct {
	Frame
	Tabs     []Link
	Rows     []MemberRow
	Invites  []InviteRow
	CanEdit  bool
	Action   string // of the form that invites
	Secret   string // link of the invitation just made; shown once
	Recovery string // link for a new password just made; shown once
	Problems []Problem
	For      Field
	Roles    []Option
}

// MemberRow is one member.
type MemberRow struct {
	Name, Email, Role, How, Since  string
	You                            bool
	Change, Remove, Transfer, Past string // empty for what the viewer may not do
	Recover                        string
	Roles                          []Option
}

// InviteRow is an open invitation.
type InviteRow struct{ For, Role, Expires, Revoke string }

// Join is the page that an invitation leads to.
type Join struct {
	Frame
	Tenant, Role string
	Token        string
	As           string // who is signed in; empty for nobody
	SignIn       string // address of the sign-in that comes back here
	Problems     []Problem
	Email        Field
	Name         Field
	Password     Field
}

// Audit is who did what, when and from where.
type Audit struct {
	Frame
	Tabs      []Link
	Heading   string
	Action    string
	People    []Option
	From, To  Field
	About     string // id of the thing that is looked at; empty for everything
	AboutName string
	Was       string // what the thing was, at any time
	Clear     string // address without filters; empty when there are none
	Rows      []AuditRow
	Older     string // address of the next page; empty on the last
	CSV, JSON string
}

// AuditRow is one change.
type AuditRow struct {
	At, By, Address, Did, Thing, ThingHref string

	WasHref string // what the thing was then
	Changes []AuditChange
}

// AuditChange is what was different after a change.
type AuditChange struct{ What, Before, After string }
