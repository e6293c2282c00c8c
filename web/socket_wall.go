package web

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/id"
)

const (
	// screenAlerts is how many open alerts a screen is told of: more than it has room for.
	screenAlerts = 8

	// settleFor is how long a screen's settings rest before it is told: the control log changes in bursts that are about
	// something else.
	settleFor = 200 * time.Millisecond

	// maxReported bounds what a screen says of itself: pixels of a side, and letters of a version.
	maxReported = 100_000
	maxVersion  = 100
)

// wallScreen is an unattended screen behind a socket. What it may see is looked up whenever it is asked for, because it can
// change while the socket is open.
type wallScreen struct {
	web     *Web
	tenant  id.Tenant
	wall    id.Wall
	address string
}

// report is what a screen says of itself.
type report struct {
	Page    string `json:"page"`
	Version string `json:"version"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
}

func (s *wallScreen) shown() (shown, bool) {
	return shownOn(s.web.o.Tenants.State(), s.tenant, s.wall)
}

// shows says whether the screen is bound to a dashboard.
func (s *wallScreen) shows(dashboard string) bool {
	wall, _ := s.web.o.Tenants.State().Wall(s.tenant, s.wall)
	return slices.Contains(wall.Dashboards, known[id.Dashboard](dashboard)) && dashboard != ""
}

// report takes what a screen says of itself; what cannot be true is left out.
func (s *wallScreen) report(r report) {
	said := tenants.WallReport{At: s.web.o.Now().UTC(), Address: s.address}
	if s.shows(r.Page) {
		said.Page = known[id.Dashboard](r.Page)
	}
	if len(r.Version) <= maxVersion && utf8.ValidString(r.Version) {
		said.Version = r.Version
	}
	if min(r.Width, r.Height) > 0 && max(r.Width, r.Height) <= maxReported {
		said.Width, said.Height = r.Width, r.Height
	}
	s.web.o.Tenants.NoteWall(s.tenant, s.wall, said)
}

// screenAlert is one open alert on a screen.
type screenAlert struct {
	Severity string           `json:"severity"`
	Rule     string           `json:"rule"`
	Device   string           `json:"device"`
	Began    telemetry.Micros `json:"began"`
	Taken    bool             `json:"taken,omitempty"`
}

// alerts is how many alerts of the tenant are open, and the worst of them, the newest of a severity first.
func (s *wallScreen) alerts() any {
	open := s.web.o.Alerts.Find(s.tenant, alert.Filter{State: alert.Active}, alert.Filter{State: alert.Taken})
	slices.SortStableFunc(open, func(a, b alert.Alert) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Began, a.Began))
	})
	list := []screenAlert{}
	for i := range open[:min(len(open), screenAlerts)] {
		a := &open[i]
		list = append(list, screenAlert{a.Severity.String(), a.Name, s.web.deviceName(s.tenant, a.Device), a.Began, a.Acknowledged != nil})
	}
	return struct {
		alert.Count
		List []screenAlert `json:"list"`
	}{s.web.o.Alerts.Count(s.tenant), list}
}

// dispatchScreen is dispatch for a screen: what it shows, its widgets, and the open alerts; nothing else is there for it.
func (b *browser) dispatchScreen(ctx context.Context, c command) (topic, []byte, error) {
	switch {
	case c.Topic == "wall":
		return b.openWall(c)
	case c.Topic == "alerts":
		return b.openAlerts(c)
	case c.Topic == "widget" && c.Draft == nil && b.visit.Screen.shows(c.Dashboard):
		c.Values = nil // as the dashboard has them
		return b.openWidget(ctx, c)
	}
	return nil, nil, tenants.ErrNotFound
}

// wallTopic says what a screen is to show, whenever that changes.
type wallTopic struct {
	screen *wallScreen
	told   string // mark of what it was told last; of the loop of the socket
	due    atomic.Bool
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

func (b *browser) openWall(c command) (topic, []byte, error) {
	ctx, stop := context.WithCancel(context.Background())
	t := &wallTopic{screen: b.visit.Screen, stop: stop}
	changed := t.screen.web.o.Tenants.Changed() // before it is looked up, so that no change falls between
	now, ok := t.screen.shown()
	if !ok {
		stop()
		return nil, nil, tenants.ErrNotFound
	}
	first := newFrame(c.Sub).list("wall", now).bytes()
	t.told = now.mark()
	t.ended.Go(func() { t.follow(ctx, changed, b.wake) })
	return t, first, nil
}

func (t *wallTopic) follow(ctx context.Context, changed <-chan struct{}, wake chan<- struct{}) {
	settle := time.NewTimer(settleFor)
	defer settle.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		settle.Reset(settleFor)
		select {
		case <-ctx.Done():
			return
		case <-settle.C:
		}
		changed = t.screen.web.o.Tenants.Changed()
		t.due.Store(true)
		rouse(wake)
	}
}

func (t *wallTopic) next(number uint32) []byte {
	if !t.due.Swap(false) {
		return nil
	}
	now, ok := t.screen.shown()
	mark := now.mark()
	if !ok || mark == t.told { // without a screen the socket is about to end
		return nil
	}
	t.told = mark
	return newFrame(number).list("wall", now).bytes()
}

func (t *wallTopic) close() {
	t.stop()
	t.ended.Wait()
}
