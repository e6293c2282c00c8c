package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Runs is how the rules of a tenant fare, as whoever evaluates them wrote it down last. It stands beside the checkpoint and
// costs no write of its own.
type Runs struct {
	V          int                      `json:"v"`
	At         time.Time                `json:"at"`
	Process    string                   `json:"process"`               // the copy of the program that evaluates
	PassedOver uint64                   `json:"passed_over,omitempty"` // what that copy left out because an allowance of the tenant was used up
	LeftOut    int                      `json:"left_out,omitempty"`    // rules times devices that are too many
	Rules      map[id.AlertRule]RuleRun `json:"rules,omitempty"`
}

// RuleRun is how one rule fares.
type RuleRun struct {
	Version int    `json:"version"`
	Devices int    `json:"devices"`           // that it is evaluated for
	Late    uint64 `json:"late,omitempty"`    // packets that showed nothing newer, and did not count
	Failure string `json:"failure,omitempty"` // why it is not evaluated; empty when it is
}

// runsVersion is the version of what is written.
const runsVersion = 1

// readTimeout is how long a page waits for what it could do without.
const readTimeout = 2 * time.Second

// runs counts how the rules of a tenant fare.
func (t *tenant) runs(process string, now time.Time) Runs {
	out := Runs{V: runsVersion, At: now.UTC(), Process: process, PassedOver: t.passedOver, LeftOut: t.left, Rules: make(map[id.AlertRule]RuleRun, len(t.rules))}
	for _, r := range t.rules {
		r.run = RuleRun{Version: r.Version}
	}
	for _, d := range t.devices {
		for _, p := range d.pairs {
			p.rule.run.Devices++
			p.rule.run.Late += p.state.Late
		}
	}
	for _, r := range t.rules {
		out.Rules[r.ID] = r.run
	}
	for name, why := range t.failed {
		out.Rules[name] = RuleRun{Failure: why}
	}
	return out
}

// Runs tells how the rules of a tenant fare, some seconds old; nothing when no rule was evaluated yet. It returns ErrUnavailable.
func (b *Book) Runs(ctx context.Context, t id.Tenant) (r Runs, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	stream, err := b.o.JS.Stream(ctx, telemetry.AlertStateStream)
	if err != nil {
		return Runs{}, fmt.Errorf("%w: how rules fare: %w", ErrUnavailable, err)
	}
	m, err := stream.GetLastMsgForSubject(ctx, telemetry.AlertRuns(t))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Runs{}, nil
	}
	if err == nil {
		err = json.Unmarshal(m.Data, &r)
	}
	if err == nil && r.V != runsVersion {
		err = errEntry
	}
	if err != nil {
		return Runs{}, fmt.Errorf("%w: how rules fare: %w", ErrUnavailable, err)
	}
	return r, nil
}
