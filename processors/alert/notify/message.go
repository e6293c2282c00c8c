package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"longwave/processors/forward"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// The types of messages.
const (
	TypeFiring   = "alert.firing"
	TypeResolved = "alert.resolved"
)

const (
	// shownAlerts is how many alerts of a message are listed in words; the data has them all, up to listedAlerts.
	shownAlerts  = 10
	listedAlerts = 100
	// maxShown bounds what one name or message takes of a text.
	maxShown = 300
)

// body is what a message carries for programs.
type body struct {
	Alerts []alertBody `json:"alerts"`
	More   int         `json:"more,omitempty"` // that are not listed
}

type alertBody struct {
	ID       id.Alert           `json:"id"`
	Rule     id.AlertRule       `json:"rule"`
	Name     string             `json:"name"`
	Device   deviceBody         `json:"device"`
	Status   string             `json:"status"`
	Severity alertrule.Severity `json:"severity"`
	Reason   Reason             `json:"reason"`
	Began    time.Time          `json:"began"`
	Ended    *time.Time         `json:"ended,omitempty"`
	Message  string             `json:"message"`
	Values   map[string]any     `json:"values,omitempty"`
	Links    map[string]string  `json:"links,omitempty"`
}

type deviceBody struct {
	ID   id.Device `json:"id"`
	Name string    `json:"name,omitempty"`
	Site string    `json:"site,omitempty"`
}

// message is what a destination is sent about the items of a group.
func (r *turn) message(g group, items []item) (forward.Message, error) {
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(b.alert.Severity, a.alert.Severity), cmp.Compare(a.alert.ID, b.alert.ID))
	})
	m := forward.Message{ID: messageID(g, items), Type: TypeFiring, At: r.o.Now().UTC(), Title: title(items)}
	if g.over {
		m.Type = TypeResolved
	}
	data := body{More: max(0, len(items)-listedAlerts)}
	var text strings.Builder
	for k, i := range items[:min(len(items), listedAlerts)] {
		about, err := r.about(&i, len(items) == 1)
		if err != nil {
			return forward.Message{}, err
		}
		data.Alerts = append(data.Alerts, about)
		if k < shownAlerts {
			text.WriteString(words(&i) + "\n")
		}
	}
	if more := len(items) - shownAlerts; more > 0 {
		fmt.Fprintf(&text, "and %d more\n", more)
	}
	if len(items) == 1 {
		text.WriteString(linkWords(data.Alerts[0].Links))
	}
	m.Text = strings.TrimSuffix(text.String(), "\n")
	var err error
	m.Data, err = json.Marshal(data)
	return m, err
}

// messageID is the same for the same alerts in the same state, so that what is queued again after a crash is known.
func messageID(g group, items []item) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00", g.tenant, g.destination)
	for _, i := range items {
		fmt.Fprintf(h, "%s\x00%d\x00%d\x00%s\x00%d\x00", i.alert.ID, i.due.Step, i.due.Round, i.due.Reason, i.alert.Severity)
	}
	return "msg_" + hex.EncodeToString(h.Sum(nil)[:15])
}

// about is one alert for programs. An alert that stands alone and fires has links.
func (r *turn) about(i *item, alone bool) (alertBody, error) {
	a := &i.alert
	out := alertBody{ID: a.ID, Rule: a.Rule, Name: a.Name, Device: deviceBody{a.Device, i.device.Name, i.device.Site}, Status: "firing",
		Severity: a.Severity, Reason: i.due.Reason, Began: a.Began.Time(), Message: a.Message}
	for _, v := range a.Latest.Values {
		if out.Values == nil {
			out.Values = make(map[string]any)
		}
		out.Values[v.Metric] = v.Content()
	}
	if !a.Firing {
		ended := a.Ended.Time()
		out.Status, out.Ended = "resolved", &ended
		return out, nil
	}
	if !alone {
		return out, nil
	}
	out.Links = make(map[string]string)
	for _, purpose := range []Purpose{Acknowledge, Snooze} {
		address, err := r.o.Links.URL(Link{Tenant: i.ref.Tenant, Alert: a.ID, Purpose: purpose})
		if err != nil {
			return alertBody{}, err
		}
		out.Links[string(purpose)] = address
	}
	return out, nil
}

// title is one line, whatever stands in names.
func title(items []item) string {
	first := &items[0]
	state := strings.ToUpper(first.alert.Severity.String())
	if !first.alert.Firing {
		state = "Resolved"
	}
	if len(items) == 1 {
		return oneLine(fmt.Sprintf("[%s] %s: %s", state, first.alert.Name, deviceName(first)))
	}
	return oneLine(fmt.Sprintf("[%s] %s: %d alerts", state, first.alert.Name, len(items)))
}

// words is one alert for people, on one line.
func words(i *item) string {
	a := &i.alert
	if !a.Firing {
		return oneLine(fmt.Sprintf("Resolved: %s (%s), after %s.", deviceName(i), a.Name, a.Ended.Time().Sub(a.Began.Time()).Round(time.Second)))
	}
	line := fmt.Sprintf("%s: %s (since %s)", a.Severity, a.Message, a.Began.Time().Format(time.RFC3339))
	switch i.due.Reason {
	case Escalated:
		line += ", nobody has acknowledged it"
	case Repeated, CatchUp:
		line += ", it still fires"
	case Worse:
		line += ", it became worse"
	}
	return oneLine(line)
}

func linkWords(links map[string]string) string {
	if len(links) == 0 {
		return ""
	}
	return "Acknowledge: " + links[string(Acknowledge)] + "\nSnooze for an hour: " + links[string(Snooze)] + "\n"
}

func deviceName(i *item) string {
	if i.device.Name != "" {
		return i.device.Name
	}
	return string(i.alert.Device)
}

// oneLine makes a text of others fit for a line: no line ends, nothing invisible, not too long.
func oneLine(text string) string {
	out := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if len(out) > maxShown {
		out = strings.ToValidUTF8(out[:maxShown], "") + "…"
	}
	return out
}
