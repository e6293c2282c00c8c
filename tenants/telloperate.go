package tenants

import (
	"strconv"
	"strings"
	"time"

	"longwave/tenants/id"
)

func (e tenantRenamed) tell(p *Past) {
	p.Did, p.Subject, p.Name = "renamed", "the tenant", e.To
	p.differ("name", e.From, e.To)
}

func (e tenantSuspended) tell(p *Past) {
	p.Did, p.Subject = "suspended", "the tenant"
	p.differ("reason", "", e.Reason)
}

func (tenantResumed) tell(p *Past) { p.Did, p.Subject = "let everybody back into", "the tenant" }

func (e consentSwitched) tell(p *Past) {
	p.Did, p.Subject = "allowed operators to look at the data of", "the tenant"
	before, after := "off", "on"
	if !e.On {
		p.Did, before, after = "ended that operators may look at the data of", after, before
	}
	p.differ("standing consent", before, after)
}

func (e supportOpened) tell(p *Past) {
	p.Did, p.Subject = "opened support access for", string(e.Person)
	p.differ("reason", "", e.Reason)
	p.differ("until", "", e.Until.UTC().Format(time.RFC3339))
}

func (e supportEnded) tell(p *Past) {
	p.Did, p.Subject = "ended the support access of", string(e.Person)
}

func (e deletionOrdered) tell(p *Past) {
	p.Did, p.Subject, p.Name = "began to delete the tenant", string(e.Tenant), e.Name
	for _, c := range e.Counts {
		p.differ(c.Name, strconv.FormatUint(c.Number, 10), "")
	}
}

func (e tenantDeleted) tell(p *Past) {
	p.Did, p.Subject, p.Name = "deleted", "the tenant", e.Name
}

func (e tenantErased) tell(p *Past) {
	p.Did, p.Subject, p.Name = "removed the data of the deleted tenant", string(e.Tenant), e.Name
	for _, c := range e.Counts {
		p.Changes = append(p.Changes, Difference{What: c.Name, Before: strconv.FormatUint(c.Removed, 10), After: strconv.FormatUint(c.Left, 10)})
	}
}

func (e operatorScoped) tell(p *Past) {
	p.Did, p.Subject = "changed what is overseen by the operator", string(e.Person)
	p.differ("tenants", tenantWords(e.From), tenantWords(e.To))
	if !e.Limited {
		p.differ("scope", "some tenants", "everything")
	}
}

func tenantWords(list []id.Tenant) string {
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = string(t)
	}
	return strings.Join(words, ", ")
}

func (e operatorRevoked) tell(p *Past) {
	p.Did, p.Subject = "is an operator no more:", string(e.Person)
}

func (e operatorKeyCreated) tell(p *Past) {
	p.Did, p.Subject, p.Name = "made the operator's key", string(e.ID), e.Name
	p.differ("may", "", e.Reach.String())
	p.differ("valid until", "", e.Expires.UTC().Format(time.RFC3339))
}

func (e operatorKeyRevoked) tell(p *Past) {
	p.Did, p.Subject, p.Name = "revoked the operator's key", string(e.ID), e.Name
}
