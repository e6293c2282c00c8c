package store

import (
	"cmp"
	"strconv"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Block collects batches of any tenants until Insert writes them together. It keeps its memory when it is reset. The
// zero value is an empty block. Not for concurrent use.
type Block struct {
	readings readingColumns
	events   eventColumns
	latest   latestColumns
	touched  touchedColumns
	packets  int
	newest   map[seriesKey]int // place of a series in latest
	hours    map[hourKey]struct{}
}

type readingColumns struct {
	tenant, device, metric []string
	ts                     []time.Time
	value                  []float64
	kind                   []uint8
	received, expires      []time.Time
}

type eventColumns struct {
	tenant, device []string
	ts             []time.Time
	kind           []uint8
	name, text     []string
	received       []time.Time
	expires        []time.Time
}

type latestColumns struct {
	tenant, device, metric []string
	ts                     []time.Time
	kind                   []uint8
	num                    []float64
	text                   []string
	received, seen         []time.Time
	expires                []time.Time
}

type touchedColumns struct {
	tenant, device []string
	hour           []time.Time
}

type seriesKey struct {
	tenant id.Tenant
	device id.Device
	metric string
}

type hourKey struct {
	tenant id.Tenant
	device id.Device
	hour   int64
}

// Add appends a tenant's batch. The block refers to the batch's texts, not to its slices.
func (b *Block) Add(t id.Tenant, batch *telemetry.Batch) {
	if b.newest == nil {
		b.newest, b.hours = make(map[seriesKey]int), make(map[hourKey]struct{})
	}
	received := batch.Received.Time()
	for i := range batch.Packets {
		p := &batch.Packets[i]
		at := moment{ts: p.Time.Time(), received: received, expires: expiry(p.Time, batch.RetainDays), kind: p.Kind}
		b.packets++
		for j := range p.Values {
			b.addValue(t, batch.Device, at, p.Values[j])
		}
	}
}

// moment is what the values of a packet have in common.
type moment struct {
	ts, received, expires time.Time
	kind                  telemetry.Kind
}

func (b *Block) addValue(t id.Tenant, d id.Device, at moment, v telemetry.Value) {
	if v.Num == 0 {
		v.Num = 0 // minus zero is the same fact as zero
	}
	if v.Type != telemetry.Text {
		b.addReading(t, d, at, v)
	}
	// A change of status is an event whatever its type; numbers and bools of other packets are readings only.
	if v.Type == telemetry.Text || at.kind == telemetry.KindStatus {
		b.addEvent(t, d, at, v)
	}
	b.addLatest(t, d, at, v)
}

func (b *Block) addReading(t id.Tenant, d id.Device, at moment, v telemetry.Value) {
	c := &b.readings
	c.tenant, c.device, c.metric = append(c.tenant, string(t)), append(c.device, string(d)), append(c.metric, v.Name)
	c.ts, c.value, c.kind = append(c.ts, at.ts), append(c.value, v.Num), append(c.kind, uint8(v.Type))
	c.received, c.expires = append(c.received, at.received), append(c.expires, at.expires)
	b.touch(t, d, at.ts)
}

func (b *Block) addEvent(t id.Tenant, d id.Device, at moment, v telemetry.Value) {
	c := &b.events
	c.tenant, c.device = append(c.tenant, string(t)), append(c.device, string(d))
	c.ts, c.kind = append(c.ts, at.ts), append(c.kind, uint8(at.kind))
	c.name, c.text = append(c.name, v.Name), append(c.text, valueText(v))
	c.received, c.expires = append(c.received, at.received), append(c.expires, at.expires)
}

func (b *Block) touch(t id.Tenant, d id.Device, ts time.Time) {
	hour := ts.Truncate(time.Hour)
	key := hourKey{tenant: t, device: d, hour: hour.Unix()}
	if _, known := b.hours[key]; known {
		return
	}
	b.hours[key] = struct{}{}
	c := &b.touched
	c.tenant, c.device, c.hour = append(c.tenant, string(t)), append(c.device, string(d)), append(c.hour, hour)
}

// addLatest keeps one row per series, chosen as the table itself would choose: the table then has less to merge.
func (b *Block) addLatest(t id.Tenant, d id.Device, at moment, v telemetry.Value) {
	key := seriesKey{tenant: t, device: d, metric: v.Name}
	i, known := b.newest[key]
	if !known {
		b.newest[key] = b.latest.add(t, d, at, v)
		return
	}
	c := &b.latest
	c.seen[i], c.expires[i] = later(c.seen[i], at.received), later(c.expires[i], at.expires)
	if c.less(i, at, v) {
		c.set(i, at, v)
	}
}

func (c *latestColumns) add(t id.Tenant, d id.Device, at moment, v telemetry.Value) int {
	c.tenant, c.device, c.metric = append(c.tenant, string(t)), append(c.device, string(d)), append(c.metric, v.Name)
	c.ts, c.kind, c.num, c.text = append(c.ts, at.ts), append(c.kind, uint8(v.Type)), append(c.num, v.Num), append(c.text, v.Text)
	c.received, c.seen, c.expires = append(c.received, at.received), append(c.seen, at.received), append(c.expires, at.expires)
	return len(c.ts) - 1
}

// less is the order of the column "newest" of the table latest.
func (c *latestColumns) less(i int, at moment, v telemetry.Value) bool {
	return cmp.Or(
		c.ts[i].Compare(at.ts),
		cmp.Compare(c.kind[i], uint8(v.Type)),
		cmp.Compare(c.num[i], v.Num),
		cmp.Compare(c.text[i], v.Text),
		at.received.Compare(c.received[i]),
	) < 0
}

func (c *latestColumns) set(i int, at moment, v telemetry.Value) {
	c.ts[i], c.kind[i], c.num[i], c.text[i], c.received[i] = at.ts, uint8(v.Type), v.Num, v.Text, at.received
}

// Rows is the number of readings and events in the block.
func (b *Block) Rows() int { return len(b.readings.ts) + len(b.events.ts) }

// Packets is the number of packets in the block.
func (b *Block) Packets() int { return b.packets }

// Reset empties the block and keeps its memory.
func (b *Block) Reset() {
	r, e, l, u := &b.readings, &b.events, &b.latest, &b.touched
	for _, s := range []*[]string{&r.tenant, &r.device, &r.metric, &e.tenant, &e.device, &e.name, &e.text,
		&l.tenant, &l.device, &l.metric, &l.text, &u.tenant, &u.device} {
		clear(*s) // the texts of a batch must not live as long as the block
		*s = (*s)[:0]
	}
	for _, s := range []*[]time.Time{&r.ts, &r.received, &r.expires, &e.ts, &e.received, &e.expires,
		&l.ts, &l.received, &l.seen, &l.expires, &u.hour} {
		*s = (*s)[:0]
	}
	r.value, l.num = r.value[:0], l.num[:0]
	r.kind, e.kind, l.kind = r.kind[:0], e.kind[:0], l.kind[:0]
	b.packets = 0
	clear(b.newest)
	clear(b.hours)
}

// never is the last day that ClickHouse's Date can name.
var never = time.Date(2149, time.June, 6, 0, 0, 0, 0, time.UTC)

// expiry is the first day on which a reading of this device time is not kept any more; zero days mean for ever.
func expiry(ts telemetry.Micros, retainDays uint16) time.Time {
	if retainDays == 0 {
		return never
	}
	const day = 24 * time.Hour
	last := ts.Time().Truncate(day).Add((time.Duration(retainDays) + 1) * day)
	if last.After(never) {
		return never
	}
	return last
}

func valueText(v telemetry.Value) string {
	switch v.Type {
	case telemetry.Text:
		return v.Text
	case telemetry.Bool:
		return strconv.FormatBool(v.Num != 0)
	default:
		return strconv.FormatFloat(v.Num, 'g', -1, 64)
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
