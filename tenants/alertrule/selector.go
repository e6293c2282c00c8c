package alertrule

import (
	"slices"
	"strings"
	"time"

	"longwave/tenants/id"
)

// Device is a device as rules see it.
type Device struct {
	ID       id.Device
	Name     string
	Profile  string
	Site     string
	Labels   map[string]string
	Interval time.Duration // expected between packets; 0 when it is not known
}

// Selector says which devices something is about: those that every list that is not empty matches. An empty one matches all.
type Selector struct {
	Profiles []string          `json:"profiles,omitempty" yaml:"profiles,omitempty"`
	Sites    []string          `json:"sites,omitempty" yaml:"sites,omitempty"`     // a site and everything in it
	Labels   map[string]string `json:"labels,omitempty" yaml:"labels,omitempty"`   // all of them
	Names    []string          `json:"names,omitempty" yaml:"names,omitempty"`     // a star stands for any characters
	Devices  []id.Device       `json:"devices,omitempty" yaml:"devices,omitempty"` // ids
}

// IsZero says whether the selector matches all devices.
func (s Selector) IsZero() bool {
	return len(s.Profiles)+len(s.Sites)+len(s.Labels)+len(s.Names)+len(s.Devices) == 0
}

// Matches says whether the selector is about a device. Names and Devices are one list: either names the device.
func (s *Selector) Matches(d *Device) bool {
	if len(s.Profiles) > 0 && !slices.Contains(s.Profiles, d.Profile) {
		return false
	}
	if len(s.Sites) > 0 && !slices.ContainsFunc(s.Sites, func(site string) bool { return within(d.Site, site) }) {
		return false
	}
	for name, text := range s.Labels {
		if have, ok := d.Labels[name]; !ok || have != text {
			return false
		}
	}
	if len(s.Names)+len(s.Devices) == 0 {
		return true
	}
	return slices.Contains(s.Devices, d.ID) ||
		slices.ContainsFunc(s.Names, func(pattern string) bool { return like(d.Name, pattern) })
}

// within says whether a site is another one or lies in it.
func within(site, outer string) bool {
	rest, ok := strings.CutPrefix(site, outer)
	return ok && (rest == "" || rest[0] == '/')
}

// like compares a text with a pattern in which a star stands for any characters, in time that is linear in their product.
func like(text, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return text == pattern
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

func (s *Selector) validate(field string) error {
	for name, list := range map[string][]string{"profiles": s.Profiles, "sites": s.Sites, "names": s.Names} {
		if len(list) > MaxSelector {
			return invalid(field+"."+name, "has %d entries, at most %d are allowed", len(list), MaxSelector)
		}
		for _, text := range list {
			if text == "" || len(text) > MaxText || !visible(text) {
				return invalid(field+"."+name, "want 1 to %d characters, all of them visible", MaxText)
			}
		}
	}
	if len(s.Labels) > MaxSelector || len(s.Devices) > MaxSelector {
		return invalid(field, "has too many entries, at most %d labels and devices are allowed", MaxSelector)
	}
	for name, text := range s.Labels {
		if name == "" || len(name) > MaxText || len(text) > MaxText || !visible(name+text) {
			return invalid(field+".labels", "want names and texts of at most %d characters, all of them visible", MaxText)
		}
	}
	for _, d := range s.Devices {
		if _, err := id.Parse[id.Device](string(d)); err != nil {
			return invalid(field+".devices", "%.70q is no device", d)
		}
	}
	return nil
}

// Validate returns an *InvalidError for a selector that is too large or names what cannot exist.
func (s *Selector) Validate() error { return s.validate("selector") }
