package simulate

import "longwave/ingest/telemetry"

// Body writes packets as the body of a request to the ingest endpoint: a JSON array.
func Body(packets []telemetry.Packet) []byte {
	body := make([]byte, 0, 128*len(packets)) // what a packet with a few values takes
	for i := range packets {
		if i == 0 {
			body = append(body, '[')
		} else {
			body = append(body, ',')
		}
		body = telemetry.AppendPacketJSON(body, &packets[i])
	}
	return append(body, ']')
}
