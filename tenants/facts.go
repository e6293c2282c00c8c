package tenants

import (
	"strconv"
	"strings"
	"time"

	"longwave/tenants/alertrule"
	"longwave/tenants/dashboard"
	"longwave/tenants/rule"
)

// facts are what is true of one thing, in the words in which its changes are told, and in the order in which it became so.
// Nothing secret can be among them, since nothing secret is told.
type facts struct {
	exists bool
	values map[string]string
	order  []string
	text   string
}

func newFacts() *facts { return &facts{values: map[string]string{}} }

// standing is an event from which follows more, or less, for what a thing is than what it made different.
type standing interface{ stand(f *facts) }

// take applies one change.
func (f *facts) take(e event, p Past) {
	if own, ok := e.(standing); ok {
		own.stand(f)
		return
	}
	f.exists = true
	f.differ(p)
}

func (f *facts) differ(p Past) {
	for _, c := range p.Changes {
		f.set(c.What, c.After)
	}
}

// lead keeps what was so before the first of the changes that came later.
func (f *facts) lead(e event, p Past) {
	if _, own := e.(standing); own {
		return
	}
	for _, c := range p.Changes {
		if _, known := f.values[c.What]; !known {
			f.values[c.What] = c.Before
			f.order = append(f.order, c.What)
		}
	}
}

// complete adds what is only known because it was changed later.
func (f *facts) complete(before *facts) {
	for _, what := range before.order {
		if _, known := f.values[what]; !known && before.values[what] != "" {
			f.set(what, before.values[what])
		}
	}
}

// set says what is true from now on; empty takes it away.
func (f *facts) set(what, value string) {
	if _, known := f.values[what]; !known {
		f.order = append(f.order, what)
	}
	f.values[what] = value
}

// clear takes away what begins with a prefix.
func (f *facts) clear(prefix string) {
	for what := range f.values {
		if strings.HasPrefix(what, prefix) {
			f.values[what] = ""
		}
	}
}

// anew takes away what was written, for what is written anew.
func (f *facts) anew() {
	position := f.values["position"]
	f.clear("")
	f.set("position", position)
}

func (f *facts) list() []Fact {
	var list []Fact
	for _, what := range f.order {
		if value := f.values[what]; value != "" {
			list = append(list, Fact{what, value})
		}
	}
	return list
}

// told is what an event says of itself, for those that add to it.
func told(e event) Past {
	var p Past
	e.tell(&p)
	return p
}

// begin is take for what is made, and is in a state that is not worth a word then.
func (f *facts) begin(e event) {
	f.exists = true
	f.differ(told(e))
	f.set("state", "enabled")
}

func (f *facts) end() { f.exists = false }

func (e deviceCreated) stand(f *facts)      { f.begin(e) }
func (e destinationCreated) stand(f *facts) { f.begin(e) }

func (deviceDeleted) stand(f *facts)      { f.end() }
func (destinationDeleted) stand(f *facts) { f.end() }
func (ruleDeleted) stand(f *facts)        { f.end() }
func (alertRuleDeleted) stand(f *facts)   { f.end() }
func (dashboardDeleted) stand(f *facts)   { f.end() }
func (providerRemoved) stand(f *facts)    { f.end() }
func (keyRevoked) stand(f *facts)         { f.end() }
func (trustRemoved) stand(f *facts)       { f.end() }
func (memberRemoved) stand(f *facts)      { f.end() }
func (inviteRevoked) stand(f *facts)      { f.end() }
func (silenceEnded) stand(f *facts)       { f.end() }
func (tenantDeleted) stand(f *facts)      { f.end() }

func (dashboardUndeleted) stand(f *facts) { f.exists = true }
func (alertRuleRevived) stand(f *facts)   { f.exists = true }

// These happened in connection with a thing and say nothing of what it is.
func (deviceErased) stand(*facts) {}
func (recoveryMade) stand(*facts) {}
func (signInFailed) stand(*facts) {}
func (sightNoted) stand(*facts)   {}
func (dataExported) stand(*facts) {}

func (e supportOpened) stand(f *facts) {
	f.set("support access until", e.Until.UTC().Format(time.RFC3339))
}

func (supportEnded) stand(f *facts) { f.clear("support access until") }

// A device may have several certificates.
func (e certificateAdded) stand(f *facts) { f.set(certificateFact(e.Thumbprint), e.Subject) }

func (e certificateRemoved) stand(f *facts) { f.set(certificateFact(e.Thumbprint), "") }

// certificateFact names a certificate by as much of its thumbprint as tells it from the others of a device.
func certificateFact(thumbprint string) string {
	return "certificate " + thumbprint[:min(len(thumbprint), 12)] + "…"
}

// A person may sign in in several ways.
func (e personArrived) stand(f *facts) {
	f.exists = true
	f.set("name", e.Name)
	f.set("e-mail", e.Email)
	e.Identity.stand(f)
}

func (e identityLinked) stand(f *facts)   { f.set("identity "+e.words(), "linked") }
func (e identityUnlinked) stand(f *facts) { f.clear("identity " + e.Subject + " at " + e.Issuer) }

func (operatorGranted) stand(f *facts) { f.set("operator", "yes") }

func (operatorRevoked) stand(f *facts) {
	f.clear("operator")
	f.clear("tenants")
	f.clear("scope")
}

func (e tenantSuspended) stand(f *facts) { f.set("state", "suspended: "+e.Reason) }
func (tenantResumed) stand(f *facts)     { f.set("state", "open") }

// drafted begins the names of what is written and does not run.
const drafted = "draft: "

func (e ruleDrafted) stand(f *facts) { f.rule(drafted, e.To) }

func (e ruleEnabled) stand(f *facts) {
	f.anew()
	f.rule("", e.To)
	f.set("state", "enabled, version "+strconv.Itoa(e.Version))
}

func (ruleDisabled) stand(f *facts) { f.set("state", "disabled") }

func (e ruleMoved) stand(f *facts) { f.set("position", strconv.Itoa(e.To)) }

func (f *facts) rule(prefix string, r rule.Rule) {
	var p Past
	p.differRules(nil, r)
	f.whole(prefix, p)
}

// whole replaces everything that is known under a prefix.
func (f *facts) whole(prefix string, p Past) {
	f.exists = true
	if prefix != "" {
		f.clear(prefix)
	}
	for _, c := range p.Changes {
		f.set(prefix+c.What, c.After)
	}
}

func (e alertRuleDrafted) stand(f *facts) { f.alertRule(drafted, e.To) }

func (e alertRuleStarted) stand(f *facts) {
	f.anew()
	f.alertRule("", e.To)
	f.set("state", string(e.To.Mode)+", version "+strconv.Itoa(e.To.Version))
}

func (alertRulePaused) stand(f *facts) { f.set("state", "paused") }

func (f *facts) alertRule(prefix string, r alertrule.Rule) {
	var p Past
	p.differAlertRules(nil, r)
	f.whole(prefix, p)
}

func (e dashboardSaved) stand(f *facts) {
	f.exists = true
	f.set("name", e.Name)
	f.set("version", strconv.Itoa(e.Version))
	f.set("widgets", strconv.Itoa(len(e.Document.Widgets)))
	text, err := dashboard.Export(dashboard.File{ID: e.ID, Name: e.Name, Document: e.Document})
	if err == nil { // it was checked when it was saved
		f.text = string(text)
	}
}
