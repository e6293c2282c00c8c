package alert

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// Kind says what an entry of the log tells.
type Kind string

// The kinds of entries. They are part of the log: never rename.
const (
	Fence        Kind = "fence"   // somebody else evaluates from here on
	Changed      Kind = "change"  // a rule changed its status for a device
	Acknowledged Kind = "ack"     // a person takes care
	Assigned     Kind = "assign"  // a person shall take care
	Commented    Kind = "comment" // a person says something
	Snoozed      Kind = "snooze"  // nobody is to be notified for a while
	Notified     Kind = "notice"  // somebody was notified, or was not, and why
)

// Entry is one message of the log of alerts.
type Entry struct {
	V     int       `json:"v"`
	Kind  Kind      `json:"kind"`
	At    time.Time `json:"at"`              // when it was written
	Epoch uint64    `json:"epoch,omitempty"` // of a Fence and of what it allows: who evaluates, counted
	Alert id.Alert  `json:"alert,omitempty"`

	Rule    id.AlertRule      `json:"rule,omitempty"`
	Version int               `json:"version,omitempty"` // of the rule
	Name    string            `json:"name,omitempty"`    // of the rule by then
	Device  id.Device         `json:"device,omitempty"`
	Shadow  bool              `json:"shadow,omitempty"`
	Change  *alertrule.Change `json:"change,omitempty"`
	Message string            `json:"message,omitempty"` // of the rule, filled in

	// State is what is known of the rule and the device after the change, and Covered the place in each lane up to which that
	// is so: whoever takes over goes on from here and finds no change twice.
	State   []byte    `json:"state,omitempty"`
	Covered [3]uint64 `json:"covered,omitzero"`

	By     string     `json:"by,omitempty"`    // the person, in words
	To     string     `json:"to,omitempty"`    // to whom it was assigned
	Text   string     `json:"text,omitempty"`  // of a comment
	Until  *time.Time `json:"until,omitempty"` // of Snoozed
	Notice *Notice    `json:"notice,omitempty"`
}

// Notice says whether somebody was notified of an alert, and why or why not.
type Notice struct {
	Destination id.Destination     `json:"destination,omitempty"`
	Step        int                `json:"step,omitempty"`  // of the escalation, from 1
	Round       int                `json:"round,omitempty"` // of the repetitions, from 0
	Sent        bool               `json:"sent"`
	Reason      string             `json:"reason"`             // one word
	Severity    alertrule.Severity `json:"severity,omitempty"` // of the alert by then
	Detail      string             `json:"detail,omitempty"`   // for people
	Message     string             `json:"message,omitempty"`  // the id that destinations know it by
	At          time.Time          `json:"-"`                  // when it was written
}

// entryVersion is the version of what is written.
const entryVersion = 1

// errEntry is an entry of a newer program, or one that is none.
var errEntry = errors.New("an entry of the log of alerts cannot be read")

func (e *Entry) encode() ([]byte, error) {
	e.V = entryVersion
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("alert log: %w", err)
	}
	return data, nil
}

func decodeEntry(data []byte) (e Entry, err error) {
	if err := json.Unmarshal(data, &e); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", errEntry, err)
	}
	if e.V < 1 || e.V > entryVersion {
		return Entry{}, fmt.Errorf("%w: its version is %d, this program knows up to %d", errEntry, e.V, entryVersion)
	}
	return e, nil
}

// alertID names the alert that a change begins: the same whenever the same change is found.
func alertID(t id.Tenant, e *Entry) id.Alert {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%s\x00%d\x00%d", t, e.Rule, e.Version, e.Device, e.Change.Number, e.Change.At))
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
	made, _ := id.Parse[id.Alert]("a-" + text) // the letters of base 32 are safe
	return made
}

// unique is the id by which the stream knows a repetition of an entry.
func (e *Entry) unique() string {
	if e.Kind != Changed {
		return ""
	}
	return fmt.Sprintf("%s.%d.%d", e.Alert, e.Change.Number, e.Epoch)
}

// subject is where the entry stands.
func (e *Entry) subject(t id.Tenant) string {
	if e.Kind == Fence {
		return telemetry.AlertFence()
	}
	return telemetry.AlertSubject(t)
}

// fences tells which changes count: those that were written by whoever the latest fence before them names.
type fences struct{ epoch uint64 }

// admits says whether an entry counts. Entries must be shown in the order of the stream.
func (f *fences) admits(e *Entry) bool {
	if e.Kind == Fence {
		f.epoch = max(f.epoch, e.Epoch)
		return true
	}
	return e.Kind != Changed || e.Epoch >= f.epoch
}
