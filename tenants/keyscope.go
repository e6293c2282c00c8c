package tenants

import (
	"maps"
	"slices"
	"strings"
)

// maxScope bounds the sites and the profiles of a scope each; every request with the key looks at them.
const maxScope = 20

// KeyScope limits an API key to some devices: those at one of the sites or below it, of one of the profiles, and with all
// of the labels. What is empty limits nothing. It is shared between all readers: never change one.
type KeyScope struct {
	Sites    []string          `json:"sites,omitempty"`
	Profiles []string          `json:"profiles,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
}

// Empty says that the scope limits nothing.
func (s KeyScope) Empty() bool {
	return len(s.Sites) == 0 && len(s.Profiles) == 0 && len(s.Labels) == 0
}

// IsZero leaves an empty scope out of the log.
func (s KeyScope) IsZero() bool { return s.Empty() }

func (s *KeyScope) matches(d *Device) bool {
	if len(s.Sites) > 0 && !slices.ContainsFunc(s.Sites, func(site string) bool { return siteWithin(d.Site, site) }) {
		return false
	}
	if len(s.Profiles) > 0 && !slices.Contains(s.Profiles, d.Profile) {
		return false
	}
	for name, text := range s.Labels {
		if have, ok := d.Labels[name]; !ok || have != text {
			return false
		}
	}
	return true
}

// siteWithin says whether a site is another one or below it.
func siteWithin(site, outer string) bool {
	rest, ok := strings.CutPrefix(site, outer)
	return ok && (rest == "" || rest[0] == '/')
}

// check returns the scope in the one form in which it is stored.
func (s KeyScope) check() (KeyScope, error) {
	sites, err := checkEach("sites", s.Sites, checkSite)
	if err != nil {
		return s, err
	}
	profiles, err := checkEach("profiles", s.Profiles, checkProfile)
	if err != nil {
		return s, err
	}
	return KeyScope{Sites: sites, Profiles: profiles, Labels: maps.Clone(s.Labels)}, checkLabels("labels", s.Labels)
}

// checkEach checks a list of names, and leaves out what is empty or there twice.
func checkEach(field string, list []string, check func(field, text string) (string, error)) ([]string, error) {
	if len(list) > maxScope {
		return nil, invalid(field, "has %d entries, at most %d are allowed", len(list), maxScope)
	}
	var out []string
	for _, text := range list {
		text, err := check(field, text)
		if err != nil {
			return nil, err
		}
		if text != "" {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Words is the scope for people; empty when it limits nothing.
func (s KeyScope) Words() string {
	var parts []string
	if len(s.Sites) > 0 {
		parts = append(parts, "site "+strings.Join(s.Sites, " or "))
	}
	if len(s.Profiles) > 0 {
		parts = append(parts, "profile "+strings.Join(s.Profiles, " or "))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		parts = append(parts, "label "+name+"="+s.Labels[name])
	}
	return strings.Join(parts, ", ")
}
