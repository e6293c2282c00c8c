package dashboard

import (
	"maps"
	"slices"
	"strings"
)

// Values are what was chosen for variables, by their names.
type Values map[string]string

// Values completes what was chosen by the defaults, and drops what the document has no variable for.
func (d *Document) Values(chosen map[string]string) Values {
	out := make(Values, len(d.Variables))
	for _, v := range d.Variables {
		value, ok := chosen[v.Name]
		if !ok {
			value = v.Default
		}
		if len(value) <= maxValue {
			out[v.Name] = value
		}
	}
	return out
}

// With puts the chosen values in the place of variables. What is left empty by that selects everything.
func (s Selection) With(values Values) Selection {
	out := Selection{Profile: values.of(s.Profile), Site: values.of(s.Site)}
	for _, device := range s.Devices {
		if device = values.of(device); device != "" {
			out.Devices = append(out.Devices, device)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		if text := values.of(s.Labels[name]); text != "" {
			if out.Labels == nil {
				out.Labels = make(map[string]string, len(s.Labels))
			}
			out.Labels[name] = text
		}
	}
	return out
}

func (v Values) of(text string) string {
	if name, ok := strings.CutPrefix(text, "$"); ok {
		return v[name]
	}
	return text
}

// Matches says whether the selection, without variables, is about a device.
func (s Selection) Matches(d Subject) bool {
	switch {
	case len(s.Devices) > 0 && !slices.Contains(s.Devices, string(d.Device)):
		return false
	case s.Profile != "" && s.Profile != d.Profile:
		return false
	case s.Site != "" && s.Site != d.Site && !strings.HasPrefix(d.Site, s.Site+"/"):
		return false
	}
	for name, text := range s.Labels {
		if have, ok := d.Labels[name]; !ok || have != text {
			return false
		}
	}
	return true
}
