package tenants

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func (e personArrived) tell(p *Past) {
	p.Did, p.Subject, p.Name = "signed in for the first time", string(e.ID), e.Name
	p.differ("e-mail", "", e.Email)
	p.differ("identity", "", e.Identity.words())
}

func (e identityLinked) words() string { return e.Subject + " at " + e.Issuer }

func (e identityLinked) tell(p *Past) {
	p.Did, p.Subject = "linked a way to sign in with the person", string(e.Person)
	p.differ("identity", "", e.words())
}

func (e identityUnlinked) tell(p *Past) {
	p.Did, p.Subject = "removed a way to sign in from the person", string(e.Person)
	p.differ("identity", e.Subject+" at "+e.Issuer, "")
}

func (e providerSet) tell(p *Past) {
	p.Did, p.Subject, p.Name = "changed the identity provider", string(e.ID), e.Name
	was := e.From
	if was == nil {
		p.Did, was = "set up the identity provider", &providerWas{}
	}
	p.differ("name", was.Name, e.Name)
	p.differ("issuer", was.Issuer, e.Issuer)
	p.differ("client id", was.ClientID, e.ClientID)
	p.differ("e-mail domains", strings.Join(was.Domains, ", "), strings.Join(e.Domains, ", "))
	p.differ("rules", rowWords(was.Rows), rowWords(e.Rows))
	if e.From != nil || e.Disabled {
		p.differ("state", stateWord(was.Disabled), stateWord(e.Disabled))
	}
}

func stateWord(disabled bool) string {
	if disabled {
		return "disabled"
	}
	return "enabled"
}

func rowWords(rows []RoleRow) string {
	words := make([]string, len(rows))
	for i, r := range rows {
		words[i] = r.Claim + " = " + r.Value + " → " + r.Role.String()
		if r.Tenant != "" {
			words[i] += " of " + string(r.Tenant)
		}
	}
	return strings.Join(words, "; ")
}

func (e providerRemoved) tell(p *Past) {
	p.Did, p.Subject, p.Name = "removed the identity provider", string(e.ID), e.Name
}

func (e passwordsSwitched) tell(p *Past) {
	p.Did, p.Subject = "allowed signing in with a password to", "the tenant"
	before, after := "off", "on"
	if e.Off {
		p.Did, before, after = "turned off signing in with a password to", after, before
	}
	p.differ("password sign-in", before, after)
}

func (e memberInvited) tell(p *Past) {
	p.Did, p.Subject, p.Name = "invited", string(e.ID), e.For
	p.differ("role", "", e.Role.String())
	p.differ("the link is valid until", "", e.Expires.UTC().Format(time.RFC3339))
}

func (e inviteRevoked) tell(p *Past) {
	p.Did, p.Subject, p.Name = "took back the invitation of", string(e.ID), e.For
}

func (e memberJoined) tell(p *Past) {
	p.Did, p.Subject = "joined with an invitation:", string(e.Person)
	p.differ("role", "", e.Role.String())
	if e.Via != "" {
		p.Did = "let in the member"
		p.differ("by the rules of the provider", "", string(e.Via))
	}
}

func (e memberChanged) tell(p *Past) {
	p.Did, p.Subject = "changed the role of", string(e.Person)
	p.differ("role", e.From.String(), e.To.String())
}

func (e signInFailed) tell(p *Past) {
	p.Did, p.Subject = "refused a sign-in of", string(e.Person)
	if e.Person == "" {
		p.Subject = "an unknown account"
	}
	p.differ("reason", "", e.Reason)
	p.differ("at the provider", "", string(e.Provider))
	if e.Others > 0 {
		p.differ("others that are not listed", "", strconv.FormatInt(e.Others, 10))
	}
}

func (e memberRemoved) tell(p *Past) {
	p.Did, p.Subject = "removed the member", string(e.Person)
	p.differ("role", e.Role.String(), "")
	if e.Via != "" {
		p.differ("reason", "", fmt.Sprintf("no rule of the provider %s gives a role any more", e.Via))
	}
}
