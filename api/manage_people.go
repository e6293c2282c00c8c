package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
)

// MemberPath is the part of an address that names a member.
type MemberPath struct {
	Person string `path:"person" doc:"Id of the person" example:"p-7k3m9c2p5v8x1z4b"`
}

type (
	memberBody struct {
		Person   string    `json:"person" example:"p-7k3m9c2p5v8x1z4b"`
		Name     string    `json:"name" example:"Ada"`
		Email    string    `json:"email,omitempty" doc:"Missing when nobody has confirmed it" example:"ada@example.com"`
		Role     string    `json:"role" doc:"viewer, editor or owner" example:"editor"`
		Provider string    `json:"identity_provider,omitempty" doc:"Whose rules gave the role; missing when a person did" example:"i-7k3m9c2p5v8x1z4b"`
		Since    time.Time `json:"since"`
	}
	listPeopleIn struct{ call }
	membersOut   struct {
		Body struct {
			Items []memberBody `json:"items"`
		}
	}
	changeMemberIn struct {
		call
		MemberPath
		Body struct {
			Role string `json:"role" doc:"The new role, a person's decision from then on" enum:"viewer,editor,owner" example:"editor"`
		}
	}
	oneMemberIn struct {
		call
		MemberPath
	}
	memberOut struct{ Body memberBody }
	auditIn   struct {
		call
		About  string `query:"about" doc:"Only what was done to the thing with this id" example:"d-7k3m9c2p5v8x1z4b"`
		By     string `query:"by" doc:"Only what this person did" example:"p-7k3m9c2p5v8x1z4b"`
		From   string `query:"from" doc:"Only what was done then or later, as for readings" example:"-7d"`
		To     string `query:"to" doc:"Only what was done before" example:"now"`
		Limit  int    `query:"limit" doc:"How many at most; a page may be shorter and not the last" minimum:"1" maximum:"500" default:"100"`
		Cursor string `query:"cursor" doc:"The next of the page before"`
	}
	auditOut struct {
		Body struct {
			Items []auditBody `json:"items" doc:"Newest first"`
			Next  string      `json:"next" doc:"Cursor of the next page; empty on the last one"`
		}
	}
	auditBody struct {
		At      time.Time    `json:"at"`
		By      string       `json:"by" doc:"Who, in words" example:"Ada"`
		Person  string       `json:"person,omitempty" example:"p-7k3m9c2p5v8x1z4b"`
		Key     string       `json:"key,omitempty" example:"k-7k3m9c2p5v8x1z4b"`
		Address string       `json:"address,omitempty" example:"192.0.2.7"`
		Type    string       `json:"type" example:"device.renamed"`
		Did     string       `json:"did" example:"renamed the device"`
		Subject string       `json:"subject" example:"d-7k3m9c2p5v8x1z4b"`
		Name    string       `json:"name,omitempty" example:"pump-7"`
		Changes []changeBody `json:"changes"`
	}
)

func (m *management) mountPeople() {
	const member = "/members/{person}"
	register(m, describe(http.MethodGet, "/members", "list-members", "Members of the tenant", tenants.View), m.listMembers)
	register(m, describe(http.MethodPatch, member, "change-member", "Give a member another role", tenants.ManageTenant), m.changeMember)
	register(m, describe(http.MethodDelete, member, "remove-member", "Remove a member at once", tenants.ManageTenant), m.removeMember)
	register(m, describe(http.MethodGet, "/audit", "get-audit", "Who did what, when and from where", tenants.ReadAudit), m.getAudit)
}

func (m *management) listMembers(_ context.Context, who visitor, _ *listPeopleIn) (*membersOut, error) {
	out := &membersOut{}
	out.Body.Items = []memberBody{}
	for _, each := range m.api.tenants.State().Members(who.tenant) {
		out.Body.Items = append(out.Body.Items, m.bodyOfMember(each))
	}
	return out, nil
}

func (m *management) bodyOfMember(of tenants.Member) memberBody {
	person, _ := m.api.tenants.State().Person(of.Person)
	return memberBody{Person: string(of.Person), Name: person.Name, Email: person.Email, Role: of.Role.String(), Provider: string(of.Via), Since: of.Since.UTC()}
}

// memberOf finds a member of the visitor's tenant, with the same error for everybody else and for text that is no id.
func (m *management) memberOf(who visitor, text string) (tenants.Member, error) {
	p, err := id.Parse[id.Person](text)
	found, ok := m.api.tenants.State().Member(who.tenant, p)
	if err != nil || !ok {
		return tenants.Member{}, fmt.Errorf("member: %w", tenants.ErrNotFound)
	}
	return found, nil
}

func (m *management) changeMember(ctx context.Context, who visitor, in *changeMemberIn) (*memberOut, error) {
	found, err := m.memberOf(who, in.Person)
	if err != nil {
		return nil, err
	}
	role, err := tenants.ParseRole(in.Body.Role)
	if err != nil {
		return nil, err
	}
	found.Role = role
	if err := m.api.tenants.ChangeMember(ctx, who.actor, who.tenant, found); err != nil {
		return nil, err
	}
	found, err = m.memberOf(who, in.Person)
	return &memberOut{Body: m.bodyOfMember(found)}, err
}

func (m *management) removeMember(ctx context.Context, who visitor, in *oneMemberIn) (*struct{}, error) {
	found, err := m.memberOf(who, in.Person)
	if err != nil {
		return nil, err
	}
	return nil, m.api.tenants.RemoveMember(ctx, who.actor, who.tenant, found.Person)
}

func (m *management) getAudit(ctx context.Context, who visitor, in *auditIn) (*auditOut, error) {
	q := tenants.HistoryQuery{About: in.About, Limit: in.Limit, Cursor: in.Cursor}
	from, to, err := openSpan([2]string{"from", in.From}, [2]string{"to", in.To}, m.api.now())
	if err != nil {
		return nil, err
	}
	if from != 0 {
		q.From = from.Time()
	}
	if to != 0 {
		q.To = to.Time()
	}
	if in.By != "" {
		if q.By, err = id.Parse[id.Person](in.By); err != nil {
			return nil, badParameter("by", "is no id of a person")
		}
	}
	if err := m.noted(ctx, who, tenants.ExportedAudit); err != nil {
		return nil, err
	}
	page, err := m.api.tenants.History(ctx, who.tenant, q)
	var wrong *tenants.InvalidError
	if errors.As(err, &wrong) {
		return nil, badParameter(wrong.Field, wrong.Detail)
	}
	if err != nil {
		return nil, err
	}
	out := &auditOut{}
	out.Body.Next, out.Body.Items = page.Next, make([]auditBody, len(page.Past))
	for i, p := range page.Past {
		out.Body.Items[i] = auditBody{
			At: p.At.UTC(), By: p.By, Person: string(p.Actor.Person), Key: string(p.Actor.Key), Address: p.Actor.Address, Type: p.Type, Did: p.Did,
			Subject: p.Subject, Name: p.Name, Changes: []changeBody{},
		}
		for _, c := range p.Changes {
			out.Body.Items[i].Changes = append(out.Body.Items[i].Changes, changeBody(c))
		}
	}
	return out, nil
}
