// Package sim runs accept → lane → insert → settle → roll up as state machines that take one step at a time, in an order
// that a seed decides, with a crash possible between any two effects. It finds orders of events that no test with real
// processes would meet in years, and repeats each by its seed.
//
// Contract: pure and single-threaded; the same Options give the same run. What travels is encoded and decoded by package
// telemetry, and what is stored follows the rule of facts. What is modelled: devices that repeat themselves, lose answers
// and use the same packet ids; the window of recent ids and its rebuilding; groups of requests in one message;
// retries of a message by its id; a stream that loses what it did not sync when the power fails; acknowledgements of
// messages that a crash forgets; two workers that may hold the same messages; inserts whose answers are lost; two rollups
// at once. Engines and disks that lie are not: the harness around this package uses real ones.
package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Mutation is a mistake that one could make in the program. The zero value is none.
type Mutation string

// Mutations are mistakes that Run must find.
const (
	None                Mutation = ""
	AckBeforeDurable    Mutation = "the device gets its 200 before the stream has synced"
	WindowBeforeDurable Mutation = "a packet counts as stored as soon as it is claimed"
	WindowWithoutDevice Mutation = "packet ids of two devices meet"
	SettleBeforeInsert  Mutation = "a message is acknowledged before it is inserted"
	InsertNotSynced     Mutation = "an insert is acknowledged before it is on disk"
	TableIsBag          Mutation = "the table counts repetitions"
	RollupsAddUp        Mutation = "rollups are added up on the way"
	TouchBeforeReadings Mutation = "an hour is marked as touched before its readings are there"
	ForgetEverything    Mutation = "a rollup forgets hours that were touched meanwhile"
	LastRollupWins      Mutation = "of two computations the later write wins"
)

// Mutations lists them all.
func Mutations() []Mutation {
	return []Mutation{AckBeforeDurable, WindowBeforeDurable, WindowWithoutDevice, SettleBeforeInsert, InsertNotSynced,
		TableIsBag, RollupsAddUp, TouchBeforeReadings, ForgetEverything, LastRollupWins}
}

// Options choose one run.
type Options struct {
	Seed     uint64
	Mutation Mutation
}

// ErrBroken is returned by Run when a promise was not kept.
var ErrBroken = errors.New("a promise was not kept")

// Bounds of a run.
const (
	troubledSteps = 600    // during which anything may happen
	calmSteps     = 20_000 // by then everything must be at rest
	crashOdds     = 0.01
)

// actor takes one step; a step has one effect that others can see.
type actor interface{ step(*world) }

type world struct {
	mutation Mutation
	random   *rand.Rand
	calm     bool // nothing goes wrong any more
	lane     lane
	table    table
	front    *front
	devices  []*device
	actors   []actor // everything that moves
}

// Run lets one seed happen. It returns ErrBroken with what was lost, doubled, invented or summed up wrongly.
func Run(o Options) error {
	w := newWorld(o)
	for range troubledSteps {
		w.step()
	}
	w.calm = true
	for range calmSteps {
		if w.atRest() {
			return w.check(o)
		}
		w.step()
	}
	return fmt.Errorf("%w: seed %d: it never comes to rest", ErrBroken, o.Seed)
}

func newWorld(o Options) *world {
	w := &world{mutation: o.Mutation, random: rand.New(rand.NewPCG(o.Seed, 7))}
	w.lane = lane{ids: map[string]int{}, acked: map[int]bool{}, kept: map[int]bool{}, away: map[int]bool{}}
	w.table = table{readings: map[fact]int{}, touched: map[hour]uint64{}, rollups: map[hour]sum{}}
	w.start()
	for i := range 4 {
		tenant := id.Tenant(fmt.Sprintf("t-%d", i/2))
		w.devices = append(w.devices, newDevice(tenant, id.Device(fmt.Sprintf("d-%d", i)), i))
	}
	return w
}

// start makes everything that lives in the process, as after a crash.
func (w *world) start() {
	w.front = newFront(w)
	w.actors = []actor{w.front, w.front, &w.lane, &worker{}, &worker{}, &roller{}, &roller{}}
}

func (w *world) chance(p float64) bool { return w.random.Float64() < p }

// trouble is chance while things may go wrong.
func (w *world) trouble(p float64) bool { return !w.calm && w.chance(p) }

func (w *world) step() {
	if w.trouble(crashOdds) {
		w.crash(w.chance(0.5))
		return
	}
	n := w.random.IntN(len(w.actors) + len(w.devices))
	if n < len(w.actors) {
		w.actors[n].step(w)
		return
	}
	w.devices[n-len(w.actors)].step(w)
}

// crash ends the process. With the power, everything that was not synced goes too.
func (w *world) crash(power bool) {
	for _, d := range w.devices {
		d.unanswered()
	}
	w.lane.crash(power)
	w.table.crash(power)
	w.start()
}

func (w *world) atRest() bool {
	for _, d := range w.devices {
		if !d.done() {
			return false
		}
	}
	return len(w.front.requests) == 0 && w.lane.done() && w.table.settled()
}

// check compares what is shown with what was sent and acknowledged.
func (w *world) check(o Options) error {
	sent := map[fact]bool{}
	for _, d := range w.devices {
		for _, p := range d.packets {
			sent[factOf(d.tenant, d.id, p)] = true
			if d.acked[p.ID] && w.table.readings[factOf(d.tenant, d.id, p)] == 0 {
				return broken(o, "packet %s of %s was acknowledged and is lost", p.ID, d.id)
			}
		}
	}
	var faults []string // maps have no order, and a seed must fail with the same words each time
	for f, times := range w.table.readings {
		if !sent[f] {
			faults = append(faults, fmt.Sprintf("%v is shown and was never sent", f))
		}
		if times > 1 && w.mutation == TableIsBag {
			faults = append(faults, fmt.Sprintf("%v is shown %d times", f, times))
		}
	}
	want := w.table.sums(func(hour) bool { return true })
	for h, s := range want {
		if got := w.table.rollups[h]; got != s {
			faults = append(faults, fmt.Sprintf("the rollup of %v is %v, its readings are %v", h, got, s))
		}
	}
	switch {
	case len(faults) > 0:
		return broken(o, "%s", slices.Min(faults))
	case len(want) != len(w.table.rollups):
		return broken(o, "%d rollups of %d hours", len(w.table.rollups), len(want))
	}
	return nil
}

func broken(o Options, format string, args ...any) error {
	return fmt.Errorf("%w: seed %d: %s", ErrBroken, o.Seed, fmt.Sprintf(format, args...))
}

// fact is what a reading is.
type fact struct {
	tenant id.Tenant
	device id.Device
	at     telemetry.Micros
	value  float64
}

func factOf(t id.Tenant, d id.Device, p telemetry.Packet) fact {
	return fact{t, d, p.Time, p.Values[0].Num}
}
