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
//
// A reading names its series by a number, so that ids and names, which are most of a reading's text, are looked at once
// for each series and hardly ever for a reading.
type Block struct {
	readings readingRows
	events   []eventRow
	sources  []source
	series   []series
	hours    []hourKey
	packets  int

	bySource map[sourceKey]uint32
	byMetric map[metricKey]uint32
	byHour   map[hourKey]struct{}
	scratch  scratch
}

// readingRows are the readings in the order in which they came.
type readingRows struct {
	series   []uint32
	ts       []int64 // microseconds
	value    []float64
	kind     []uint8
	received []uint32 // seconds
	expires  []uint16 // days
}

type eventRow struct {
	source       uint32
	ts, received int64
	name, text   string
	expires      uint16
	kind         uint8
}

// source is a device of which the block holds packets.
type source struct {
	tenant id.Tenant
	device id.Device
	hour   int64    // the last one that was touched, to ask the map less
	places []uint32 // the series at each place of the last packet: the next packet usually names the same ones in the same order
}

// series is one metric of a source, with its newest value: the row for the table latest.
type series struct {
	source   uint32
	readings uint32
	metric   string
	newest   moment
	value    telemetry.Value
	seen     int64
	expires  uint16
}

// moment is what the values of a packet have in common.
type moment struct {
	ts, received int64
	expires      uint16
	kind         telemetry.Kind
}

type sourceKey struct {
	tenant id.Tenant
	device id.Device
}

type metricKey struct {
	source uint32
	metric string
}

type hourKey struct {
	source uint32
	hour   int64 // seconds
}

// Add appends a tenant's batch. The block refers to the batch's texts, not to its slices.
func (b *Block) Add(t id.Tenant, batch *telemetry.Batch) {
	if b.bySource == nil {
		b.bySource, b.byMetric, b.byHour = make(map[sourceKey]uint32), make(map[metricKey]uint32), make(map[hourKey]struct{})
	}
	from := b.source(t, batch.Device)
	for i := range batch.Packets {
		p := &batch.Packets[i]
		at := moment{ts: int64(p.Time), received: int64(batch.Received), expires: expiry(p.Time, batch.RetainDays), kind: p.Kind}
		b.packets++
		for place := range p.Values {
			b.addValue(from, place, at, p.Values[place])
		}
	}
}

func (b *Block) source(t id.Tenant, d id.Device) uint32 {
	key := sourceKey{t, d}
	n, known := b.bySource[key]
	if known {
		return n
	}
	n = uint32(len(b.sources))
	b.bySource[key] = n
	var places []uint32
	if len(b.sources) < cap(b.sources) { // what a source before the last Reset has left
		places = b.sources[:n+1][n].places[:0]
	}
	b.sources = append(b.sources, source{tenant: t, device: d, hour: -1, places: places})
	return n
}

func (b *Block) addValue(from uint32, place int, at moment, v telemetry.Value) {
	if v.Num == 0 {
		v.Num = 0 // minus zero is the same fact as zero
	}
	n := b.seriesOf(from, place, v.Name)
	if v.Type != telemetry.Text {
		b.addReading(from, n, at, v)
	}
	// A change of status is an event whatever its type; numbers and bools of other packets are readings only.
	if v.Type == telemetry.Text || at.kind == telemetry.KindStatus {
		b.events = append(b.events, eventRow{source: from, ts: at.ts, received: at.received, kind: uint8(at.kind),
			name: v.Name, text: valueText(v), expires: at.expires})
	}
	b.series[n].offer(at, v)
}

// seriesOf finds the number of a series. The place never exceeds what the source remembers, since a packet's values
// come one after the other.
func (b *Block) seriesOf(from uint32, place int, name string) uint32 {
	s := &b.sources[from]
	if place < len(s.places) && b.series[s.places[place]].metric == name {
		return s.places[place]
	}
	n, known := b.byMetric[metricKey{from, name}]
	if !known {
		n = uint32(len(b.series))
		b.byMetric[metricKey{from, name}] = n
		b.series = append(b.series, series{source: from, metric: name})
	}
	if place < len(s.places) {
		s.places[place] = n
	} else {
		s.places = append(s.places, n)
	}
	return n
}

func (b *Block) addReading(from, n uint32, at moment, v telemetry.Value) {
	c := &b.readings
	c.series, c.ts, c.value = append(c.series, n), append(c.ts, at.ts), append(c.value, v.Num)
	c.kind, c.received, c.expires = append(c.kind, uint8(v.Type)), append(c.received, seconds(at.received)), append(c.expires, at.expires)
	b.series[n].readings++
	b.touch(from, at.ts)
}

func (b *Block) touch(from uint32, ts int64) {
	const length = int64(time.Hour / time.Microsecond)
	hour := ts / length * int64(time.Hour/time.Second)
	if s := &b.sources[from]; s.hour == hour {
		return
	} else {
		s.hour = hour
	}
	key := hourKey{from, hour}
	if _, known := b.byHour[key]; known {
		return
	}
	b.byHour[key] = struct{}{}
	b.hours = append(b.hours, key)
}

// offer keeps one row of a series, chosen as the table latest itself would choose: the table then has less to merge.
func (s *series) offer(at moment, v telemetry.Value) {
	first := s.seen == 0 && s.newest == (moment{})
	s.seen, s.expires = max(s.seen, at.received), max(s.expires, at.expires)
	if first || s.less(at, v) {
		s.newest, s.value = at, v
	}
}

// less is the order of the column "newest" of the table latest.
func (s *series) less(at moment, v telemetry.Value) bool {
	if s.newest.ts != at.ts {
		return s.newest.ts < at.ts
	}
	return cmp.Or(
		cmp.Compare(s.value.Type, v.Type),
		cmp.Compare(s.value.Num, v.Num),
		cmp.Compare(s.value.Text, v.Text),
		cmp.Compare(at.received, s.newest.received),
	) < 0
}

// Rows is the number of readings and events in the block.
func (b *Block) Rows() int { return len(b.readings.ts) + len(b.events) }

// Packets is the number of packets in the block.
func (b *Block) Packets() int { return b.packets }

// keptRows is how many rows' memory an emptied block may keep while the blocks are much smaller than that.
const keptRows = 1 << 16

// Reset empties the block and keeps its memory, unless that is many times what was in use: a backlog makes blocks that
// are not seen again for weeks.
func (b *Block) Reset() {
	if had := cap(b.readings.ts) + cap(b.events); had > keptRows && had > 8*b.Rows() {
		*b = Block{}
		return
	}
	r := &b.readings
	r.series, r.ts, r.value, r.kind = r.series[:0], r.ts[:0], r.value[:0], r.kind[:0]
	r.received, r.expires, b.hours, b.packets = r.received[:0], r.expires[:0], b.hours[:0], 0
	clear(b.events) // the texts of a batch must not live as long as the block
	clear(b.series)
	b.events, b.series = b.events[:0], b.series[:0]
	for i := range b.sources {
		b.sources[i] = source{places: b.sources[i].places}
	}
	b.sources = b.sources[:0]
	clear(b.bySource)
	clear(b.byMetric)
	clear(b.byHour)
}

// never is the last day that ClickHouse's Date can name: 6 June 2149.
const never = 65535

// expiry is the first day on which a reading of this device time is not kept any more; zero days mean for ever.
func expiry(ts telemetry.Micros, retainDays uint16) uint16 {
	if retainDays == 0 {
		return never
	}
	const length = telemetry.Micros(24 * time.Hour / time.Microsecond)
	return uint16(min(never, max(0, floor(ts, length)/length)+telemetry.Micros(retainDays)+1))
}

// seconds is a time as ClickHouse's DateTime holds it, which begins in 1970 and ends in 2106.
func seconds(micros int64) uint32 { return uint32(min(max(micros/1_000_000, 0), 1<<32-1)) }

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
