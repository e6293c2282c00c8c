package store

import (
	"encoding/binary"
	"math"
)

// sent is one column of an insert in ClickHouse's own encoding. The values are not handed to the client one by one,
// because looking at the type of each costs more than everything else that is done with it.
type sent struct {
	name, kind string
	data       []byte
}

type table struct {
	name    string
	rows    int
	columns []sent
}

const (
	typeString  = "String"
	typeWord    = "LowCardinality(String)"
	typeMicros  = "DateTime64(6, 'UTC')"
	typeSeconds = "DateTime('UTC')"
	typeDate    = "Date"
	typeByte    = "UInt8"
	typeNumber  = "Float64"
)

// readingsTable encodes the readings. The result is valid until the block changes or is encoded again.
func (b *Block) readingsTable() table {
	b.order()
	s, r := &b.scratch, &b.readings
	ts, value, kind, received, expires := s.take(3, len(r.ts)*8), s.take(4, len(r.ts)*8), s.take(5, len(r.ts)), s.take(6, len(r.ts)*4), s.take(7, len(r.ts)*2)
	for i, row := range s.rows {
		binary.LittleEndian.PutUint64(ts[8*i:], uint64(r.ts[row]))
		binary.LittleEndian.PutUint64(value[8*i:], math.Float64bits(r.value[row]))
		kind[i] = r.kind[row]
		binary.LittleEndian.PutUint32(received[4*i:], r.received[row])
		binary.LittleEndian.PutUint16(expires[2*i:], r.expires[row])
	}
	tenant, device, metric := b.words()
	return table{name: "readings", rows: len(r.ts), columns: []sent{
		{"tenant", typeWord, tenant}, {"device", typeWord, device}, {"metric", typeWord, metric},
		{"ts", typeMicros, ts}, {"value", typeNumber, value}, {"type", typeByte, kind},
		{"received_at", typeSeconds, received}, {"expires", typeDate, expires},
	}}
}

// take returns memory for a column of the readings.
func (s *scratch) take(column, n int) []byte {
	s.readings[column] = resize(s.readings[column], n)
	return s.readings[column]
}

// words encodes tenant, device and metric of the readings.
func (b *Block) words() (tenant, device, metric []byte) {
	s := &b.scratch
	var tenants, devices, metrics dictionary
	for _, n := range s.series {
		if series := &b.series[n]; series.readings > 0 {
			source := &b.sources[series.source]
			tenants.run(string(source.tenant), series.readings)
			devices.run(string(source.device), series.readings)
			metrics.run(series.metric, series.readings)
		}
	}
	s.readings[0] = tenants.encode(s.readings[0][:0])
	s.readings[1] = devices.encode(s.readings[1][:0])
	s.readings[2] = metrics.encode(s.readings[2][:0])
	return s.readings[0], s.readings[1], s.readings[2]
}

// dictionary is a LowCardinality column: its distinct words, and runs of their numbers.
type dictionary struct {
	words   cells
	numbers map[string]uint32
	last    string
	runs    []struct{ word, rows uint32 }
	rows    int
}

// run appends a word so many times.
func (d *dictionary) run(word string, rows uint32) {
	d.rows += int(rows)
	if len(d.runs) > 0 && word == d.last {
		d.runs[len(d.runs)-1].rows += rows
		return
	}
	if d.numbers == nil {
		d.numbers = map[string]uint32{"": 0} // ClickHouse wants the default at the beginning
		d.words.text("")
	}
	number, known := d.numbers[word]
	if !known {
		number = uint32(len(d.numbers))
		d.numbers[word] = number
		d.words.text(word)
	}
	d.last, d.runs = word, append(d.runs, struct{ word, rows uint32 }{number, rows})
}

// Flags of a LowCardinality column: the dictionary comes with the data, and replaces what was before.
const ownDictionary = 1<<9 | 1<<10

func (d *dictionary) encode(out []byte) []byte {
	c := cells(out)
	width := 0 // of a number: 1<<width bytes
	switch n := len(d.numbers); {
	case n > 1<<16:
		width = 2
	case n > 1<<8:
		width = 1
	}
	c.u64(ownDictionary | uint64(width))
	c.u64(uint64(len(d.numbers)))
	c = append(c, d.words...)
	c.u64(uint64(d.rows))
	for _, run := range d.runs {
		for range run.rows {
			switch width {
			case 0:
				c.u8(uint8(run.word))
			case 1:
				c.u16(uint16(run.word))
			default:
				c.u32(run.word)
			}
		}
	}
	return c
}

// cells are values of one column, one behind the other.
type cells []byte

func (c *cells) u8(v uint8)   { *c = append(*c, v) }
func (c *cells) u16(v uint16) { *c = binary.LittleEndian.AppendUint16(*c, v) }
func (c *cells) u32(v uint32) { *c = binary.LittleEndian.AppendUint32(*c, v) }
func (c *cells) u64(v uint64) { *c = binary.LittleEndian.AppendUint64(*c, v) }
func (c *cells) i64(v int64)  { c.u64(uint64(v)) }
func (c *cells) f64(v float64) {
	c.u64(math.Float64bits(v))
}

func (c *cells) text(v string) {
	*c = append(binary.AppendUvarint(*c, uint64(len(v))), v...)
}
