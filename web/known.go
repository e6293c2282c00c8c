package web

import (
	"maps"
	"slices"
	"strings"

	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/views"
)

// Bounds of what is offered: a list that somebody looks through.
const (
	maxOffered = 500
	maxLooked  = 20_000 // devices that are looked at for their sites, profiles and labels
)

// choices are what the devices of a tenant can be chosen by.
type choices struct {
	devices  []deviceName
	sites    []string
	profiles []string
	labels   map[string][]string
}

// known collects the choices: every place on the path of a site is one.
func (w *Web) known(t id.Tenant) choices {
	sites, profiles, labels := map[string]bool{}, map[string]bool{}, map[string]map[string]bool{}
	out := choices{devices: []deviceName{}, labels: map[string][]string{}}
	looked := 0
	for d := range w.o.Tenants.State().Devices(t, "") {
		if looked++; looked > maxLooked {
			break
		}
		if len(out.devices) < maxOffered {
			out.devices = append(out.devices, deviceName{d.ID, d.Name})
		}
		for at := d.Site; at != ""; at = at[:max(strings.LastIndex(at, "/"), 0)] {
			sites[at] = true
		}
		if d.Profile != "" {
			profiles[d.Profile] = true
		}
		for name, text := range d.Labels {
			if labels[name] == nil {
				labels[name] = map[string]bool{}
			}
			labels[name][text] = true
		}
	}
	slices.SortFunc(out.devices, func(a, b deviceName) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	out.sites, out.profiles = offered(sites), offered(profiles)
	for name, texts := range labels {
		out.labels[name] = offered(texts)
	}
	return out
}

func offered(set map[string]bool) []string {
	list := slices.AppendSeq([]string{}, maps.Keys(set)) // an empty list and not none, for the scripts
	slices.Sort(list)
	return list[:min(len(list), maxOffered)]
}

// options are the choices of a variable.
func (c choices) options(v dashboard.Variable) []views.Option {
	var list []views.Option
	if v.Of == "device" {
		for _, d := range c.devices {
			list = append(list, views.Option{Value: string(d.ID), Label: d.Name})
		}
		return list
	}
	for _, text := range map[string][]string{"site": c.sites, "profile": c.profiles, "label": c.labels[v.Label]}[v.Of] {
		list = append(list, views.Option{Value: text, Label: text})
	}
	return list
}
