package alert

import (
	"cmp"
	"iter"
	"log/slog"
	"slices"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

const (
	// maxPairs bounds the devices of one tenant times the rules that are about each: some hundred bytes for each are held.
	maxPairs = 200_000
	// maxLearned bounds the series of one tenant whose usual course is learned. Each is some two kilobytes in every checkpoint: so many
	// are written as often as checkpoints are, without going over checkpointRate.
	maxLearned = 1000
	// workPerSecond bounds how often the rules of one tenant look at packets, on average, and workBurst how much may come at
	// once: what is over it is passed over, so that one tenant's rules cannot keep another's waiting.
	workPerSecond = 2_000_000
	workBurst     = 10 * workPerSecond
	// changesPerSecond bounds in the same way how often the rules of one tenant begin and cease to fire. The burst is that
	// all of its devices fall silent at once.
	changesPerSecond = 200
	changesBurst     = 2 * maxPairs
)

// message is one message of a lane.
type message struct {
	lane    telemetry.Lane
	seq     uint64
	stored  telemetry.Micros // when the lane took it
	pending uint64           // behind it
	tenant  id.Tenant
	data    []byte
}

// evaluation is everything that is known of all tenants at one place in the lanes. It belongs to one goroutine and does no I/O:
// what is to be written to the log collects in out.
type evaluation struct {
	tenants  map[id.Tenant]*tenant
	position [3]uint64        // in each lane, what was seen
	clock    telemetry.Micros // everything that became known in a second before it was seen
	epoch    uint64
	packets  uint64 // that were seen
	wheel    wheel
	out      []finding
	dir      Directory
	gone     []id.Tenant // of which there is something in the checkpoint still
	metrics  *metrics
	log      *slog.Logger
}

// finding is an entry for the log, with where it comes from.
type finding struct {
	tenant *tenant
	pair   *pair // nil when it ended with its rule or device
	entry  Entry
}

type tenant struct {
	id      id.Tenant
	rules   []*rule
	devices map[id.Device]*device
	plans   map[string]*plan
	pairs   int
	learned int                     // series whose usual course is learned
	left    int                     // pairs that were not made, because there are too many
	begin   [3]uint64               // places in the lanes before which nothing concerns it
	dirty   bool                    // something has changed since the checkpoint
	parts   int                     // of the checkpoint
	failed  map[id.AlertRule]string // rules that cannot be run, and why
	// passedOver counts messages and changes that an allowance left out.
	passedOver uint64
	work       bucket
	changes    bucket
}

// rule is a version of a rule that is evaluated.
type rule struct {
	program *alertrule.Program
	*alertrule.Rule
	run RuleRun // as it was counted last
}

// device is one device with the rules that are about it.
type device struct {
	alertrule.Device
	plan  *plan
	pairs []*pair          // in the order of the plan
	seen  telemetry.Micros // when its latest packet became known
}

// pair is one rule for one device.
type pair struct {
	tenant  *tenant
	rule    *rule
	device  *device // nil when it was ended
	state   alertrule.State
	alert   id.Alert  // that is open; empty when none is
	covered [3]uint64 // places in the lanes that the state knows of already, after a restart
	slot    int64     // of the wheel; 0 when it stands in none
	looked  uint64    // the packet that it saw last, counted
}

// bucket is an allowance that fills up with time.
type bucket struct {
	left float64
	at   telemetry.Micros
}

// take uses up a part of the allowance, and says whether there was any left.
func (b *bucket) take(n, perSecond, most float64, now telemetry.Micros) bool {
	if now > b.at {
		b.left = min(most, b.left+float64(now-b.at)/microsPerSecond*perSecond)
		b.at = now
	}
	if b.left <= 0 {
		return false
	}
	b.left -= n
	return true
}

// handle lets all rules of its tenant see a message.
func (e *evaluation) handle(m *message) {
	defer func() { e.position[m.lane] = max(e.position[m.lane], m.seq); e.finish() }()
	t := e.tenants[m.tenant]
	if t == nil || m.seq <= t.begin[m.lane] {
		return
	}
	if !t.work.take(0, workPerSecond, workBurst, m.stored) {
		e.metrics.passedOver.WithLabelValues("work").Inc()
		t.passedOver, t.dirty = t.passedOver+1, true
		return
	}
	err := telemetry.EachBatch(m.data, func(b *telemetry.Batch) error {
		if d := e.device(t, b.Device); d != nil {
			d.seen = max(d.seen, b.Received)
			for at, values := range instants(b.Packets) {
				e.packet(m, t, d, alertrule.Sample{At: at, Received: b.Received, Values: values})
			}
		}
		return nil
	})
	if err != nil { // the stage that stores keeps it as rejected
		e.log.Error("a lane message cannot be read; no rule sees what is in it", "error", err)
	}
}

// instants are the packets of one request in the order of device time, those of one instant together: what is stored of them
// says no more, and a rule finds the same in it.
func instants(packets []telemetry.Packet) iter.Seq2[telemetry.Micros, []telemetry.Value] {
	slices.SortStableFunc(packets, func(a, b telemetry.Packet) int { return cmp.Compare(a.Time, b.Time) })
	return func(yield func(telemetry.Micros, []telemetry.Value) bool) {
		for i := 0; i < len(packets); {
			at, values := packets[i].Time, packets[i].Values
			for i++; i < len(packets) && packets[i].Time == at; i++ {
				values = append(slices.Clip(values), packets[i].Values...)
			}
			if !yield(at, values) {
				return
			}
		}
	}
}

// packet lets the rules that look at any of its metrics see one packet.
func (e *evaluation) packet(m *message, t *tenant, d *device, s alertrule.Sample) {
	if len(d.pairs) == 0 {
		return
	}
	e.packets++
	looks := e.step(m, d, d.plan.always, s)
	for i := range s.Values {
		looks += e.step(m, d, d.plan.byMetric[s.Values[i].Name], s)
	}
	if looks > 0 {
		t.dirty = true
		t.work.take(float64(looks), workPerSecond, workBurst, m.stored)
		e.metrics.looks.Add(float64(looks))
	}
}

// step lets some of a device's pairs see a packet that they have not seen yet.
func (e *evaluation) step(m *message, d *device, which []int32, s alertrule.Sample) (looks int) {
	for _, i := range which {
		if p := d.pairs[i]; p.looked != e.packets && m.seq > p.covered[m.lane] {
			p.looked = e.packets
			looks++
			e.note(p, p.rule.program.Step(&p.state, s))
		}
	}
	return looks
}

// note files what changed, and lets the pair wait for what may come by itself.
func (e *evaluation) note(p *pair, changes []alertrule.Change) {
	for i := range changes {
		c := &changes[i]
		if c.To == alertrule.Firing || c.From == alertrule.Firing {
			e.found(p, c)
		}
	}
	if at, ok := p.rule.program.Due(&p.state); ok {
		e.wheel.put(p, at)
	}
}

// found makes an entry of a change.
func (e *evaluation) found(p *pair, c *alertrule.Change) {
	p.tenant.dirty = true
	entry := p.entry(c)
	if c.From != alertrule.Firing {
		if !p.tenant.changes.take(1, changesPerSecond, changesBurst, max(e.clock, c.At)) {
			e.metrics.passedOver.WithLabelValues("changes").Inc()
			p.tenant.passedOver++
			return
		}
		p.alert = alertID(p.tenant.id, &entry)
	}
	if p.alert == "" { // it began without being told of
		return
	}
	entry.Alert = p.alert
	if c.To != alertrule.Firing {
		p.alert = ""
	}
	e.out = append(e.out, finding{p.tenant, p, entry})
}

func (p *pair) entry(c *alertrule.Change) Entry {
	return Entry{Kind: Changed, Rule: p.rule.ID, Version: p.rule.Version, Name: p.rule.Name, Device: p.device.ID,
		Shadow: p.rule.Mode == alertrule.Shadow, Change: c,
		Message: p.rule.program.Message(alertrule.MessageData{Device: p.device.Device, Change: *c})}
}

// finish writes into the entries what is known after the message that they come from.
func (e *evaluation) finish() {
	for i := len(e.out) - 1; i >= 0 && e.out[i].entry.Epoch == 0; i-- {
		f := &e.out[i]
		f.entry.Epoch, f.entry.Covered = e.epoch, e.position
		if f.pair != nil {
			f.entry.State = f.pair.rule.program.AppendState(nil, &f.pair.state)
		}
	}
}

// tick tells everything that waits what time it is.
func (e *evaluation) tick(now telemetry.Micros) {
	if now <= e.clock {
		return
	}
	e.clock = now
	e.wheel.turn(now, func(p *pair) {
		if p.device != nil {
			e.note(p, p.rule.program.Tick(&p.state, now))
		}
	})
	e.finish()
}
