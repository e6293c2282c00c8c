package live

import (
	"encoding/json"
	"math"
	"strconv"
	"sync"

	"longwave/ingest/telemetry"
)

// Update is one batch of a lane as the follower of its tenant read it. It is shared by all subscribers: read only.
type Update struct {
	Seq   uint64 // counts the batches of this tenant, from 1, within one epoch
	Lane  telemetry.Lane
	Batch *telemetry.Batch

	size    int // bytes that it costs to keep, roughly
	encode  sync.Once
	encoded []byte
}

// Costs that stand for the fields of fixed size when the bytes of an update are estimated, its encoded form included.
const (
	packetCost = 256
	valueCost  = 96
)

func newUpdate(lane telemetry.Lane, batch *telemetry.Batch) *Update {
	size := 0
	for i := range batch.Packets {
		size += packetCost + 2*len(batch.Packets[i].ID)
		for j := range batch.Packets[i].Values {
			size += valueCost + 2*len(batch.Packets[i].Values[j].Name) + 2*len(batch.Packets[i].Values[j].Text)
		}
	}
	return &Update{Lane: lane, Batch: batch, size: size}
}

// JSON is the packets of the update as JSON objects with commas between them and no brackets around, so that updates
// can be joined into one array. It is made once, by whoever asks first, and must not be changed.
func (u *Update) JSON() []byte {
	u.encode.Do(func() {
		for i := range u.Batch.Packets {
			if i > 0 {
				u.encoded = append(u.encoded, ',')
			}
			u.encoded = appendPacket(u.encoded, u, &u.Batch.Packets[i])
		}
	})
	return u.encoded
}

func appendPacket(dst []byte, u *Update, p *telemetry.Packet) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, p.ID)
	dst = append(dst, `,"at":`...)
	dst = strconv.AppendInt(dst, int64(p.Time), 10)
	dst = append(dst, `,"received":`...)
	dst = strconv.AppendInt(dst, int64(u.Batch.Received), 10)
	dst = append(dst, `,"kind":"`...)
	dst = append(dst, kindName(p.Kind)...)
	dst = append(dst, `","lane":"`...)
	dst = append(dst, u.Lane.String()...)
	dst = append(dst, `","values":[`...)
	for i := range p.Values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		dst = appendString(dst, p.Values[i].Name)
		dst = append(dst, ',')
		dst = AppendValue(dst, p.Values[i])
		dst = append(dst, ']')
	}
	return append(dst, `]}`...)
}

// AppendValue appends the value as JSON: a number, true or false, or text.
func AppendValue(dst []byte, v telemetry.Value) []byte {
	switch {
	case v.Type == telemetry.Text:
		return appendString(dst, v.Text)
	case v.Type == telemetry.Bool:
		return strconv.AppendBool(dst, v.Num != 0)
	case math.IsNaN(v.Num) || math.IsInf(v.Num, 0): // refused at the front door; JSON has no word for them
		return append(dst, "null"...)
	default:
		return strconv.AppendFloat(dst, v.Num, 'g', -1, 64)
	}
}

func kindName(k telemetry.Kind) string {
	switch k {
	case telemetry.KindStatus:
		return "status"
	case telemetry.KindLogs:
		return "logs"
	default:
		return "metrics"
	}
}

// appendString quotes text. Nearly all of it is plain ASCII, which needs no reflection and no allocation.
func appendString(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(text) // a string never fails
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}
