package replay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

const (
	// listTimeout bounds reading the work list: the whole stream is 64 MiB.
	listTimeout = 20 * time.Second
	// maxGroups bounds a list; what is beyond it is found by a filter.
	maxGroups = 200
	// maxSamples is how many packets of a group are shown.
	maxSamples = 3
	// maxReasons bounds the reasons of a trial.
	maxReasons = 20
)

// What groups are made of beside the cause.
const (
	ByCause  = ""
	ByDevice = "device"
	// BySite and ByProfile are those of the devices.
	BySite    = "site"
	ByProfile = "profile"
	// ByLabel is followed by the name of a label.
	ByLabel = "label:"
)

// Group is rejected packets with one cause, and of one device, site, profile or text of a label when that was asked for.
type Group struct {
	Cause         string // for Filter.Cause
	Code, Pointer string
	Detail        string // of the newest
	Device        id.Device
	Name          string // of the device, the site or the profile, or the text of the label
	Count, Cut    int    // Cut of them were not kept whole
	Devices       int
	First, Last   telemetry.Micros
	Samples       []Sample // newest first

	devices map[id.Device]struct{}
}

// List is the work list: groups by what was seen last.
type List struct {
	Groups  []Group
	Packets int      // that were selected
	Cut     int      // of them, not kept whole
	More    bool     // there are more groups than are listed
	Codes   []string // of everything that is kept, for a filter
	Labels  []string // names of labels of the devices, for grouping
	Through uint64   // place of the newest packet that was looked at
	// Sites and Profiles say that some of the devices have one.
	Sites, Profiles bool
}

// Groups reads the work list of a tenant. It returns ErrUnavailable.
func (s *Service) Groups(ctx context.Context, t id.Tenant, f Filter, by string) (List, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	m := grouping{state: s.o.Tenants.State(), tenant: t, by: by, filter: f,
		groups: map[[2]string]*Group{}, codes: map[string]struct{}{}, labels: map[string]struct{}{}}
	err := s.o.Front.EachRejected(ctx, t, ingest.RejectedQuery{Device: f.Device}, m.add)
	if err != nil {
		return List{}, fmt.Errorf("list rejected packets: %w: %w", ErrUnavailable, err)
	}
	return m.list(), nil
}

// grouping collects groups from packets in the order of their arrival.
type grouping struct {
	state  *tenants.State
	tenant id.Tenant
	by     string
	filter Filter

	out    List
	groups map[[2]string]*Group
	codes  map[string]struct{}
	labels map[string]struct{}
}

func (m *grouping) add(k ingest.KeptPacket) {
	device, _ := m.state.Device(m.tenant, k.Device)
	m.codes[k.Code] = struct{}{}
	for name := range device.Labels {
		m.labels[name] = struct{}{}
	}
	m.out.Sites, m.out.Profiles = m.out.Sites || device.Site != "", m.out.Profiles || device.Profile != ""
	m.out.Through = max(m.out.Through, k.Sequence)
	if !m.filter.matches(&k, device) {
		return
	}
	of := m.of(&k, device)
	g := m.groups[[2]string{causeOf(k.Rejection), of}]
	if g == nil {
		code, pointer := telemetry.CauseOf(k.Rejection)
		g = &Group{Cause: causeOf(k.Rejection), Code: code, Pointer: pointer, Name: of, First: k.Received, devices: map[id.Device]struct{}{}}
		m.groups[[2]string{g.Cause, of}] = g
	}
	g.take(&k, cmp.Or(device.Name, string(k.Device)))
	m.out.Packets++
	if m.by == ByDevice {
		g.Device, g.Name = k.Device, cmp.Or(device.Name, string(k.Device))
	}
	if whole(&k) {
		return
	}
	g.Cut++
	m.out.Cut++
}

// of is what a group is of beside its cause.
func (m *grouping) of(k *ingest.KeptPacket, device tenants.Device) string {
	switch m.by {
	case ByDevice:
		return string(k.Device)
	case BySite:
		return device.Site
	case ByProfile:
		return device.Profile
	}
	if name, ok := strings.CutPrefix(m.by, ByLabel); ok {
		return device.Labels[name]
	}
	return ""
}

func whole(k *ingest.KeptPacket) bool { return !k.Cut && k.Raw != "" }

func (g *Group) take(k *ingest.KeptPacket, name string) {
	g.Count++
	g.devices[k.Device] = struct{}{}
	g.First, g.Last = min(g.First, k.Received), max(g.Last, k.Received)
	g.Detail = k.Detail
	g.Samples = slices.Insert(g.Samples, 0, Sample{Device: k.Device, Name: name, Received: k.Received, Raw: k.Raw})
	g.Samples = g.Samples[:min(len(g.Samples), maxSamples)]
}

func (m *grouping) list() List {
	for _, g := range m.groups {
		g.Devices = len(g.devices)
		m.out.Groups = append(m.out.Groups, *g)
	}
	slices.SortFunc(m.out.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), strings.Compare(a.Cause, b.Cause), strings.Compare(a.Name, b.Name))
	})
	if len(m.out.Groups) > maxGroups {
		m.out.Groups, m.out.More = m.out.Groups[:maxGroups], true
	}
	m.out.Codes, m.out.Labels = sorted(m.codes), sorted(m.labels)
	return m.out
}

func sorted(set map[string]struct{}) []string {
	list := make([]string, 0, len(set))
	for text := range set {
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// Trial is what a re-drive would come to, at this moment.
type Trial struct {
	Packets  int
	Accepted int
	Refused  int
	Reasons  []Reason // why they would still be refused, the most frequent first
	Through  uint64   // for Filter.Through: what was tried and nothing later
}

// Reason is why packets would be refused.
type Reason struct {
	Code, Detail string
	Count        int
	Sample       Sample
}

// Try decodes what the filter selects as the front door would, and changes nothing. It returns ErrUnavailable.
func (s *Service) Try(ctx context.Context, t id.Tenant, f Filter) (Trial, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	state := s.o.Tenants.State()
	var trial Trial
	reasons := map[string]*Reason{}
	err := s.o.Front.EachRejected(ctx, t, ingest.RejectedQuery{Device: f.Device}, func(k ingest.KeptPacket) {
		trial.Through = max(trial.Through, k.Sequence)
		if !f.matches(&k, deviceOf(state, t, k.Device)) {
			return
		}
		trial.Packets++
		from, refused := sender(state, t, k.Device)
		if refused == nil {
			refused = s.o.Front.TryAgain(from, &k.RejectedPacket)
		}
		if refused == nil {
			trial.Accepted++
			return
		}
		trial.Refused++
		r := reasons[causeOf(*refused)]
		if r == nil {
			r = &Reason{Code: refused.Code}
			reasons[causeOf(*refused)] = r
		}
		r.Count++
		device, _ := state.Device(t, k.Device)
		r.Detail, r.Sample = refused.Detail, Sample{Device: k.Device, Name: cmp.Or(device.Name, string(k.Device)), Received: k.Received, Raw: k.Raw}
	})
	if err != nil {
		return Trial{}, fmt.Errorf("try rejected packets: %w: %w", ErrUnavailable, err)
	}
	for _, r := range reasons {
		trial.Reasons = append(trial.Reasons, *r)
	}
	slices.SortFunc(trial.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Code, b.Code), strings.Compare(a.Detail, b.Detail))
	})
	trial.Reasons = trial.Reasons[:min(len(trial.Reasons), maxReasons)]
	return trial, nil
}
