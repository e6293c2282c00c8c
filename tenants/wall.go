package tenants

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/btree"

	"longwave/tenants/id"
)

// Wall is an unattended screen of a tenant: what it is called and what it shows.
type Wall struct {
	ID      id.Wall
	Tenant  id.Tenant
	Created time.Time
	WallSettings
	// Asked is when somebody last wanted something of the screen.
	Asked map[WallRequest]time.Time
}

// WallSettings are what people choose about a screen. What it points to is shared between all readers: never change it.
type WallSettings struct {
	Name         string         `json:"name"`
	Dashboards   []id.Dashboard `json:"dashboards"`               // more than one is a rotation
	Seconds      int            `json:"seconds,omitempty"`        // of each page of a rotation
	PauseOnAlert bool           `json:"pause_on_alert,omitempty"` // a rotation stops while an alert is open
	Zoom         int            `json:"zoom,omitempty"`           // of everything on it, in per cent
	Zone         string         `json:"zone,omitempty"`           // of its clock, as the tz database names it; empty is the screen's own
	Light        bool           `json:"light,omitempty"`          // dark letters on a light ground, for a bright room
}

// WallRequest is what can be asked of a screen that nobody stands at.
type WallRequest string

// The requests.
const (
	WallReload   WallRequest = "reload"   // load the page again
	WallIdentify WallRequest = "identify" // show its name in large letters
)

// walls are the screens of all tenants.
type walls struct {
	all  btree.Map[string, *wall] // by tenant and wall
	byID btree.Map[string, *wall] // by wall: the public half of its token
}

type wall struct {
	Wall
	sum digest
}

func (w *walls) share() walls { return walls{all: *w.all.Copy(), byID: *w.byID.Copy()} }

func (w *walls) put(of Wall, hash []byte) error {
	sum, err := parseDigest(hash)
	if err != nil {
		return err
	}
	w.set(&wall{of, sum})
	return nil
}

func (w *walls) set(made *wall) {
	w.all.Set(key2(made.Tenant, made.ID), made)
	w.byID.Set(string(made.ID), made)
}

// drop takes out all screens of a tenant.
func (w *walls) drop(t id.Tenant) {
	ascend(&w.all, string(t)+separator, func(_ string, each *wall) bool {
		w.byID.Delete(string(each.ID))
		return true
	})
	dropPrefix(&w.all, t)
}

// savedWall is a screen in a snapshot.
type savedWall struct {
	Wall Wall
	Sum  []byte
}

func (w *walls) saved() (all []savedWall) {
	w.all.Scan(func(_ string, each *wall) bool {
		all = append(all, savedWall{each.Wall, each.sum[:]})
		return true
	})
	return all
}

// Wall returns one screen of a tenant; false if it has none of that id.
func (s *State) Wall(t id.Tenant, w id.Wall) (Wall, bool) {
	found, ok := s.walls.all.Get(key2(t, w))
	if !ok {
		return Wall{}, false
	}
	return found.Wall, true
}

// Walls lists the screens of a tenant, in the order of their names.
func (s *State) Walls(t id.Tenant) []Wall {
	var list []Wall
	ascend(&s.walls.all, string(t)+separator, func(_ string, w *wall) bool {
		list = append(list, w.Wall)
		return true
	})
	slices.SortStableFunc(list, func(a, b Wall) int { return compareFolded(a.Name, b.Name) })
	return list
}

// The events of screens.
type (
	wallPaired struct {
		ID  id.Wall      `json:"id"`
		To  WallSettings `json:"to"`
		Sum []byte       `json:"sha256"`
	}
	wallChanged struct {
		ID   id.Wall      `json:"id"`
		From WallSettings `json:"from"`
		To   WallSettings `json:"to"`
	}
	wallAsked struct {
		ID   id.Wall     `json:"id"`
		Name string      `json:"name"`
		What WallRequest `json:"what"`
	}
	wallRevoked struct {
		ID   id.Wall `json:"id"`
		Name string  `json:"name"`
	}
)

func (e wallPaired) apply(s *State, at stamp) error {
	if _, exists := s.walls.all.Get(key2(at.tenant, e.ID)); exists {
		return contradiction("wall %s exists", e.ID)
	}
	if err := s.walls.put(Wall{ID: e.ID, Tenant: at.tenant, Created: at.at, WallSettings: e.To}, e.Sum); err != nil {
		return err
	}
	return s.count(at.tenant, 0, 0, 0)
}

func (s *State) editWall(t id.Tenant, w id.Wall, edit func(*Wall)) error {
	old, ok := s.walls.all.Get(key2(t, w))
	if !ok {
		return contradiction("there is no wall %s", w)
	}
	changed := *old
	edit(&changed.Wall)
	s.walls.set(&changed)
	return nil
}

func (e wallChanged) apply(s *State, at stamp) error {
	return s.editWall(at.tenant, e.ID, func(w *Wall) { w.WallSettings = e.To })
}

func (e wallAsked) apply(s *State, at stamp) error {
	return s.editWall(at.tenant, e.ID, func(w *Wall) {
		asked := map[WallRequest]time.Time{e.What: at.at} // a new one: the old belongs to the states before
		for what, when := range w.Asked {
			if what != e.What {
				asked[what] = when
			}
		}
		w.Asked = asked
	})
}

func (e wallRevoked) apply(s *State, at stamp) error {
	if _, ok := s.walls.all.Delete(key2(at.tenant, e.ID)); !ok {
		return contradiction("there is no wall %s", e.ID)
	}
	s.walls.byID.Delete(string(e.ID))
	return nil
}

func (e wallPaired) tell(p *Past) {
	p.Did, p.Subject, p.Name = "paired the wall", string(e.ID), e.To.Name
	p.differWalls(WallSettings{}, e.To)
}

func (e wallChanged) tell(p *Past) {
	p.Did, p.Subject, p.Name = "changed the wall", string(e.ID), e.To.Name
	p.differ("name", e.From.Name, e.To.Name)
	p.differWalls(e.From, e.To)
}

func (e wallAsked) tell(p *Past) {
	p.Did, p.Subject, p.Name = "had a page loaded again by the wall", string(e.ID), e.Name
	if e.What == WallIdentify {
		p.Did = "had its name shown by the wall"
	}
}

func (e wallRevoked) tell(p *Past) {
	p.Did, p.Subject, p.Name = "revoked the wall", string(e.ID), e.Name
}

func (p *Past) differWalls(from, to WallSettings) {
	p.differ("shows", dashboardWords(from.Dashboards), dashboardWords(to.Dashboards))
	p.differ("seconds of each page", numberWord(from.Seconds), numberWord(to.Seconds))
	p.differ("stops while an alert is open", yesWord(from.PauseOnAlert), yesWord(to.PauseOnAlert))
	p.differ("zoom in per cent", numberWord(from.Zoom), numberWord(to.Zoom))
	p.differ("zone of its clock", from.Zone, to.Zone)
	p.differ("light ground", yesWord(from.Light), yesWord(to.Light))
}

func dashboardWords(list []id.Dashboard) string {
	words := make([]string, len(list))
	for i, d := range list {
		words[i] = string(d)
	}
	return strings.Join(words, ", ")
}

func numberWord(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func yesWord(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
