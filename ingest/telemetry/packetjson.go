package telemetry

import (
	"encoding/json"
	"strconv"
	"time"
)

// AppendPacketJSON appends a packet as a device would write it: with its id, time and kind. Decode reads the same packet
// from it, but for Stamped, since it has a time now. A number that is not finite is written as what Decode refuses.
func AppendPacketJSON(dst []byte, p *Packet) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendJSONText(dst, p.ID)
	dst = append(dst, `,"ts":"`...)
	dst = p.Time.Time().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","kind":"`...)
	dst = append(dst, p.Kind.String()...)
	dst = append(dst, `","values":{`...)
	for i, v := range p.Values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendJSONText(dst, v.Name), ':')
		switch v.Type {
		case Text:
			dst = appendJSONText(dst, v.Text)
		case Bool:
			dst = strconv.AppendBool(dst, v.Num != 0)
		default:
			dst = strconv.AppendFloat(dst, v.Num, 'g', -1, 64)
		}
	}
	return append(dst, "}}"...)
}

func appendJSONText(dst []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil { // never for a string
		return append(dst, `""`...)
	}
	return append(dst, quoted...)
}
