package tenants

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

const (
	// MaxSilences bounds the silences of one tenant that are not over: each is looked at whenever somebody is notified.
	MaxSilences = 200

	// MaxSilence is how long a silence may be, so that none is forgotten; MaxAhead is how far ahead it may be planned.
	MaxSilence = 31 * 24 * time.Hour
	MaxAhead   = 366 * 24 * time.Hour

	// silencesKept is how long one that is over stays in a list; the log has it for ever.
	silencesKept = 31 * 24 * time.Hour
)

// Silence is a silence of a tenant with what became of it. What it points to is shared between all readers: never change it.
type Silence struct {
	alertrule.Silence
	By      Actor
	Created time.Time
	Planned time.Time // when it was to end; Until is earlier when somebody ended it
}

// Silences lists the silences of a tenant that are not over for long, in the order in which they were made.
func (s *State) Silences(t id.Tenant) []Silence {
	list, _ := s.silences.Get(string(t))
	return list
}

// Silence returns one silence; false if the tenant has none of that id, or it is over for long.
func (s *State) Silence(t id.Tenant, q id.Silence) (Silence, bool) {
	list := s.Silences(t)
	if i := slices.IndexFunc(list, func(have Silence) bool { return have.ID == q }); i >= 0 {
		return list[i], true
	}
	return Silence{}, false
}

// StartSilence makes a silence, which gets an id. It begins at once when From is zero or past. It returns ErrNotFound for
// the tenant, *InvalidError for "selector", "rules", "from", "until" or "reason", *LimitError, and the errors of every command.
func (s *Service) StartSilence(ctx context.Context, actor Actor, t id.Tenant, n alertrule.Silence) (Silence, error) {
	n.ID = id.New[id.Silence]()
	st, err := s.inTenant(ctx, actor, t, func(st *State, now time.Time) ([]event, error) {
		checked, err := st.checkSilence(t, n, now)
		return []event{silenceStarted{Silence: checked}}, err
	})
	if err != nil {
		return Silence{}, fmt.Errorf("start silence: %w", err)
	}
	made, _ := st.Silence(t, n.ID)
	return made, nil
}

func (s *State) checkSilence(t id.Tenant, n alertrule.Silence, now time.Time) (_ alertrule.Silence, err error) {
	now = now.Truncate(time.Second)
	n.From, n.Until = n.From.UTC().Truncate(time.Second), n.Until.UTC().Truncate(time.Second)
	if n.From.Before(now) {
		n.From = now
	}
	if err := n.Validate(); err != nil {
		return n, inAlertWords(err)
	}
	for _, r := range n.Rules {
		if _, ok := s.AlertRule(t, r); !ok {
			return n, invalid("rules", "there is no alert rule %s", r)
		}
	}
	for _, d := range n.Selector.Devices {
		if _, ok := s.Device(t, d); !ok {
			return n, invalid("selector", "there is no device %s", d)
		}
	}
	switch {
	case n.From.After(now.Add(MaxAhead)):
		return n, invalid("from", "is more than a year ahead")
	case !n.Until.After(n.From):
		return n, invalid("until", "must be after the beginning: a silence without an end would be forgotten")
	case n.Until.Sub(n.From) > MaxSilence:
		return n, invalid("until", "is more than %d days after the beginning", int(MaxSilence.Hours()/24))
	}
	if n.Reason, err = checkReason(n.Reason, true); err != nil {
		return n, err
	}
	open := 0
	for _, have := range s.Silences(t) {
		if have.Until.After(now) {
			open++
		}
	}
	if open >= MaxSilences {
		return n, &LimitError{Name: "silences", Max: MaxSilences}
	}
	return n, nil
}

// EndSilence ends a silence now; one that has not begun never does. One that is over stays as it is. It returns
// ErrNotFound and the errors of every command.
func (s *Service) EndSilence(ctx context.Context, actor Actor, t id.Tenant, q id.Silence) (Silence, error) {
	st, err := s.inTenant(ctx, actor, t, func(st *State, now time.Time) ([]event, error) {
		found, ok := st.Silence(t, q)
		if !ok {
			return nil, fmt.Errorf("silence: %w", ErrNotFound)
		}
		if !found.Until.After(now) {
			return nil, nil
		}
		return []event{silenceEnded{ID: q, At: now, Reason: found.Reason}}, nil
	})
	if err != nil {
		return Silence{}, fmt.Errorf("end silence: %w", err)
	}
	ended, _ := st.Silence(t, q)
	return ended, nil
}

type (
	silenceStarted struct {
		Silence alertrule.Silence `json:"silence"`
	}
	silenceEnded struct {
		ID     id.Silence `json:"id"`
		At     time.Time  `json:"at"`
		Reason string     `json:"reason"` // why there was one, for who reads the log
	}
)

// apply forgets what is over for long, so that the list stays short; by the time of the event, so that every fold does.
func (e silenceStarted) apply(s *State, at stamp) error {
	if _, ok := s.tenants.Get(string(at.tenant)); !ok {
		return contradiction("there is no tenant %q", at.tenant)
	}
	kept := slices.DeleteFunc(slices.Clone(s.Silences(at.tenant)), func(old Silence) bool { return at.at.Sub(old.Until) > silencesKept })
	s.silences.Set(string(at.tenant), append(kept, Silence{Silence: e.Silence, By: at.actor, Created: at.at, Planned: e.Silence.Until}))
	return nil
}

func (e silenceEnded) apply(s *State, at stamp) error {
	list := slices.Clone(s.Silences(at.tenant))
	i := slices.IndexFunc(list, func(have Silence) bool { return have.ID == e.ID })
	if i < 0 {
		return contradiction("there is no silence %s", e.ID)
	}
	list[i].Until = e.At
	s.silences.Set(string(at.tenant), list)
	return nil
}

func (e silenceStarted) tell(p *Past) {
	p.Did, p.Subject, p.Name = "silenced alerts", string(e.Silence.ID), e.Silence.Reason
	p.differ("of", "", selectorWords(e.Silence.Selector, e.Silence.Rules))
	p.differ("from", "", e.Silence.From.Format(time.RFC3339))
	p.differ("until", "", e.Silence.Until.Format(time.RFC3339))
}

func (e silenceEnded) tell(p *Past) {
	p.Did, p.Subject, p.Name = "ended the silence", string(e.ID), e.Reason
}

// selectorWords is what something is about, for the log.
func selectorWords(s alertrule.Selector, rules []id.AlertRule) string {
	var words []string
	for _, part := range []struct {
		name  string
		texts []string
	}{{"rule", texts(rules)}, {"profile", s.Profiles}, {"site", s.Sites}, {"device", s.Names}, {"device", texts(s.Devices)}} {
		if len(part.texts) > 0 {
			words = append(words, part.name+" "+strings.Join(part.texts, " or "))
		}
	}
	labels := make([]string, 0, len(s.Labels))
	for name, text := range s.Labels {
		labels = append(labels, name+"="+text)
	}
	slices.Sort(labels)
	if words = append(words, labels...); len(words) == 0 {
		return "everything"
	}
	return strings.Join(words, ", ")
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, one := range list {
		out[i] = string(one)
	}
	return out
}

// inAlertWords is an error of package alertrule in the words of this package.
func inAlertWords(err error) error {
	var wrong *alertrule.InvalidError
	if errors.As(err, &wrong) {
		return invalid(wrong.Field, "%s", wrong.Detail)
	}
	return err
}
