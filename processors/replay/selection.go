package replay

import (
	"strings"
	"time"

	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

// Filter selects rejected packets of a tenant. What is empty does not restrict.
type Filter struct {
	Device id.Device `json:"device,omitempty"`
	Label  string    `json:"label,omitempty"` // name of a label that Value is about
	Value  string    `json:"value,omitempty"` // with Label; empty for devices without that label
	// Site and Profile are those of the devices: exactly these, and with empty text devices without one.
	Site    *string          `json:"site,omitempty"`
	Profile *string          `json:"profile,omitempty"`
	Code    string           `json:"code,omitempty"`
	Cause   string           `json:"cause,omitempty"` // Group.Cause
	From    telemetry.Micros `json:"from,omitempty"`  // first arrival
	To      telemetry.Micros `json:"to,omitempty"`    // arrival that is not included any more
	// Through is the place of the last packet that is meant: "these 412" and none that came since.
	Through uint64 `json:"through,omitempty"`
}

// causeOf is the key of a cause: the code, and where in a packet.
func causeOf(r telemetry.Rejection) string {
	code, pointer := telemetry.CauseOf(r)
	return code + " " + pointer
}

func (f *Filter) matches(k *ingest.KeptPacket, device tenants.Device) bool {
	return (f.Device == "" || k.Device == f.Device) &&
		(f.Label == "" || device.Labels[f.Label] == f.Value) &&
		(f.Site == nil || device.Site == *f.Site) && (f.Profile == nil || device.Profile == *f.Profile) &&
		(f.Code == "" || k.Code == f.Code) &&
		(f.Cause == "" || causeOf(k.Rejection) == f.Cause) &&
		(f.From == 0 || k.Received >= f.From) && (f.To == 0 || k.Received < f.To) &&
		(f.Through == 0 || k.Sequence <= f.Through)
}

// words is the filter for the control log.
func (f *Filter) words() []tenants.Difference {
	return differences([][2]string{
		{"device", string(f.Device)}, {"label", labelWords(f.Label, f.Value)}, {"site", given(f.Site)}, {"profile", given(f.Profile)}, {"code", f.Code}, {"cause", f.Cause},
		{"rejected from", timeWords(f.From)}, {"rejected before", timeWords(f.To)},
	})
}

// Selection selects packets of a tenant in the lanes. What is empty does not restrict.
type Selection struct {
	Device   id.Device        `json:"device,omitempty"`
	Label    string           `json:"label,omitempty"`
	Value    string           `json:"value,omitempty"`
	Site     string           `json:"site,omitempty"` // and everything below it
	Profile  string           `json:"profile,omitempty"`
	From     telemetry.Micros `json:"from,omitempty"` // when its lane took it
	To       telemetry.Micros `json:"to,omitempty"`
	SentFrom telemetry.Micros `json:"sent_from,omitempty"` // device time
	SentTo   telemetry.Micros `json:"sent_to,omitempty"`
}

func (s *Selection) words() []tenants.Difference {
	return differences([][2]string{
		{"device", string(s.Device)}, {"label", labelWords(s.Label, s.Value)}, {"site", s.Site}, {"profile", s.Profile},
		{"received from", timeWords(s.From)}, {"received before", timeWords(s.To)},
		{"device time from", timeWords(s.SentFrom)}, {"device time before", timeWords(s.SentTo)},
	})
}

// device says whether a device's packets are meant at all.
func (s *Selection) device(d id.Device, device tenants.Device) bool {
	return (s.Device == "" || d == s.Device) && (s.Label == "" || device.Labels[s.Label] == s.Value) &&
		(s.Site == "" || device.Site == s.Site || strings.HasPrefix(device.Site, s.Site+"/")) &&
		(s.Profile == "" || device.Profile == s.Profile)
}

// packets are those of a batch that are meant; the batch's own slice when all of them are.
func (s *Selection) packets(all []telemetry.Packet) []telemetry.Packet {
	if s.SentFrom == 0 && s.SentTo == 0 {
		return all
	}
	var meant []telemetry.Packet
	for i := range all {
		if at := all[i].Time; at >= s.SentFrom && (s.SentTo == 0 || at < s.SentTo) {
			meant = append(meant, all[i])
		}
	}
	return meant
}

func differences(pairs [][2]string) []tenants.Difference {
	var list []tenants.Difference
	for _, pair := range pairs {
		if pair[1] != "" {
			list = append(list, tenants.Difference{What: pair[0], After: pair[1]})
		}
	}
	return list
}

// given is a text that may be empty and meant, in words.
func given(text *string) string {
	switch {
	case text == nil:
		return ""
	case *text == "":
		return "(none)"
	}
	return *text
}

func labelWords(name, value string) string {
	if name == "" {
		return ""
	}
	return name + "=" + value
}

func timeWords(at telemetry.Micros) string {
	if at == 0 {
		return ""
	}
	return at.Time().Format(time.RFC3339)
}
