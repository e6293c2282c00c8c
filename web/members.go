package web

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
	"longwave/views"
)

// inviteSlot is where the link of a new invitation waits for the redirect.
const inviteSlot = "invite "

func membersPath(t id.Tenant) string { return tenantPath(t) + "/members" }

func (w *Web) listMembers(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderMembers(out, r, p, views.Members{For: w.inviteFor("")}, tenants.Viewer)
}

func (w *Web) inviteFor(value string) views.Field {
	return views.Field{ID: "for", Label: "For", Type: "text", Value: value, MaxLength: "100", Autocomplete: "off", Help: w.forHelp()}
}

func (w *Web) renderMembers(out http.ResponseWriter, r *http.Request, p tenants.Principal, page views.Members, chosen tenants.Role) error {
	status := http.StatusOK
	if len(page.Problems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Problems = blame(page.Problems, &page.For)
	}
	t := p.Tenant()
	page.Frame, page.Tabs = w.frame(out, r, p, "Members"), w.adminTabs(r, p)
	page.Action, page.CanEdit = membersPath(t)+"/invites", p.May(tenants.ManageTenant) == nil
	for _, m := range w.o.Tenants.State().Members(t) {
		page.Rows = append(page.Rows, w.memberRow(p, m, page.CanEdit))
	}
	if page.CanEdit {
		page.Recovery = w.handover.take(w.slot(r, recoverySlot+string(t)))
		page.Secret, page.Roles = w.handover.take(w.slot(r, inviteSlot+string(t))), roleOptions(chosen)
		for _, i := range w.o.Tenants.State().Invites(t) {
			page.Invites = append(page.Invites, w.inviteRow(i))
		}
	}
	return w.render(out, r, status, views.MembersPage(page))
}

func (w *Web) memberRow(p tenants.Principal, m tenants.Member, edit bool) views.MemberRow {
	st := w.o.Tenants.State()
	person, _ := st.Person(m.Person)
	row := views.MemberRow{
		Name: person.Name, Email: or(person.Email, "not confirmed"), Role: capital(m.Role.String()), How: "a member's decision",
		Since: m.Since.UTC().Format("2006-01-02 15:04"), You: m.Person == p.Person(),
	}
	if m.Via != "" {
		provider, _ := st.Provider(m.Via)
		row.How = "rules of " + or(provider.Name, "a provider that was removed")
	}
	at := membersPath(p.Tenant()) + "/" + string(m.Person)
	if edit {
		row.Change, row.Remove, row.Roles = at+"/role", at+"/remove", roleOptions(m.Role)
		row.Recover = w.recoverAction(p, m.Person)
		if !row.You && m.Role != tenants.Owner && p.Person() != "" {
			row.Transfer = at + "/transfer"
		}
	}
	row.Past = w.pastOf(p, string(m.Person))
	if row.You {
		row.Remove = at + "/remove"
	}
	return row
}

func roleOptions(chosen tenants.Role) []views.Option {
	var list []views.Option
	for _, role := range tenants.Roles() {
		list = append(list, views.Option{Value: role.String(), Label: capital(role.String()), Selected: role == chosen})
	}
	return list
}

func (w *Web) inviteRow(i tenants.Invite) views.InviteRow {
	row := views.InviteRow{
		For: i.For, Role: capital(i.Role.String()), Expires: "valid until " + i.Expires.UTC().Format("2006-01-02 15:04") + " UTC",
		Revoke: membersPath(i.Tenant) + "/invites/" + string(i.ID) + "/revoke",
	}
	if !w.o.Now().Before(i.Expires) {
		row.Expires = "its time is over"
	}
	return row
}

func (w *Web) invite(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	role, err := tenants.ParseRole(form.Get("role"))
	if err == nil {
		var made tenants.Invite
		var secret string
		made, secret, err = w.o.Tenants.Invite(r.Context(), w.actor(r, p), p.Tenant(), tenants.NewInvite{For: form.Get("for"), Role: role})
		if err == nil {
			tenant, _ := w.o.Tenants.State().Tenant(p.Tenant())
			link := w.origin(r) + joinPath(secret)
			w.handover.put(w.slot(r, inviteSlot+string(p.Tenant())), link)
			w.mailInvite(out, r, p, invitation{tenant: tenant, whom: made.For, link: link})
			return see(out, r, membersPath(p.Tenant()))
		}
	}
	problem, ok := fault(err)
	if !ok {
		return err
	}
	return w.renderMembers(out, r, p, views.Members{For: w.inviteFor(form.Get("for")), Problems: []views.Problem{problem}}, role)
}

func (w *Web) revokeInvite(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	invite, err := id.Parse[id.Invite](chi.URLParam(r, "invite"))
	if err != nil {
		return tenants.ErrNotFound
	}
	if err := w.o.Tenants.RevokeInvite(r.Context(), w.actor(r, p), p.Tenant(), invite); err != nil {
		return err
	}
	w.done(out, r, "The link does not work any more.")
	return see(out, r, membersPath(p.Tenant()))
}

// member is the one in the address; tenants.ErrNotFound when the tenant has none of that id.
func (w *Web) member(r *http.Request, p tenants.Principal) (tenants.Member, tenants.Person, error) {
	wanted, err := id.Parse[id.Person](chi.URLParam(r, "person"))
	if err != nil {
		return tenants.Member{}, tenants.Person{}, tenants.ErrNotFound
	}
	found, ok := w.o.Tenants.State().Member(p.Tenant(), wanted)
	if !ok {
		return tenants.Member{}, tenants.Person{}, tenants.ErrNotFound
	}
	person, _ := w.o.Tenants.State().Person(wanted)
	return found, person, nil
}

func (w *Web) changeRole(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, person, err := w.member(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	if found.Role, err = tenants.ParseRole(form.Get("role")); err != nil {
		return badQuery("Choose a role.")
	}
	if err := w.o.Tenants.ChangeMember(r.Context(), w.actor(r, p), p.Tenant(), found); err != nil {
		return err
	}
	w.done(out, r, person.Name+" is "+found.Role.String()+" from now on.")
	return see(out, r, membersPath(p.Tenant()))
}

// mayRemove lets owners remove anybody, and everybody leave.
func mayRemove(p tenants.Principal, who id.Person) error {
	if who == p.Person() {
		return nil
	}
	return p.May(tenants.ManageTenant)
}

func (w *Web) showRemoveMember(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	_, person, err := w.member(r, p)
	if err == nil {
		err = mayRemove(p, person.ID)
	}
	if err != nil {
		return err
	}
	page := views.Confirm{
		Frame: w.frame(out, r, p, "Remove "+person.Name), Heading: "Remove " + person.Name, Submit: "Remove member",
		Action: membersPath(p.Tenant()) + "/" + string(person.ID) + "/remove", Cancel: membersPath(p.Tenant()), Back: "Members",
		Lines: []string{person.Name + " loses access to this tenant at once, also on pages that are open. What they made stays, and so does their account."},
	}
	if person.ID == p.Person() {
		page.Heading, page.Submit = "Leave this tenant", "Leave"
		page.Lines = []string{"You lose access to this tenant at once. To come back, you need an invitation, or a rule of its identity provider."}
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(page))
}

func (w *Web) removeMember(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	_, person, err := w.member(r, p)
	if err == nil {
		err = mayRemove(p, person.ID)
	}
	if err != nil {
		return err
	}
	if err := w.o.Tenants.RemoveMember(r.Context(), w.actor(r, p), p.Tenant(), person.ID); err != nil {
		return err
	}
	if person.ID == p.Person() {
		w.done(out, r, "You have left the tenant.")
		return see(out, r, "/account")
	}
	if !person.Operator && len(w.o.Tenants.State().TenantsOf(person.ID)) == 0 { // nothing is left that their sessions open
		if _, err := w.o.Sessions.End(r.Context(), person.ID, func(session.Session) bool { return true }); err != nil {
			w.o.Log.WarnContext(r.Context(), "sessions of a removed member go on, and open nothing", "person", person.ID, "error", err)
		}
	}
	w.done(out, r, person.Name+" removed.")
	return see(out, r, membersPath(p.Tenant()))
}

func (w *Web) showTransfer(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	_, person, err := w.member(r, p)
	if err != nil {
		return err
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(views.Confirm{
		Frame: w.frame(out, r, p, "Hand over"), Heading: "Hand over to " + person.Name, Submit: "Hand over",
		Action: membersPath(p.Tenant()) + "/" + string(person.ID) + "/transfer", Cancel: membersPath(p.Tenant()), Back: "Members",
		Lines: []string{fmt.Sprintf("%s becomes an owner and you become an editor, in one step. Only an owner can give you the role back.", person.Name)},
	}))
}

func (w *Web) transfer(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	_, person, err := w.member(r, p)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.Transfer(r.Context(), w.actor(r, p), p.Tenant(), person.ID); err != nil {
		return err
	}
	w.done(out, r, person.Name+" is an owner now, and you are an editor.")
	return see(out, r, membersPath(p.Tenant()))
}
