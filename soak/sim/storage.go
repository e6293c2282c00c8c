package sim

import (
	"fmt"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// message is one message of the lane.
type message struct {
	id, subject string
	payload     []byte
}

// each decodes the message. What it cannot read is a fault of the model, as nothing here breaks bytes.
func (m *message) each(visit func(id.Tenant, *telemetry.Batch)) {
	_, tenant, err := telemetry.ParseLaneSubject(m.subject)
	if err == nil {
		err = telemetry.EachBatch(m.payload, func(b *telemetry.Batch) error { visit(tenant, b); return nil })
	}
	if err != nil {
		panic(fmt.Sprintf("sim: a message of the model cannot be read: %v", err))
	}
}

// lane is a stream with one consumer. Messages survive the process; those that are not synced do not survive the power.
// Which messages were acknowledged survives neither, unless it happened to be written.
type lane struct {
	messages []*message
	ids      map[string]int
	synced   int
	acked    map[int]bool
	kept     map[int]bool // acknowledgements that were written
	away     map[int]bool // delivered and not yet due again
}

func (l *lane) has(m *message) bool { _, ok := l.ids[m.id]; return ok }

func (l *lane) append(m *message) {
	l.ids[m.id] = len(l.messages)
	l.messages = append(l.messages, m)
}

func (l *lane) isSynced(m *message) bool { return l.ids[m.id] < l.synced }

func (l *lane) sync() { l.synced = len(l.messages) }

// step is time passing: acknowledgements and messages are written, deliveries fall due again.
func (l *lane) step(w *world) {
	switch {
	case w.chance(0.2):
		for n := range l.acked {
			l.kept[n] = true
		}
	case w.chance(0.1):
		l.sync()
	case w.calm || w.chance(0.1):
		clear(l.away)
	}
}

func (l *lane) crash(power bool) {
	if power {
		for _, m := range l.messages[l.synced:] {
			delete(l.ids, m.id)
		}
		l.messages = l.messages[:l.synced]
	}
	l.synced = len(l.messages) // what was not lost is read back, and then written
	clear(l.away)
	clear(l.acked)
	for n := range l.kept {
		l.acked[n] = true
	}
}

func (l *lane) done() bool { return len(l.acked) == len(l.messages) }

// fetch returns some messages that nobody is known to work on.
func (l *lane) fetch(w *world) []int {
	var hand []int
	for n := range l.synced {
		if !l.acked[n] && !l.away[n] && len(hand) < 3 && w.chance(0.9) {
			l.away[n] = true
			hand = append(hand, n)
		}
	}
	return hand
}

// hour is one window of one device.
type hour struct {
	tenant id.Tenant
	device id.Device
	number int64
}

type sum struct {
	count int
	total float64
}

// table is the database. An insert that was answered is on disk.
type table struct {
	readings map[fact]int // how often each was written
	unsynced []fact       // only with a mutation
	touched  map[hour]uint64
	rollups  map[hour]sum
}

func hourOf(f fact) hour {
	return hour{f.tenant, f.device, int64(f.at) / 3_600_000_000}
}

func (t *table) insert(w *world, facts []fact) {
	for _, f := range facts {
		t.readings[f]++
		if w.mutation == InsertNotSynced {
			t.unsynced = append(t.unsynced, f)
		}
		if w.mutation == RollupsAddUp {
			h := hourOf(f)
			t.rollups[h] = sum{t.rollups[h].count + 1, t.rollups[h].total + f.value}
		}
	}
}

func (t *table) touch(w *world, facts []fact) {
	token := w.random.Uint64() | 1
	done := map[hour]bool{}
	for _, f := range facts {
		if h := hourOf(f); !done[h] {
			done[h] = true
			t.touched[h] += token
		}
	}
}

func (t *table) crash(power bool) {
	if power {
		for _, f := range t.unsynced {
			delete(t.readings, f)
		}
	}
	t.unsynced = nil
}

func (t *table) settled() bool {
	for _, token := range t.touched {
		if token != 0 {
			return false
		}
	}
	return true
}

// sums computes windows from the set.
func (t *table) sums(wanted func(hour) bool) map[hour]sum {
	all := map[hour]sum{}
	for f := range t.readings {
		if h := hourOf(f); wanted(h) {
			all[h] = sum{all[h].count + 1, all[h].total + f.value}
		}
	}
	return all
}
