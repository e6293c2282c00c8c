package ingest

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// windowAge is how long a packet is remembered at least: retries come within seconds, after an outage within minutes.
	windowAge = 10 * time.Minute
	// windowEntries bounds one of the two generations: it fills a table of two million slots, 48 MiB, to three quarters.
	windowEntries = 3 << 19
)

// claimKey stands for tenant, device and id: two hashes with secret seeds, 127 bits together, so that nobody can look for
// two packets that meet, and no text is kept. It is never zero.
type claimKey [2]uint64

// window remembers packets: those whose outcome is open, and, in two generations, those that are stored. The older
// generation is dropped whole, which is why an entry needs no time of its own.
type window struct {
	seeds [2]maphash.Seed

	mu      sync.Mutex
	pending map[claimKey]pendingPacket
	stored  table
	older   table
	turned  time.Time
	fetched uint64        // what fetch saw: it says nothing
	reach   time.Duration // how long the older generation took to fill, when that was before its time; else 0
}

type pendingPacket struct {
	flight  *flight
	content uint64
}

func newWindow(now time.Time) *window {
	return &window{
		seeds:   [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		pending: map[claimKey]pendingPacket{},
		stored:  newTable(leastSlots),
		older:   newTable(leastSlots),
		turned:  now,
	}
}

// keys makes the keys of one device.
type keys struct {
	window        *window
	first, second uint64
}

func (w *window) keys(t id.Tenant, d id.Device) keys {
	owner := [2]string{string(t), string(d)}
	return keys{w, maphash.Comparable(w.seeds[0], owner), maphash.Comparable(w.seeds[1], owner)}
}

func (k keys) of(packet string) claimKey {
	w := k.window
	return claimKey{
		maphash.Comparable(w.seeds[0], [2]uint64{k.first, maphash.String(w.seeds[0], packet)}),
		maphash.Comparable(w.seeds[1], [2]uint64{k.second, maphash.String(w.seeds[1], packet)}) | 1,
	}
}

// verdict is what the window says of one packet.
type verdict uint8

const (
	claimed verdict = iota // nobody had it: its flight was told, and now has it
	stored                 // it is there already
	reused                 // something else is there under its id
	waiting                // another request's flight has it: ask again after that one's outcome
	dropped                // a rule of the tenant does not want it: it is accepted and goes nowhere
)

// claim asks for one packet of a request. Its flight is found or made under the lock, so that no packet is claimed
// without one. The caller holds mu.
func (w *window) claim(i *item, of *items) (verdict, *flight) {
	if p, ok := w.pending[i.key]; ok {
		switch {
		case !slices.Contains(of.own, p.flight):
			return waiting, p.flight
		case p.content != i.content:
			return reused, nil
		}
		return stored, p.flight // twice in one request: stored as soon as the first one is
	}
	content, ok := w.stored.get(i.key)
	if !ok {
		content, ok = w.older.get(i.key)
	}
	switch {
	case ok && content == i.content:
		return stored, nil
	case ok:
		return reused, nil
	}
	i.flight = of.board(i)
	i.flight.claims = append(i.flight.claims, slot{key: i.key, content: i.content})
	w.pending[i.key] = pendingPacket{flight: i.flight, content: i.content}
	return claimed, i.flight
}

// fetch looks once at where each packet of a request would be remembered. The tables are larger than the processor's
// caches: so it waits for all those places at once, and claim for none of them. The caller holds mu.
func (w *window) fetch(all []item) {
	for i := range all {
		w.fetched += w.stored.home(all[i].key).content + w.older.home(all[i].key).content
	}
}

// reused says whether something else is there, or on its way, under the packet's id. Nothing is claimed.
func (w *window) reused(i *item) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p, ok := w.pending[i.key]; ok {
		return p.content != i.content
	}
	content, ok := w.stored.get(i.key)
	if !ok {
		content, ok = w.older.get(i.key)
	}
	return ok && content != i.content
}

// settle turns the claims of a flight into memory when it was stored, and gives them back when not.
func (w *window) settle(f *flight, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range f.claims {
		delete(w.pending, c.key) // nobody else can have claimed it in the meantime
		if f.err == nil {
			w.remember(c.key, c.content, now)
		}
	}
}

// remember is called with mu held.
func (w *window) remember(k claimKey, content uint64, now time.Time) {
	if now.Before(w.turned) { // the clock was put back
		w.turned = now
	}
	if age := now.Sub(w.turned); w.stored.used >= windowEntries || age >= windowAge {
		if w.reach = 0; age < windowAge {
			w.reach = max(age, time.Second) // a clock that was put back must not make it look whole
		}
		w.older, w.turned = w.stored, now
		w.stored = newTable(roomFor(w.older.used)) // as many as last time, so that it need not grow under load
	}
	w.stored.put(k, content)
}

// learn takes in a batch found in a lane.
func (w *window) learn(t id.Tenant, b *telemetry.Batch, now time.Time) {
	keys := w.keys(t, b.Device)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range b.Packets {
		w.remember(keys.of(b.Packets[i].ID), b.Packets[i].ContentHash(), now)
	}
	w.reach = 0 // these came over minutes, whatever the clock says
}

// Window is the memory in which repetitions are recognised.
type Window struct {
	Entries int // packets in it
	Bytes   int // that it takes; those that are on their way to a stream are bounded by Options' other limits
	// Reaches is how far back it goes at least; 0 while that is the ten minutes that are promised.
	Reaches time.Duration
}

// Window tells how large the memory for repetitions is.
func (f *Front) Window() Window { return f.window.size() }

func (w *window) size() Window {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Window{
		Entries: len(w.pending) + w.stored.used + w.older.used,
		Bytes:   slotBytes * (len(w.stored.slots) + len(w.older.slots)),
		Reaches: w.reach,
	}
}
