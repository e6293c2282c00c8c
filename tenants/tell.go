package tenants

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// tell of each event fills in what it did, in words, and what it made different. Nothing secret may be in them.

func (e personCreated) tell(p *Past) {
	p.Did, p.Subject, p.Name = "added the person", string(e.ID), e.Name
	p.differ("e-mail", "", e.Email)
}

func (e operatorGranted) tell(p *Past) {
	p.Did, p.Subject = "made an operator of the person", string(e.Person)
}

func (e tenantCreated) tell(p *Past) {
	p.Did, p.Subject, p.Name = "created the tenant", string(e.ID), e.Name
	p.differ("owner", "", string(e.Owner))
	p.differ("readings are kept for", "", fmt.Sprintf("%d days", e.RetainDays))
}

func (e keyCreated) tell(p *Past) {
	p.Did, p.Subject, p.Name = "made the API key", string(e.ID), e.Name
	p.differ("role", "", e.Role.String())
	p.differ("limited to", "", e.Scope.Words())
	if !e.Expires.IsZero() {
		p.differ("valid until", "", e.Expires.UTC().Format(time.RFC3339))
	}
}

func (e keyRevoked) tell(p *Past) { p.Did, p.Subject = "revoked the API key", string(e.ID) }

func (e deviceCreated) tell(p *Past) {
	p.Did, p.Subject, p.Name = "registered the device", string(e.ID), e.Name
	p.differ("interval", "", intervalWords(e.Interval))
	p.differ("site", "", e.Site)
	p.differ("profile", "", e.Profile)
	p.differLabels(nil, e.Labels)
	p.differ("token", "", devicePrefix+e.Token.ID+"…")
}

func (e deviceRenamed) tell(p *Past) {
	p.Did, p.Subject, p.Name = "renamed the device", string(e.ID), e.To
	p.differ("name", e.From, e.To)
}

func (e deviceLabelled) tell(p *Past) {
	p.Did, p.Subject = "changed the labels of the device", string(e.ID)
	p.differLabels(e.From, e.To)
}

func (e deviceTimed) tell(p *Past) {
	p.Did, p.Subject = "changed the expected interval of the device", string(e.ID)
	p.differ("interval", intervalWords(e.From), intervalWords(e.To))
}

func (e deviceSited) tell(p *Past) {
	p.Did, p.Subject = "changed the site of the device", string(e.ID)
	p.differ("site", e.From, e.To)
}

func (e deviceProfiled) tell(p *Past) {
	p.Did, p.Subject = "changed the profile of the device", string(e.ID)
	p.differ("profile", e.From, e.To)
}

func (e deviceSwitched) tell(p *Past) {
	p.Did, p.Subject = "enabled the device", string(e.ID)
	before, after := "disabled", "enabled"
	if e.Disabled {
		p.Did, before, after = "disabled the device", after, before
	}
	p.differ("state", before, after)
}

func (e tokenRotated) tell(p *Past) {
	p.Did, p.Subject = "replaced the token of the device", string(e.ID)
	p.differ("token", "", devicePrefix+e.Token.ID+"…")
	p.differ("the old token is valid until", "", e.OldUntil.UTC().Format(time.RFC3339))
}

func (e deviceDeleted) tell(p *Past) {
	p.Did, p.Subject, p.Name = "deleted the device", string(e.ID), e.Name
}

func (e deviceErased) tell(p *Past) {
	p.Did, p.Subject = "removed the data of the deleted device", string(e.ID)
	p.differ("readings", fmt.Sprint(e.Erased.Readings), "0")
	p.differ("events", fmt.Sprint(e.Erased.Events), "0")
}

func (e destinationCreated) tell(p *Past) {
	p.Did, p.Subject, p.Name = "created the destination", string(e.ID), e.Name
	p.differ("kind", "", e.Kind.String())
	p.differReach(reach{}, e.Reach)
}

func (e destinationRenamed) tell(p *Past) {
	p.Did, p.Subject, p.Name = "renamed the destination", string(e.ID), e.To
	p.differ("name", e.From, e.To)
}

func (e destinationSwitched) tell(p *Past) {
	p.Did, p.Subject = "enabled the destination", string(e.ID)
	before, after := "disabled", "enabled"
	if e.Disabled {
		p.Did, before, after = "disabled the destination", after, before
	}
	p.differ("state", before, after)
}

func (e destinationMoved) tell(p *Past) {
	p.Did, p.Subject = "changed the address of the destination", string(e.ID)
	p.differReach(e.From, e.To)
}

func (e destinationSecret) tell(p *Past) {
	p.Did, p.Subject = "replaced the signing secret of the destination", string(e.ID)
	p.differ("the old secret signs until", "", e.OldUntil.UTC().Format(time.RFC3339))
}

func (e destinationDeleted) tell(p *Past) {
	p.Did, p.Subject, p.Name = "deleted the destination", string(e.ID), e.Name
}

// differReach leaves out what stands behind the path of an address: it may be a token of the receiver.
func (p *Past) differReach(before, after reach) {
	p.differ("address", withoutQuery(before.URL), withoutQuery(after.URL))
	p.differ("recipients", strings.Join(before.To, ", "), strings.Join(after.To, ", "))
}

// hiddenQuery stands for the query of an address.
const hiddenQuery = "?…"

func withoutQuery(address string) string {
	if plain, _, cut := strings.Cut(address, "?"); cut {
		return plain + hiddenQuery
	}
	return address
}

func (e metricDescribed) tell(p *Past) {
	p.Did, p.Subject, p.Name = "changed the unit of the metric", e.Name, e.Name
	p.differ("unit", "", e.Unit)
}

func (p *Past) differ(what, before, after string) {
	if before != after {
		p.Changes = append(p.Changes, Difference{what, before, after})
	}
}

// differLabels lists the labels that are not as they were, by name.
func (p *Past) differLabels(before, after map[string]string) {
	names := maps.Clone(before)
	if names == nil {
		names = make(map[string]string, len(after))
	}
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		p.differ("label "+name, before[name], after[name])
	}
}

func intervalWords(d time.Duration) string {
	if d == 0 {
		return "learned"
	}
	return d.String()
}
