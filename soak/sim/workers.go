package sim

import (
	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// worker takes messages out of the lane and puts their readings into the table: fetch, insert, touch, settle.
type worker struct {
	hand  []int
	facts []fact
	phase int
}

func (k *worker) step(w *world) {
	if len(k.hand) == 0 {
		k.fetch(w)
		return
	}
	order := []func(*world) (done bool){k.insert, k.touch, k.settle}
	switch w.mutation {
	case SettleBeforeInsert:
		order = []func(*world) bool{k.settle, k.insert, k.touch}
	case TouchBeforeReadings:
		order = []func(*world) bool{k.touch, k.insert, k.settle}
	}
	if order[k.phase](w) {
		k.phase++
	}
	if k.phase == len(order) {
		*k = worker{}
	}
}

func (k *worker) fetch(w *world) {
	k.hand = w.lane.fetch(w)
	for _, n := range k.hand {
		w.lane.messages[n].each(func(t id.Tenant, b *telemetry.Batch) {
			for _, p := range b.Packets {
				k.facts = append(k.facts, factOf(t, b.Device, p))
			}
		})
	}
}

// insert may commit a part of the block, and its answer may be lost; then it is done again.
func (k *worker) insert(w *world) bool {
	if w.trouble(0.1) {
		w.table.insert(w, k.facts[:w.random.IntN(len(k.facts)+1)])
		return false
	}
	w.table.insert(w, k.facts)
	return !w.trouble(0.1)
}

func (k *worker) touch(w *world) bool {
	if w.mutation != RollupsAddUp {
		w.table.touch(w, k.facts)
	}
	return !w.trouble(0.1)
}

// settle acknowledges; some of it may not arrive.
func (k *worker) settle(w *world) bool {
	for _, n := range k.hand {
		if n < len(w.lane.messages) && !w.trouble(0.1) {
			w.lane.acked[n] = true
		}
	}
	return true
}

// roller recomputes what was touched: take, compute, write, forget.
type roller struct {
	taken    map[hour]uint64
	computed map[hour]sum
	phase    int
}

func (r *roller) step(w *world) {
	if w.trouble(0.1) {
		*r = roller{} // the run failed half-way; the next one begins anew
		return
	}
	switch r.phase {
	case 0:
		r.taken = map[hour]uint64{}
		for h, token := range w.table.touched {
			if token != 0 {
				r.taken[h] = token
			}
		}
		if len(r.taken) == 0 {
			return
		}
	case 1:
		r.computed = w.table.sums(func(h hour) bool { _, ok := r.taken[h]; return ok })
	case 2:
		r.write(w)
	case 3:
		r.forget(w)
	}
	r.phase = (r.phase + 1) % 4
}

// write puts the windows where the one with more facts wins.
func (r *roller) write(w *world) {
	for h, s := range r.computed {
		if w.mutation == LastRollupWins || s.count >= w.table.rollups[h].count {
			w.table.rollups[h] = s
		}
	}
}

func (r *roller) forget(w *world) {
	for h, token := range r.taken {
		if w.mutation == ForgetEverything {
			w.table.touched[h] = 0
			continue
		}
		w.table.touched[h] -= token
	}
}
