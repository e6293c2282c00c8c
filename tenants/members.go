package tenants

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"longwave/tenants/id"
)

const (
	// InviteLasts is how long an invitation can be used: over a weekend and a holiday.
	InviteLasts = 7 * 24 * time.Hour

	// maxInvites bounds the open invitations of one tenant.
	maxInvites = 200

	// maxMembers bounds the members of one tenant; the page lists them all.
	maxMembers = 5000
)

// NewInvite asks for an invitation.
type NewInvite struct {
	For  string // whom it is meant for
	Role Role
}

// Invite makes an invitation and the secret of its link, which is returned here and never again. It returns ErrNotFound,
// *InvalidError with the field "for" or "role", *LimitError and the errors of every command.
func (s *Service) Invite(ctx context.Context, actor Actor, t id.Tenant, n NewInvite) (Invite, string, error) {
	whom, err := checkName("for", n.For)
	if err != nil {
		return Invite{}, "", fmt.Errorf("invite: %w", err)
	}
	if _, err := ParseRole(n.Role.String()); err != nil {
		return Invite{}, "", fmt.Errorf("invite: %w", err)
	}
	secret, public, sum := mintToken(invitePrefix)
	made, err := id.Parse[id.Invite](publicInvitePrefix + public)
	if err != nil {
		return Invite{}, "", fmt.Errorf("invite: %w", err)
	}
	st, err := s.inTenant(ctx, actor, t, func(st *State, now time.Time) ([]event, error) {
		if len(st.Invites(t)) >= maxInvites {
			return nil, &LimitError{Name: "open invitations", Max: maxInvites}
		}
		return []event{memberInvited{ID: made, For: whom, Role: n.Role, Expires: now.Add(InviteLasts), Sum: sum[:]}}, nil
	})
	if err != nil {
		return Invite{}, "", fmt.Errorf("invite: %w", err)
	}
	found, ok := st.people.byInvite.Get(string(made))
	if !ok { // used or taken back in the same instant
		return Invite{}, "", fmt.Errorf("invite: %w", ErrConflict)
	}
	return found.Invite, secret, nil
}

// RevokeInvite makes an invitation worthless. It returns ErrNotFound and the errors of every command.
func (s *Service) RevokeInvite(ctx context.Context, actor Actor, t id.Tenant, i id.Invite) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		found, ok := st.people.invites.Get(key2(t, i))
		if !ok {
			return nil, fmt.Errorf("invitation: %w", ErrNotFound)
		}
		return []event{inviteRevoked{ID: i, For: found.For}}, nil
	})
	if err != nil {
		return fmt.Errorf("revoke invitation: %w", err)
	}
	return nil
}

// InviteByToken returns the invitation of a link. It returns ErrUnauthenticated for one that is not valid, was used, or
// whose time is over: the three are not told apart.
func (s *Service) InviteByToken(token string) (Invite, error) {
	public, _, sound := splitToken(token, invitePrefix)
	found, ok := s.State().people.byInvite.Get(publicInvitePrefix + public)
	if !ok || !sound {
		found = &openInvite{} // compared all the same
	}
	got := digestOf(token)
	if subtle.ConstantTimeCompare(got[:], found.sum[:]) != 1 || !ok || !s.now().Before(found.Expires) {
		return Invite{}, fmt.Errorf("invitation: %w", ErrUnauthenticated)
	}
	return found.Invite, nil
}

// Join uses an invitation for the person who acts. Somebody who is a member already gets the role of the invitation if it is
// more than theirs, and the link is used up. It returns ErrUnauthenticated for a link that does not work, ErrNotFound for
// an unknown person, *LimitError, and the errors of every command.
func (s *Service) Join(ctx context.Context, actor Actor, token string) (Invite, error) {
	invite, err := s.InviteByToken(token)
	if err != nil {
		return Invite{}, fmt.Errorf("join: %w", err)
	}
	t := invite.Tenant
	_, err = s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if _, open := st.people.invites.Get(key2(t, invite.ID)); !open {
			return nil, fmt.Errorf("invitation: %w", ErrUnauthenticated)
		}
		if _, ok := st.Person(actor.Person); !ok {
			return nil, fmt.Errorf("person: %w", ErrNotFound)
		}
		have, member := st.Member(t, actor.Person)
		switch {
		case member && have.Role >= invite.Role:
			return []event{inviteRevoked{ID: invite.ID, For: invite.For}}, nil
		case member:
			return []event{inviteRevoked{ID: invite.ID, For: invite.For}, memberChanged{Person: actor.Person, From: have.Role, To: invite.Role}}, nil
		case len(st.Members(t)) >= maxMembers:
			return nil, &LimitError{Name: "members", Max: maxMembers}
		}
		return []event{memberJoined{Person: actor.Person, Role: invite.Role, Invite: invite.ID}}, nil
	})
	if err != nil {
		return Invite{}, fmt.Errorf("join: %w", err)
	}
	return invite, nil
}

// NewAccount is what somebody without an account types who follows an invitation.
type NewAccount struct{ Email, Name, Password string }

// String leaves the password out.
func (n NewAccount) String() string { return n.Email }

// GoString leaves the password out.
func (n NewAccount) GoString() string { return n.String() }

// SignUp makes the account of somebody who has a valid invitation, which it does not use up. It returns ErrUnauthenticated
// for a link that does not work, *InvalidError with the field "email", "name" or "password", a *DelayError when too many
// passwords are being hashed, and the errors of every command.
func (s *Service) SignUp(ctx context.Context, actor Actor, token string, n NewAccount) (Person, error) {
	if _, err := s.InviteByToken(token); err != nil {
		return Person{}, fmt.Errorf("sign up: %w", err)
	}
	n, err := n.check()
	if err != nil {
		return Person{}, fmt.Errorf("sign up: %w", err)
	}
	hash, err := s.hasher.hash(ctx, n.Password)
	if err != nil {
		return Person{}, fmt.Errorf("sign up: %w", err)
	}
	made := id.New[id.Person]()
	actor.Person = made
	st, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		if _, err := s.InviteByToken(token); err != nil { // used meanwhile: one link makes one account
			return nil, err
		}
		if _, exists := st.emails.Get(foldText(n.Email)); exists {
			return nil, &InvalidError{Field: "email", Detail: "cannot be used; if you have an account with it, sign in first and open the link again", taken: true}
		}
		return []event{personCreated{ID: made, Email: n.Email, Name: n.Name, Password: hash}}, nil
	})
	if err != nil {
		return Person{}, fmt.Errorf("sign up: %w", err)
	}
	person, _ := st.Person(made)
	return person, nil
}

func (n NewAccount) check() (_ NewAccount, err error) {
	if n.Email, err = checkEmail("email", n.Email); err != nil {
		return n, err
	}
	local, _, _ := strings.Cut(n.Email, "@")
	if strings.TrimSpace(n.Name) == "" {
		n.Name = local
	}
	if n.Name, err = checkName("name", n.Name); err != nil {
		return n, err
	}
	return n, checkPassword(n.Password, n.Email, local, n.Name)
}

// ChangeMember gives a member another role. From then on it is a person's decision, which a provider's rules do not touch.
// It returns ErrNotFound, *InvalidError for the role, ErrLastOwner, and the errors of every command.
func (s *Service) ChangeMember(ctx context.Context, actor Actor, t id.Tenant, to Member) error {
	if _, err := ParseRole(to.Role.String()); err != nil {
		return fmt.Errorf("change member: %w", err)
	}
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		have, ok := st.Member(t, to.Person)
		switch {
		case !ok:
			return nil, fmt.Errorf("member: %w", ErrNotFound)
		case have.Role == to.Role && have.Via == "":
			return nil, nil
		case have.Role == Owner && to.Role != Owner && st.owners(t) == 1:
			return nil, ErrLastOwner
		}
		return []event{memberChanged{Person: to.Person, From: have.Role, To: to.Role}}, nil
	})
	if err != nil {
		return fmt.Errorf("change member: %w", err)
	}
	return nil
}

// RemoveMember ends a membership, at once everywhere; a person may end the own one. It returns ErrNotFound, ErrLastOwner and
// the errors of every command.
func (s *Service) RemoveMember(ctx context.Context, actor Actor, t id.Tenant, p id.Person) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		have, ok := st.Member(t, p)
		switch {
		case !ok:
			return nil, fmt.Errorf("member: %w", ErrNotFound)
		case have.Role == Owner && st.owners(t) == 1:
			return nil, ErrLastOwner
		}
		return []event{memberRemoved{Person: p, Role: have.Role}}, nil
	})
	if err != nil {
		return fmt.Errorf("remove member: %w", err)
	}
	return nil
}

// Transfer makes another member an owner and the one who acts an editor, in one step. It returns ErrNotFound when one of the
// two is no member, ErrForbidden when the one who acts is no owner, and the errors of every command.
func (s *Service) Transfer(ctx context.Context, actor Actor, t id.Tenant, to id.Person) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		from, ok := st.Member(t, actor.Person)
		heir, known := st.Member(t, to)
		switch {
		case !ok || !known || to == actor.Person:
			return nil, fmt.Errorf("member: %w", ErrNotFound)
		case from.Role != Owner:
			return nil, ErrForbidden
		}
		step := memberChanged{Person: actor.Person, From: Owner, To: Editor}
		if heir.Role == Owner {
			return []event{step}, nil
		}
		return []event{memberChanged{Person: to, From: heir.Role, To: Owner}, step}, nil
	})
	if err != nil {
		return fmt.Errorf("transfer: %w", err)
	}
	return nil
}
