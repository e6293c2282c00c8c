package tenants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

const (
	// historyTimeout bounds one page; a person waits for it.
	historyTimeout = 10 * time.Second

	// historyLook is how many messages one page looks at, when few of them are about what was asked for.
	historyLook = 1000
)

// Past is one change that was made, without secrets and their hashes.
type Past struct {
	Position uint64 // of its message in the control log
	At       time.Time
	Actor    Actor  // with the address it came from
	By       string // the actor in words: the name of a person, "API key ci", "Longwave (erase)"
	Type     string // as in the log: "device.renamed"
	Did      string // in words: "renamed the device"
	Subject  string // id of what was changed, or its name if it has no id
	Name     string // what it is called: in the event, else today; empty if it is gone
	Text     bool   // it wrote a whole text, which can be restored by its Position
	Changes  []Difference
}

// Difference is one thing that a change made different. What was not there before, or is not after, is empty.
type Difference struct {
	What   string `json:"what"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// HistoryQuery asks for one page of past changes.
type HistoryQuery struct {
	Device id.Device // only what was done to this one; empty for everything
	About  string    // only what was done to the thing with this id, whatever it is; empty for everything
	By     id.Person // only what this person did; empty for everybody
	From   time.Time // only what was done at this time or later; zero for all
	To     time.Time // only what was done before; zero for all
	Rule   id.Rule   // the same for a rule
	Cursor string    // HistoryPage.Next of the page before; empty for the newest
	Limit  int       // 1 to MaxPage; 0 means MaxPage
}

// HistoryPage is one page of past changes, newest first. Next is empty on the last one. With a filter a page may be
// short, or empty, and not the last.
type HistoryPage struct {
	Past []Past
	Next string
}

// History returns one page of what was changed in a tenant; a tenant that does not exist has no past. Pages stay whole
// when changes are made in between. It returns an *InvalidError for a cursor that it did not make in this tenant or for
// a limit out of bounds, and ErrUnavailable when the broker does not answer.
func (s *Service) History(ctx context.Context, t id.Tenant, q HistoryQuery) (HistoryPage, error) {
	return s.history(ctx, tenantSubject(t), q)
}

// PlatformHistory is History for what belongs to no tenant: the people and tenants of the installation. It is for its
// operator. The filter has nothing to find there.
func (s *Service) PlatformHistory(ctx context.Context, q HistoryQuery) (HistoryPage, error) {
	return s.history(ctx, platformSubject, q)
}

func (s *Service) history(ctx context.Context, subject string, q HistoryQuery) (HistoryPage, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	st := s.State()
	from, err := q.start(st, subject)
	if err != nil {
		return HistoryPage{}, fmt.Errorf("history: %w", err)
	}
	var page HistoryPage
	for looked := 0; from.position > 0; looked++ {
		if looked == historyLook || len(page.Past) == q.Limit {
			page.Next = from.cursor()
			break
		}
		m, err := s.past(ctx, subject, from)
		if err != nil {
			return HistoryPage{}, fmt.Errorf("history: %w", err)
		}
		from = m.collect(st, q, &page)
	}
	return page, nil
}

// place is behind the event of that number, the first being 0, of the message at that position: where a page begins,
// going backwards. All of its events are before the number wholeMessage.
type place struct {
	position uint64
	event    int
}

const wholeMessage = 1 << 20 // a message cannot hold as many events

func (p place) cursor() string { return fmt.Sprintf("%d.%d", p.position, p.event) }

func (q *HistoryQuery) start(st *State, subject string) (place, error) {
	if q.Limit == 0 {
		q.Limit = MaxPage
	}
	if q.Limit < 0 || q.Limit > MaxPage {
		return place{}, invalid("limit", "is %d, want 1 to %d", q.Limit, MaxPage)
	}
	if q.Cursor == "" {
		last, _ := st.subjects.Get(subject)
		return place{last, wholeMessage}, nil
	}
	var p place
	if _, err := fmt.Sscanf(q.Cursor, "%d.%d", &p.position, &p.event); err != nil || p.cursor() != q.Cursor || p.position > st.seq || p.event < 1 {
		return place{}, errCursor()
	}
	return p, nil
}

func errCursor() error { return invalid("cursor", "is not one of this list") }

// pastMessage is one message of the log, and behind which of its events to begin.
type pastMessage struct {
	envelope
	stamp stamp
	from  place
}

// past reads the message at a place. One of another subject is as good as none.
func (s *Service) past(ctx context.Context, subject string, from place) (pastMessage, error) {
	raw, err := s.stream.GetMsg(ctx, from.position)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && raw.Subject != subject {
		return pastMessage{}, errCursor()
	}
	if err != nil {
		return pastMessage{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	at, e, err := open(subject, raw.Data)
	return pastMessage{e, at, from}, err
}

// collect adds the events of a message to a page, the last one first, and returns where to go on.
func (m pastMessage) collect(st *State, q HistoryQuery, page *HistoryPage) place {
	for i := min(m.from.event, len(m.Events)); i > 0; i-- {
		if len(page.Past) == q.Limit {
			return place{m.from.position, i}
		}
		e, err := decodeEvent(m.Events[i-1])
		if err != nil { // the fold understood it; this cannot be
			continue
		}
		p := Past{Position: m.from.position, At: m.At, Actor: m.Actor, By: m.Actor.words(st, m.stamp.tenant), Type: m.Events[i-1].Type}
		e.tell(&p)
		if !q.wants(p) {
			continue
		}
		if p.Name == "" {
			p.Name = st.nameOf(m.stamp.tenant, p.Subject)
		}
		page.Past = append(page.Past, p)
	}
	if m.At.Before(q.From) { // everything before it is older, but for the clocks of several processes
		return place{}
	}
	return place{m.After.Own, wholeMessage}
}

// wants says whether a change passes the filters.
func (q HistoryQuery) wants(p Past) bool {
	switch {
	case q.Device != "" && p.Subject != string(q.Device), q.Rule != "" && p.Subject != string(q.Rule), q.About != "" && p.Subject != q.About, q.By != "" && p.Actor.Person != q.By:
		return false
	}
	return !p.At.Before(q.From) && (q.To.IsZero() || p.At.Before(q.To))
}

// nameOf is what a thing or a person is called today; empty when it is gone.
func (s *State) nameOf(t id.Tenant, thing string) string {
	if d, ok := s.Device(t, id.Device(thing)); ok {
		return d.Name
	}
	if p, ok := s.Person(id.Person(thing)); ok {
		return p.Name
	}
	if found, ok := s.Trust(t, id.Trust(thing)); ok {
		return found.Name
	}
	if w, ok := s.Wall(t, id.Wall(thing)); ok {
		return w.Name
	}
	return ""
}

// NameOf is who an author of the tenant is, in words.
func (s *State) NameOf(t id.Tenant, a Actor) string { return a.words(s, t) }

// words names the actor as it is called today.
func (a Actor) words(st *State, t id.Tenant) string {
	switch {
	case a.Person != "" && a.Key != "":
		if k, ok := st.opKeys.Get(publicOf(a.Key)); ok {
			return Actor{Person: a.Person}.words(st, t) + " (key " + k.Name + ")"
		}
		return Actor{Person: a.Person}.words(st, t) + " (key " + string(a.Key) + ", revoked since)"
	case a.Person != "":
		if p, ok := st.Person(a.Person); ok {
			return p.Name
		}
		return string(a.Person)
	case a.Key != "":
		if k, ok := st.keys.Get(key2(t, a.Key)); ok {
			return "API key " + k.Name
		}
		return "API key " + string(a.Key) + ", revoked since"
	case a.System != "":
		return "Longwave (" + a.System + ")"
	default:
		return "unknown"
	}
}
