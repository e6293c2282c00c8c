package tenants

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

// Dashboard is a dashboard of a tenant. What it points to is shared between all readers: never change it.
type Dashboard struct {
	ID      id.Dashboard
	Tenant  id.Tenant
	Name    string
	Deleted time.Time // zero unless it was deleted; until the place is needed it can be taken back
	// Versions are the newest first, at most keptVersions, and at least one.
	Versions []DashboardVersion
}

// DashboardVersion is what a dashboard was once saved as.
type DashboardVersion struct {
	Number   int // the first being 1
	At       time.Time
	By       Actor
	Document dashboard.Document
}

// Current is the newest version.
func (d *Dashboard) Current() DashboardVersion { return d.Versions[0] }

// Version returns one of the kept versions; false if it is not among them.
func (d *Dashboard) Version(number int) (DashboardVersion, bool) {
	for _, v := range d.Versions {
		if v.Number == number {
			return v, true
		}
	}
	return DashboardVersion{}, false
}

// keptVersions bounds what is held in memory of one dashboard; the log has them all.
const keptVersions = 20

// keptDeleted is how many deleted dashboards of a tenant can be taken back.
const keptDeleted = 20

// Dashboard returns one dashboard, also a deleted one that can be taken back; false if the tenant has none of that id.
func (s *State) Dashboard(t id.Tenant, d id.Dashboard) (Dashboard, bool) {
	found, ok := s.dashboards.Get(key2(t, d))
	if !ok {
		return Dashboard{}, false
	}
	return *found, true
}

// Dashboards lists the dashboards of a tenant that are not deleted, in the order of their names.
func (s *State) Dashboards(t id.Tenant) []Dashboard {
	var list []Dashboard
	ascend(&s.dashboards, string(t)+separator, func(_ string, d *Dashboard) bool {
		if d.Deleted.IsZero() {
			list = append(list, *d)
		}
		return true
	})
	slices.SortStableFunc(list, func(a, b Dashboard) int { return compareFolded(a.Name, b.Name) })
	return list
}

func compareFolded(a, b string) int {
	switch a, b = foldText(a), foldText(b); {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// The events of dashboards.
type (
	dashboardSaved struct {
		ID       id.Dashboard       `json:"id"`
		Name     string             `json:"name"`
		Version  int                `json:"version"`
		Document dashboard.Document `json:"document"`
		Restored int                `json:"restored,omitempty"` // the version that this one is again
	}
	dashboardRenamed struct {
		ID   id.Dashboard `json:"id"`
		From string       `json:"from"`
		To   string       `json:"to"`
	}
	dashboardDeleted struct {
		ID   id.Dashboard `json:"id"`
		Name string       `json:"name"`
	}
	dashboardUndeleted struct {
		ID   id.Dashboard `json:"id"`
		Name string       `json:"name"`
	}
)

func (e dashboardSaved) apply(s *State, at stamp) error {
	if _, ok := s.tenants.Get(string(at.tenant)); !ok {
		return contradiction("there is no tenant %q", at.tenant)
	}
	changed := Dashboard{ID: e.ID, Tenant: at.tenant}
	if old, ok := s.dashboards.Get(key2(at.tenant, e.ID)); ok {
		changed = *old
	}
	if e.Version != 1 && (len(changed.Versions) == 0 || changed.Current().Number != e.Version-1) {
		return contradiction("dashboard %s cannot have a version %d now", e.ID, e.Version)
	}
	made := DashboardVersion{Number: e.Version, At: at.at, By: at.actor, Document: e.Document}
	changed.Name, changed.Deleted = e.Name, time.Time{}
	changed.Versions = append([]DashboardVersion{made}, changed.Versions...)
	changed.Versions = changed.Versions[:min(len(changed.Versions), keptVersions)]
	s.dashboards.Set(key2(at.tenant, e.ID), &changed)
	return nil
}

func (s *State) changeDashboard(t id.Tenant, d id.Dashboard, edit func(*Dashboard)) error {
	old, ok := s.dashboards.Get(key2(t, d))
	if !ok {
		return contradiction("there is no dashboard %s", d)
	}
	changed := *old
	edit(&changed)
	s.dashboards.Set(key2(t, d), &changed)
	return nil
}

func (e dashboardRenamed) apply(s *State, at stamp) error {
	return s.changeDashboard(at.tenant, e.ID, func(d *Dashboard) { d.Name = e.To })
}

// apply keeps what was deleted, so that it can be taken back, until too many are.
func (e dashboardDeleted) apply(s *State, at stamp) error {
	if err := s.changeDashboard(at.tenant, e.ID, func(d *Dashboard) { d.Deleted = at.at }); err != nil {
		return err
	}
	var deleted []*Dashboard
	ascend(&s.dashboards, string(at.tenant)+separator, func(_ string, d *Dashboard) bool {
		if !d.Deleted.IsZero() {
			deleted = append(deleted, d)
		}
		return true
	})
	if len(deleted) > keptDeleted {
		oldest := slices.MinFunc(deleted, func(a, b *Dashboard) int { return a.Deleted.Compare(b.Deleted) })
		s.dashboards.Delete(key2(at.tenant, oldest.ID))
	}
	return nil
}

func (e dashboardUndeleted) apply(s *State, at stamp) error {
	return s.changeDashboard(at.tenant, e.ID, func(d *Dashboard) { d.Deleted = time.Time{} })
}

func (e dashboardSaved) tell(p *Past) {
	p.Did, p.Subject, p.Name = "saved version "+strconv.Itoa(e.Version)+" of the dashboard", string(e.ID), e.Name
	if e.Restored > 0 {
		p.differ("as it was in", "", "version "+strconv.Itoa(e.Restored))
	}
	p.differ("widgets", "", strconv.Itoa(len(e.Document.Widgets)))
}

func (e dashboardRenamed) tell(p *Past) {
	p.Did, p.Subject, p.Name = "renamed the dashboard", string(e.ID), e.To
	p.differ("name", e.From, e.To)
}

func (e dashboardDeleted) tell(p *Past) {
	p.Did, p.Subject, p.Name = "deleted the dashboard", string(e.ID), e.Name
}

func (e dashboardUndeleted) tell(p *Past) {
	p.Did, p.Subject, p.Name = "took back the deletion of the dashboard", string(e.ID), e.Name
}

// savedDashboards is every dashboard as a snapshot has it. It is JSON, because gob cannot tell a number that is zero from one that is not
// there.
func (s *State) savedDashboards() ([]byte, error) {
	all := make([]*Dashboard, 0, s.dashboards.Len())
	s.dashboards.Scan(func(_ string, d *Dashboard) bool {
		all = append(all, d)
		return true
	})
	data, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	return data, nil
}

func (s *State) restoreDashboards(data []byte) error {
	var all []*Dashboard
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("dashboards: %w", err)
	}
	for _, d := range all {
		s.dashboards.Set(key2(d.Tenant, d.ID), d)
	}
	return nil
}
