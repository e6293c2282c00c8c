package web

import (
	"maps"
	"net/url"
	"slices"
	"time"
	_ "time/tzdata" // zones of sites are known wherever the program runs

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// zoneLabel is the label of a device that says by which clock people at its site live: "Europe/Berlin".
const zoneLabel = "zone"

// maxZones is how many zones are offered: more than that nobody looks through.
const maxZones = 40

// zones offers that of whoever looks and those of the tenant's sites, each with one of them; nil when no device names one.
func (w *Web) zones(t id.Tenant, chosen string) []views.Option {
	found, looked := map[string]string{}, 0
	for d := range w.o.Tenants.State().Devices(t, "") {
		if looked++; looked > maxLooked || len(found) >= maxZones {
			break
		}
		name := d.Labels[zoneLabel]
		if _, known := found[name]; known && d.Site == "" || name == "" {
			continue
		}
		if _, err := time.LoadLocation(name); err == nil && found[name] == "" {
			found[name] = d.Site
		}
	}
	if len(found) == 0 && chosen == "" {
		return nil
	}
	if _, err := time.LoadLocation(chosen); err == nil && chosen != "" && found[chosen] == "" {
		found[chosen] = ""
	}
	list := []views.Option{{Label: "My time zone", Selected: chosen == ""}}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		option := views.Option{Value: name, Label: name, Selected: name == chosen}
		if site := found[name]; site != "" {
			option.Label = "As at " + site + " (" + name + ")"
		}
		list = append(list, option)
	}
	return list
}

// zoneLink leads to the same page by the other clock.
func zoneLink(d tenants.Device, chosen string) views.Link {
	name := d.Labels[zoneLabel]
	if _, err := time.LoadLocation(name); err != nil || name == "" {
		return views.Link{}
	}
	if chosen == name {
		return views.Link{Label: "Show times by my clock", Href: devicePath(d)}
	}
	return views.Link{Label: "Show times as at its site (" + name + ")", Href: devicePath(d) + "?" + url.Values{"zone": {name}}.Encode()}
}
