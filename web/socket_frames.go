package web

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"longwave/ingest/telemetry"
	"longwave/web/live"
)

// frame is one frame while it is written: an object whose members are added one by one, so that packets that were
// encoded once for everybody are copied into it and not encoded again.
type frame struct{ buf bytes.Buffer }

func newFrame(number uint32) *frame {
	f := &frame{}
	f.buf.WriteString(`{"sub":`)
	f.buf.WriteString(strconv.FormatUint(uint64(number), 10))
	return f
}

// member begins a member; the first one of a nested object has no comma before it.
func (f *frame) member(name string) {
	if last := f.buf.Bytes()[f.buf.Len()-1]; last != '{' {
		f.buf.WriteByte(',')
	}
	f.buf.WriteString(`"` + name + `":`)
}

func (f *frame) cursor(c live.Cursor) *frame {
	f.member("cursor")
	f.buf.WriteString(`"` + c.String() + `"`)
	return f
}

// snapshot begins the nested object; end ends it.
func (f *frame) snapshot(incomplete bool) *frame {
	f.member("snapshot")
	f.buf.WriteString(`{"incomplete":` + strconv.FormatBool(incomplete))
	return f
}

func (f *frame) end() *frame {
	f.buf.WriteByte('}')
	return f
}

func (f *frame) resumed() *frame {
	f.member("resumed")
	f.buf.WriteString("true")
	return f
}

func (f *frame) skipped(count int) {
	f.member("skipped")
	f.buf.WriteString(strconv.Itoa(count))
}

func (f *frame) arrived(packets int) *frame {
	f.member("arrived")
	f.buf.WriteString(strconv.Itoa(packets))
	return f
}

func (f *frame) packets(updates []*live.Update) *frame {
	f.member("packets")
	f.buf.WriteByte('[')
	comma := false
	for _, u := range updates {
		encoded := u.JSON()
		if comma && len(encoded) > 0 {
			f.buf.WriteByte(',')
		}
		f.buf.Write(encoded)
		comma = comma || len(encoded) > 0
	}
	f.buf.WriteByte(']')
	return f
}

// rejectedPacket is a rejected packet in a frame.
type rejectedPacket struct {
	At telemetry.Micros `json:"at"`
	telemetry.Rejection
	Raw string `json:"raw"`
}

func (f *frame) rejected(packets []telemetry.RejectedPacket) *frame {
	list := make([]rejectedPacket, 0, len(packets))
	for _, p := range packets {
		list = append(list, rejectedPacket{p.Received, p.Rejection, shorten(p.Raw)})
	}
	return f.list("rejected", list)
}

func (f *frame) attempts(attempts []live.Attempt) *frame { return f.list("attempts", attempts) }

func (f *frame) devices(seen []sighting) *frame { return f.list("devices", seen) }

// latestValue is the newest value of one metric in a frame.
type latestValue struct {
	Metric   string           `json:"metric"`
	Value    json.RawMessage  `json:"value"`
	At       telemetry.Micros `json:"at"`
	Received telemetry.Micros `json:"received"`
	Interval float64          `json:"interval,omitempty"`
	Unit     string           `json:"unit,omitempty"`
}

// latest writes values; unit may be nil for a browser that has been told the units before.
func (f *frame) latest(values []telemetry.Latest, unit func(string) string) *frame {
	list := make([]latestValue, 0, len(values))
	for _, v := range values {
		one := latestValue{Metric: v.Metric, Value: live.AppendValue(nil, v.Value), At: v.Time, Received: v.Received, Interval: v.Interval}
		if unit != nil {
			one.Unit = unit(v.Metric)
		}
		list = append(list, one)
	}
	return f.list("latest", list)
}

func (f *frame) list(name string, value any) *frame {
	f.member(name)
	encoded, err := json.Marshal(value)
	if err != nil { // none of the lists holds what JSON cannot say
		encoded = []byte("[]")
	}
	f.buf.Write(encoded)
	return f
}

func (f *frame) bytes() []byte {
	f.buf.WriteByte('}')
	return f.buf.Bytes()
}

func errorFrame(number uint32, code, detail string) []byte {
	f := newFrame(number)
	return f.list("error", struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}{code, detail}).bytes()
}

func helloFrame(version string, now time.Time) []byte {
	encoded, err := json.Marshal(map[string]any{"hello": map[string]any{"version": version, "now": now.UnixMilli()}})
	if err != nil { // a string and a number
		return []byte(`{}`)
	}
	return encoded
}

// mergeLatest is the newest value of each metric among what is stored and what may not be stored yet. Newest means
// device time, never arrival.
func mergeLatest(stored []telemetry.Latest, backlog []*live.Update) []telemetry.Latest {
	merged := append([]telemetry.Latest(nil), stored...)
	index := make(map[string]int, len(merged))
	for i := range merged {
		index[merged[i].Metric] = i
	}
	for _, u := range backlog {
		for i := range u.Batch.Packets {
			p := &u.Batch.Packets[i]
			for _, v := range p.Values {
				at, known := index[v.Name]
				if !known {
					at = len(merged)
					index[v.Name] = at
					merged = append(merged, telemetry.Latest{Metric: v.Name})
				}
				if !known || p.Time >= merged[at].Time {
					merged[at].Value, merged[at].Time, merged[at].Received = v, p.Time, u.Batch.Received
				}
			}
		}
	}
	return merged
}

func latestOf(readings []live.Reading) []telemetry.Latest {
	list := make([]telemetry.Latest, 0, len(readings))
	for _, r := range readings {
		list = append(list, telemetry.Latest{Metric: r.Value.Name, Value: r.Value, Time: r.Time, Received: r.Received})
	}
	return list
}
