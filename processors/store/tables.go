package store

import "math/rand/v2"

func (b *Block) eventsTable() table {
	var tenant, device, ts, kind, name, text, received, expires cells
	for i := range b.events {
		e := &b.events[i]
		tenant.text(string(b.sources[e.source].tenant))
		device.text(string(b.sources[e.source].device))
		ts.i64(e.ts)
		kind.u8(e.kind)
		name.text(e.name)
		text.text(e.text)
		received.i64(e.received)
		expires.u16(e.expires)
	}
	return table{name: "events", rows: len(b.events), columns: []sent{
		{"tenant", typeString, tenant}, {"device", typeString, device}, {"ts", typeMicros, ts}, {"kind", typeByte, kind},
		{"name", typeString, name}, {"text", typeString, text},
		{"received_at", typeMicros, received}, {"expires", typeDate, expires},
	}}
}

// latestTable is in the order of the table; the readings have been encoded before.
func (b *Block) latestTable() table {
	var tenant, device, metric, ts, kind, num, text, received, seen, expires cells
	for _, n := range b.scratch.series {
		s := &b.series[n]
		tenant.text(string(b.sources[s.source].tenant))
		device.text(string(b.sources[s.source].device))
		metric.text(s.metric)
		ts.i64(s.newest.ts)
		kind.u8(uint8(s.value.Type))
		num.f64(s.value.Num)
		text.text(s.value.Text)
		received.i64(s.newest.received)
		seen.i64(s.seen)
		expires.u16(s.expires)
	}
	return table{name: "latest", rows: len(b.scratch.series), columns: []sent{
		{"tenant", typeString, tenant}, {"device", typeString, device}, {"metric", typeString, metric},
		{"ts", typeMicros, ts}, {"type", typeByte, kind}, {"num", typeNumber, num}, {"text", typeString, text},
		{"received", typeMicros, received}, {"seen", typeMicros, seen}, {"expires", typeDate, expires},
	}}
}

// touchedTable gives every row the same random token, new for each attempt: see the table touched.
func (b *Block) touchedTable() table {
	var tenant, device, hour, tokens cells
	token := rand.Uint64() | 1 // never zero
	for _, h := range b.hours {
		tenant.text(string(b.sources[h.source].tenant))
		device.text(string(b.sources[h.source].device))
		hour.u32(seconds(h.hour * 1_000_000))
		tokens.u64(token)
	}
	return table{name: "touched", rows: len(b.hours), columns: []sent{
		{"tenant", typeString, tenant}, {"device", typeString, device}, {"hour", typeSeconds, hour}, {"token", "UInt64", tokens},
	}}
}
