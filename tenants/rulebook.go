package tenants

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// Rule is a routing rule of a tenant with what became of it. What it points to is shared between all readers: never
// change it.
type Rule struct {
	ID      id.Rule
	Draft   *rule.Rule // what is written and not yet enabled; nil when there is none
	Live    *rule.Rule // the version that was enabled last; nil when none ever was
	Enabled bool       // Live decides about packets
	Version int        // of Live, the first being 1
	Changed time.Time
}

// Current is the rule as it is to be shown: the draft, or else what was enabled last.
func (r *Rule) Current() rule.Rule {
	if r.Draft != nil {
		return *r.Draft
	}
	return *r.Live
}

// ruleBook is the routing rules of one tenant, in their order. It never changes; the set is made when it is first needed,
// because most of what a start folds is never asked for.
type ruleBook struct {
	list    []*Rule
	compile sync.Once
	set     *rule.Set
}

func newRuleBook(list []Rule) *ruleBook {
	b := &ruleBook{list: make([]*Rule, len(list))}
	for i := range list {
		b.list[i] = &list[i]
	}
	return b
}

func (b *ruleBook) values() []Rule {
	list := make([]Rule, len(b.list))
	for i, r := range b.list {
		list[i] = *r
	}
	return list
}

func (b *ruleBook) find(r id.Rule) int {
	return slices.IndexFunc(b.list, func(have *Rule) bool { return have.ID == r })
}

// enabled are the rules that decide, in their order.
func (b *ruleBook) enabled() (list []rule.Rule) {
	for _, r := range b.list {
		if r.Enabled {
			list = append(list, *r.Live)
		}
	}
	return list
}

// Rules lists the routing rules of a tenant, in their order.
func (s *State) Rules(t id.Tenant) []Rule {
	b, ok := s.rules.Get(string(t))
	if !ok {
		return nil
	}
	return b.values()
}

// Rule returns one routing rule; false if the tenant has none of that id.
func (s *State) Rule(t id.Tenant, r id.Rule) (Rule, bool) {
	b, ok := s.rules.Get(string(t))
	if !ok {
		return Rule{}, false
	}
	i := b.find(r)
	if i < 0 {
		return Rule{}, false
	}
	return *b.list[i], true
}

// RuleSet is the enabled rules of a tenant, ready to decide; nil when there are none. It is the same value until a rule
// of the tenant changes.
func (s *State) RuleSet(t id.Tenant) *rule.Set {
	b, ok := s.rules.Get(string(t))
	if !ok {
		return nil
	}
	b.compile.Do(func() {
		list := b.enabled()
		if len(list) == 0 {
			return
		}
		if set, err := rule.Compile(list); err == nil { // every command that enables a rule has compiled the same list
			b.set = set
		}
	})
	return b.set
}

// TrialSet is the set that the tenant would have with this rule enabled: in its place, or behind all others when it is
// new; and which rule of the set it is. It returns an *InvalidError for a rule that could not be enabled.
func (s *State) TrialSet(t id.Tenant, next rule.Rule) (set *rule.Set, at int, err error) {
	if next, err = checkRule(next); err != nil {
		return nil, 0, err
	}
	if next.ID == "" {
		next.ID = "r-new"
	}
	list := s.enabledWith(t, next)
	if set, err = rule.Compile(list); err != nil {
		return nil, 0, inWords(err)
	}
	return set, slices.IndexFunc(list, func(r rule.Rule) bool { return r.ID == next.ID }), nil
}

// enabledWith is the enabled rules with the given one in its place.
func (s *State) enabledWith(t id.Tenant, next rule.Rule) []rule.Rule {
	var list []rule.Rule
	placed := false
	if b, ok := s.rules.Get(string(t)); ok {
		for _, r := range b.list {
			switch {
			case r.ID == next.ID:
				list, placed = append(list, next), true
			case r.Enabled:
				list = append(list, *r.Live)
			}
		}
	}
	if !placed {
		list = append(list, next)
	}
	return list
}

// Sender is the device as rules see it; for one that is no more only its id.
func (s *State) Sender(t id.Tenant, d id.Device) rule.Sender {
	device, _ := s.Device(t, d)
	return rule.Sender{Device: d, Profile: device.Profile, Site: device.Site, Labels: device.Labels}
}

// changeRules puts a new book in place of a tenant's.
func (s *State) changeRules(t id.Tenant, edit func(list []*Rule) ([]*Rule, error)) error {
	if _, ok := s.tenants.Get(string(t)); !ok {
		return contradiction("there is no tenant %q", t)
	}
	var list []*Rule
	if b, ok := s.rules.Get(string(t)); ok {
		list = slices.Clone(b.list)
	}
	list, err := edit(list)
	if err != nil {
		return err
	}
	s.rules.Set(string(t), &ruleBook{list: list})
	return nil
}

// changeRule replaces one rule by a changed one.
func (s *State) changeRule(t id.Tenant, r id.Rule, edit func(*Rule)) error {
	return s.changeRules(t, func(list []*Rule) ([]*Rule, error) {
		i := (&ruleBook{list: list}).find(r)
		if i < 0 {
			return nil, contradiction("there is no rule %s", r)
		}
		changed := *list[i]
		edit(&changed)
		list[i] = &changed
		return list, nil
	})
}

func (e ruleDrafted) apply(s *State, at stamp) error {
	if _, exists := s.Rule(at.tenant, e.To.ID); exists {
		return s.changeRule(at.tenant, e.To.ID, func(r *Rule) {
			r.Draft, r.Changed = &e.To, at.at
			if r.Live != nil && sameRule(*r.Live, e.To) { // written back to what is enabled: there is nothing to enable
				r.Draft = nil
			}
		})
	}
	return s.changeRules(at.tenant, func(list []*Rule) ([]*Rule, error) {
		return append(list, &Rule{ID: e.To.ID, Draft: &e.To, Changed: at.at}), nil
	})
}

func (e ruleEnabled) apply(s *State, at stamp) error {
	return s.changeRule(at.tenant, e.To.ID, func(r *Rule) {
		r.Draft, r.Live, r.Enabled, r.Version, r.Changed = nil, &e.To, true, e.Version, at.at
	})
}

func (e ruleDisabled) apply(s *State, at stamp) error {
	return s.changeRule(at.tenant, e.ID, func(r *Rule) { r.Enabled, r.Changed = false, at.at })
}

func (e ruleMoved) apply(s *State, at stamp) error {
	return s.changeRules(at.tenant, func(list []*Rule) ([]*Rule, error) {
		from := (&ruleBook{list: list}).find(e.ID)
		if from < 0 || e.To < 1 || e.To > len(list) {
			return nil, contradiction("rule %s cannot move to %d", e.ID, e.To)
		}
		moved := list[from]
		return slices.Insert(slices.Delete(list, from, from+1), e.To-1, moved), nil
	})
}

func (e ruleDeleted) apply(s *State, at stamp) error {
	return s.changeRules(at.tenant, func(list []*Rule) ([]*Rule, error) {
		i := (&ruleBook{list: list}).find(e.ID)
		if i < 0 {
			return nil, contradiction("there is no rule %s", e.ID)
		}
		return slices.Delete(list, i, i+1), nil
	})
}

func (e ruleDrafted) tell(p *Past) {
	p.Did, p.Subject, p.Name, p.Text = "wrote a draft of the rule", string(e.To.ID), e.To.Name, true
	p.differRules(e.From, e.To)
}

func (e ruleEnabled) tell(p *Past) {
	p.Did, p.Subject, p.Name, p.Text = "enabled version "+strconv.Itoa(e.Version)+" of the rule", string(e.To.ID), e.To.Name, true
	p.differ("why", "", e.Reason)
	p.differRules(e.From, e.To)
}

func (e ruleDisabled) tell(p *Past) {
	p.Did, p.Subject, p.Name = "disabled the rule", string(e.ID), e.Name
	p.differ("why", "", e.Reason)
	p.differ("state", "enabled", "disabled")
}

func (e ruleMoved) tell(p *Past) {
	p.Did, p.Subject, p.Name = "moved the rule", string(e.ID), e.Name
	p.differ("position", strconv.Itoa(e.From), strconv.Itoa(e.To))
}

func (e ruleDeleted) tell(p *Past) {
	p.Did, p.Subject, p.Name = "deleted the rule", string(e.ID), e.Name
	p.differ("why", "", e.Reason)
}

// differRules lists what is different about a rule.
func (p *Past) differRules(from *rule.Rule, to rule.Rule) {
	var before rule.Rule
	if from != nil {
		before = *from
	}
	p.differ("name", before.Name, to.Name)
	p.differ("when", before.When, to.When)
	p.differ("lane", before.Then.Lane, to.Then.Lane)
	p.differ("keep", keepWords(from != nil, before.Then), keepWords(true, to.Then))
	p.differ("forward to", destinationWords(before.Then.Forward), destinationWords(to.Then.Forward))
	p.differLabels(before.Then.Labels, to.Then.Labels)
}

func keepWords(known bool, t rule.Then) string {
	switch {
	case !known:
		return ""
	case t.Drop:
		return "none"
	case t.OneIn > 1:
		return "one in " + strconv.Itoa(t.OneIn)
	default:
		return "all"
	}
}

func destinationWords(list []id.Destination) string {
	words := make([]string, len(list))
	for i, d := range list {
		words[i] = string(d)
	}
	return strings.Join(words, ", ")
}
