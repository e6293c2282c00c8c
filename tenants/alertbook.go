package tenants

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// AlertRule is an alert rule of a tenant with what became of it. What it points to is shared between all readers: never
// change it.
type AlertRule struct {
	ID      id.AlertRule
	Draft   *alertrule.Rule // what is written and not yet running; nil when there is none
	Live    *alertrule.Rule // the version that ran last, with its mode; nil when none ever did
	Mode    alertrule.Mode  // draft before the first version
	Version int             // of Live, the first being 1; every start makes a new one
	Changed time.Time
}

// Current is the rule as it is to be shown: the draft, or else what ran last.
func (r *AlertRule) Current() alertrule.Rule {
	if r.Draft != nil {
		return *r.Draft
	}
	return *r.Live
}

// alertBook is the alert rules of one tenant, in the order in which they were first written. It never changes; what runs is
// made when it is first needed.
type alertBook struct {
	list    []*AlertRule
	gather  sync.Once
	running []alertrule.Rule
}

func (b *alertBook) find(r id.AlertRule) int {
	return slices.IndexFunc(b.list, func(have *AlertRule) bool { return have.ID == r })
}

func (b *alertBook) values() []AlertRule {
	list := make([]AlertRule, len(b.list))
	for i, r := range b.list {
		list[i] = *r
	}
	return list
}

func newAlertBook(list []AlertRule) *alertBook {
	b := &alertBook{list: make([]*AlertRule, len(list))}
	for i := range list {
		b.list[i] = &list[i]
	}
	return b
}

// AlertRules lists the alert rules of a tenant, in the order in which they were first written.
func (s *State) AlertRules(t id.Tenant) []AlertRule {
	b, ok := s.alertRules.Get(string(t))
	if !ok {
		return nil
	}
	return b.values()
}

// AlertRule returns one alert rule; false if the tenant has none of that id.
func (s *State) AlertRule(t id.Tenant, r id.AlertRule) (AlertRule, bool) {
	b, ok := s.alertRules.Get(string(t))
	if !ok {
		return AlertRule{}, false
	}
	i := b.find(r)
	if i < 0 {
		return AlertRule{}, false
	}
	return *b.list[i], true
}

// RunningAlertRules are the rules of a tenant that are evaluated, with their ids, modes and versions. It is the same slice
// until an alert rule of the tenant changes; nobody may change it.
func (s *State) RunningAlertRules(t id.Tenant) []alertrule.Rule {
	b, ok := s.alertRules.Get(string(t))
	if !ok {
		return nil
	}
	b.gather.Do(func() {
		for _, r := range b.list {
			if r.Mode.Evaluated() {
				b.running = append(b.running, *r.Live)
			}
		}
	})
	return b.running
}

// AlertDevice is the device as alert rules see it; for one that is no more only its id.
func (s *State) AlertDevice(t id.Tenant, d id.Device) alertrule.Device {
	found, _ := s.Device(t, d)
	return alertrule.Device{ID: d, Name: found.Name, Profile: found.Profile, Site: found.Site, Labels: found.Labels, Interval: found.Interval}
}

// Matching counts the devices of a tenant that a selector is about, and returns the first of them, up to limit.
func (s *State) Matching(t id.Tenant, of alertrule.Selector, limit int) (first []Device, count int) {
	for d := range s.Devices(t, "") {
		seen := alertrule.Device{ID: d.ID, Name: d.Name, Profile: d.Profile, Site: d.Site, Labels: d.Labels, Interval: d.Interval}
		if !of.Matches(&seen) {
			continue
		}
		if count++; len(first) < limit {
			first = append(first, d)
		}
	}
	return first, count
}

type (
	alertRuleDrafted struct {
		From *alertrule.Rule `json:"from,omitempty"` // the draft before, or what ran
		To   alertrule.Rule  `json:"to"`
	}
	alertRuleStarted struct {
		From   *alertrule.Rule `json:"from,omitempty"` // the version before
		To     alertrule.Rule  `json:"to"`             // with its mode and version
		Reason string          `json:"reason"`
	}
	alertRulePaused struct {
		ID     id.AlertRule `json:"id"`
		Name   string       `json:"name"`
		Reason string       `json:"reason,omitempty"`
	}
	// alertRuleDeleted keeps everything, so that it can be taken back.
	alertRuleDeleted struct {
		ID      id.AlertRule    `json:"id"`
		Draft   *alertrule.Rule `json:"draft,omitempty"`
		Live    *alertrule.Rule `json:"live,omitempty"`
		Mode    alertrule.Mode  `json:"mode"`
		Version int             `json:"version"`
	}
	alertRuleRevived struct {
		Rule alertRuleDeleted `json:"rule"`
	}
)

// changeAlertRules puts a new book in place of a tenant's.
func (s *State) changeAlertRules(t id.Tenant, edit func([]*AlertRule) ([]*AlertRule, error)) error {
	if _, ok := s.tenants.Get(string(t)); !ok {
		return contradiction("there is no tenant %q", t)
	}
	var list []*AlertRule
	if b, ok := s.alertRules.Get(string(t)); ok {
		list = slices.Clone(b.list)
	}
	list, err := edit(list)
	if err != nil {
		return err
	}
	s.alertRules.Set(string(t), &alertBook{list: list})
	return nil
}

// changeAlertRule replaces one rule by a changed one.
func (s *State) changeAlertRule(at stamp, r id.AlertRule, edit func(*AlertRule)) error {
	return s.changeAlertRules(at.tenant, func(list []*AlertRule) ([]*AlertRule, error) {
		i := (&alertBook{list: list}).find(r)
		if i < 0 {
			return nil, contradiction("there is no alert rule %s", r)
		}
		changed := *list[i]
		changed.Changed = at.at
		edit(&changed)
		list[i] = &changed
		return list, nil
	})
}

func (e alertRuleDrafted) apply(s *State, at stamp) error {
	if _, exists := s.AlertRule(at.tenant, e.To.ID); exists {
		return s.changeAlertRule(at, e.To.ID, func(r *AlertRule) {
			r.Draft = &e.To
			if r.Live != nil && sameAlertRule(*r.Live, e.To) { // written back to what runs: there is nothing to start
				r.Draft = nil
			}
		})
	}
	return s.changeAlertRules(at.tenant, func(list []*AlertRule) ([]*AlertRule, error) {
		return append(list, &AlertRule{ID: e.To.ID, Draft: &e.To, Mode: alertrule.Draft, Changed: at.at}), nil
	})
}

func (e alertRuleStarted) apply(s *State, at stamp) error {
	return s.changeAlertRule(at, e.To.ID, func(r *AlertRule) {
		r.Draft, r.Live, r.Mode, r.Version = nil, &e.To, e.To.Mode, e.To.Version
	})
}

func (e alertRulePaused) apply(s *State, at stamp) error {
	return s.changeAlertRule(at, e.ID, func(r *AlertRule) { r.Mode = alertrule.Paused })
}

func (e alertRuleDeleted) apply(s *State, at stamp) error {
	return s.changeAlertRules(at.tenant, func(list []*AlertRule) ([]*AlertRule, error) {
		i := (&alertBook{list: list}).find(e.ID)
		if i < 0 {
			return nil, contradiction("there is no alert rule %s", e.ID)
		}
		return slices.Delete(list, i, i+1), nil
	})
}

func (e alertRuleRevived) apply(s *State, at stamp) error {
	old := e.Rule
	if _, exists := s.AlertRule(at.tenant, old.ID); exists || old.Draft == nil && old.Live == nil {
		return contradiction("alert rule %s cannot come back", old.ID)
	}
	return s.changeAlertRules(at.tenant, func(list []*AlertRule) ([]*AlertRule, error) {
		return append(list, &AlertRule{ID: old.ID, Draft: old.Draft, Live: old.Live, Mode: old.Mode, Version: old.Version, Changed: at.at}), nil
	})
}

func (e alertRuleDrafted) tell(p *Past) {
	p.Did, p.Subject, p.Name, p.Text = "wrote a draft of the alert rule", string(e.To.ID), e.To.Name, true
	p.differAlertRules(e.From, e.To)
}

func (e alertRuleStarted) tell(p *Past) {
	verb := "enabled"
	if e.To.Mode == alertrule.Shadow {
		verb = "started in shadow"
	}
	p.Did, p.Subject, p.Name, p.Text = verb+" version "+strconv.Itoa(e.To.Version)+" of the alert rule", string(e.To.ID), e.To.Name, true
	p.differ("why", "", e.Reason)
	p.differAlertRules(e.From, e.To)
}

func (e alertRulePaused) tell(p *Past) {
	p.Did, p.Subject, p.Name = "paused the alert rule", string(e.ID), e.Name
	p.differ("why", "", e.Reason)
}

func (e alertRuleDeleted) tell(p *Past) {
	p.Did, p.Subject, p.Name = "deleted the alert rule", string(e.ID), e.name()
}

func (e alertRuleRevived) tell(p *Past) {
	p.Did, p.Subject, p.Name = "took back the deletion of the alert rule", string(e.Rule.ID), e.Rule.name()
}

func (e alertRuleDeleted) name() string {
	for _, text := range []*alertrule.Rule{e.Draft, e.Live} {
		if text != nil {
			return text.Name
		}
	}
	return ""
}

// differAlertRules lists what is different about an alert rule.
func (p *Past) differAlertRules(from *alertrule.Rule, to alertrule.Rule) {
	var before alertrule.Rule
	if from != nil {
		before = *from
	}
	p.differ("name", before.Name, to.Name)
	p.differ("note", before.Note, to.Note)
	p.differ("devices", aboutWords(from, before), selectorWords(to.Selector, nil))
	p.differ("no data", noDataWords(before), noDataWords(to))
	for severity := alertrule.Critical; severity > alertrule.None; severity-- {
		p.differ(severity.String(), levelWords(before, severity), levelWords(to, severity))
	}
	p.differ("message", before.Message, to.Message)
	p.differ("notify", notifyWords(before.Notify), notifyWords(to.Notify))
}

func aboutWords(known *alertrule.Rule, r alertrule.Rule) string {
	if known == nil {
		return ""
	}
	return selectorWords(r.Selector, nil)
}

func noDataWords(r alertrule.Rule) string {
	switch {
	case r.Kind != alertrule.NoData:
		return ""
	case r.After == 0:
		return strings.TrimSpace("of " + r.Metric + " after three expected intervals")
	}
	return strings.TrimSpace("of " + r.Metric + " after " + r.After.String())
}

// levelWords is a level as it is written, which says everything; empty when the rule has none of that severity.
func levelWords(r alertrule.Rule, severity alertrule.Severity) string {
	i := slices.IndexFunc(r.Levels, func(l alertrule.Level) bool { return l.Severity == severity })
	if i < 0 {
		return ""
	}
	return r.Levels[i].Sentence()
}

func notifyWords(n alertrule.Notify) string {
	var words []string
	for _, step := range n.Steps {
		text := destinationWords(step.Destinations)
		if step.After > 0 {
			text = "after " + step.After.String() + " " + text
		}
		words = append(words, text)
	}
	if n.Repeat > 0 {
		words = append(words, "again every "+n.Repeat.String())
	}
	if n.GroupBy != "" {
		words = append(words, "grouped by "+string(n.GroupBy))
	}
	return strings.Join(words, "; ")
}

// sameAlertRule compares what is written, not what became of it.
func sameAlertRule(a, b alertrule.Rule) bool {
	a.Mode, a.Version, b.Mode, b.Version = "", 0, "", 0
	left, err := json.Marshal(a)
	right, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(left) == string(right)
}
