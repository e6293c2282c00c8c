package simulate

import (
	"encoding/json"
	"strconv"
	"time"

	"longwave/ingest/telemetry"
)

// Body writes packets as the body of a request to the ingest endpoint: a JSON array.
func Body(packets []telemetry.Packet) []byte {
	body := make([]byte, 0, 128*len(packets)) // what a packet with a few values takes
	for i := range packets {
		if i == 0 {
			body = append(body, '[')
		} else {
			body = append(body, ',')
		}
		body = appendPacket(body, &packets[i])
	}
	return append(body, ']')
}

func appendPacket(body []byte, p *telemetry.Packet) []byte {
	body = append(body, `{"id":`...)
	body = appendText(body, p.ID)
	body = append(body, `,"ts":"`...)
	body = p.Time.Time().AppendFormat(body, time.RFC3339Nano)
	body = append(body, `","kind":"`...)
	body = append(body, p.Kind.String()...)
	body = append(body, `","values":{`...)
	for i, v := range p.Values {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(appendText(body, v.Name), ':')
		switch v.Type {
		case telemetry.Text:
			body = appendText(body, v.Text)
		case telemetry.Bool:
			body = strconv.AppendBool(body, v.Num != 0)
		default:
			body = strconv.AppendFloat(body, v.Num, 'g', -1, 64)
		}
	}
	return append(body, "}}"...)
}

func appendText(body []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil { // never for a string
		return append(body, `""`...)
	}
	return append(body, quoted...)
}
