package tenants

import (
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what people type. They keep an event small and a page readable; the log keeps every event for ever.
const (
	maxName      = 100 // characters of the name of a person, tenant, device or key
	maxEmail     = 254 // bytes; RFC 5321 leaves no room for more
	maxLabels    = 16
	maxLabelName = 63  // as a Kubernetes label, so that labels can be carried over
	maxLabelText = 200 // characters
	maxSite      = 200 // bytes
	maxSiteDepth = 10
	maxMetric    = 128 // bytes, as ingest accepts them
	maxUnit      = 32  // characters
	minInterval  = time.Second
	maxInterval  = 31 * 24 * time.Hour
)

// foldText is how names and addresses are compared: without regard to case.
func foldText(s string) string { return strings.ToLower(s) }

// checkName returns the name without spaces around it, or an *InvalidError for the field.
func checkName(field, name string) (string, error) {
	name = strings.TrimSpace(name)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", invalid(field, "must not be empty")
	case n > maxName:
		return "", invalid(field, "has %d characters, at most %d are allowed", n, maxName)
	}
	return name, checkText(field, name)
}

// checkText refuses what cannot be seen, or changes how the text around it is shown.
func checkText(field, text string) error {
	if !utf8.ValidString(text) {
		return invalid(field, "is not valid UTF-8")
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune("\u200b\u2028\u2029\ufeff", r) {
			return invalid(field, "contains the invisible character U+%04X", r)
		}
	}
	return nil
}

func checkEmail(field, text string) (string, error) {
	text = strings.TrimSpace(text)
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || len(text) > maxEmail {
		return "", invalid(field, "is not an e-mail address")
	}
	return text, checkText(field, text)
}

func checkLabels(field string, labels map[string]string) error {
	if len(labels) > maxLabels {
		return invalid(field, "has %d labels, at most %d are allowed", len(labels), maxLabels)
	}
	for name, text := range labels {
		if !labelName(name) {
			return invalid(field, "%.70q is no label name: want 1 to %d of a-z, A-Z, 0-9, '.', '_', '-', '/'", name, maxLabelName)
		}
		if utf8.RuneCountInString(text) > maxLabelText {
			return invalid(field, "%s: more than %d characters", name, maxLabelText)
		}
		if err := checkText(field, text); err != nil {
			return err
		}
	}
	return nil
}

func labelName(name string) bool {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/", r)
	}
	return name != "" && len(name) <= maxLabelName && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0
}

// checkSite returns the path without spaces around its names; empty is no site.
func checkSite(field, site string) (string, error) {
	site = strings.TrimSpace(site)
	if site == "" {
		return "", nil
	}
	names := strings.Split(site, "/")
	for i, name := range names {
		if names[i] = strings.TrimSpace(name); names[i] == "" {
			return "", invalid(field, "is no path, want names with single slashes between them: plant-2/line-4")
		}
	}
	if site = strings.Join(names, "/"); len(site) > maxSite || len(names) > maxSiteDepth {
		return "", invalid(field, "has %d bytes and %d names, at most %d and %d are allowed", len(site), len(names), maxSite, maxSiteDepth)
	}
	return site, checkText(field, site)
}

// checkProfile returns the name of a profile without spaces around it; empty is none.
func checkProfile(field, profile string) (string, error) {
	if strings.TrimSpace(profile) == "" {
		return "", nil
	}
	return checkName(field, profile)
}

func checkInterval(field string, d time.Duration) error {
	if d != 0 && (d < minInterval || d > maxInterval) {
		return invalid(field, "is %s, want 0 (learn it) or between %s and %s", d, minInterval, maxInterval)
	}
	return nil
}

func checkMetric(m MetricDescription) (MetricDescription, error) {
	m.Unit = strings.TrimSpace(m.Unit)
	if m.Name == "" || len(m.Name) > maxMetric {
		return m, invalid("name", "has %d bytes, want 1 to %d", len(m.Name), maxMetric)
	}
	if n := utf8.RuneCountInString(m.Unit); n > maxUnit {
		return m, invalid("unit", "has %d characters, at most %d are allowed", n, maxUnit)
	}
	if err := checkText("name", m.Name); err != nil {
		return m, err
	}
	return m, checkText("unit", m.Unit)
}

// searchText is what the search of the device list looks through. Lines keep a search from matching across parts.
func searchText(d *Device) string {
	parts := make([]string, 0, len(d.Labels))
	for name, text := range d.Labels {
		parts = append(parts, name+"="+text)
	}
	slices.Sort(parts)
	return foldText(d.Name + "\n" + string(d.ID) + "\n" + d.Site + "\n" + d.Profile + "\n" + strings.Join(parts, "\n"))
}
