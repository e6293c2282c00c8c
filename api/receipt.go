package api

import (
	"encoding/json"
	"strconv"

	"longwave/ingest"
)

// appendReceipt writes the members of a receipt, without the braces around them: a post answers with just these, an
// acknowledgement puts its name before them. It is written by hand because every packet of every device pays for it.
func appendReceipt(dst []byte, r ingest.Receipt) []byte {
	dst = strconv.AppendInt(append(dst, `"accepted":`...), int64(r.Accepted), 10)
	dst = strconv.AppendInt(append(dst, `,"duplicates":`...), int64(r.Duplicates), 10)
	dst = append(dst, `,"rejected":[`...)
	for i, rejection := range r.Rejected {
		if i > 0 {
			dst = append(dst, ',')
		}
		text, err := json.Marshal(rejection) // rare, and plain strings and numbers: it cannot fail
		if err == nil {
			dst = append(dst, text...)
		}
	}
	dst = append(dst, `],"packet_ids":[`...)
	for i, packet := range r.PacketIDs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, packet)
	}
	dst = append(dst, ']')
	if r.TimeUnit != "" {
		dst = appendString(append(dst, `,"time_unit":`...), r.TimeUnit)
	}
	if r.Dropped > 0 {
		dst = strconv.AppendInt(append(dst, `,"dropped":`...), int64(r.Dropped), 10)
	}
	if r.Demoted > 0 {
		dst = strconv.AppendInt(append(dst, `,"demoted":`...), int64(r.Demoted), 10)
	}
	return dst
}

// appendString writes a JSON string; ids are printable ASCII and take the short way.
func appendString(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(text) // a string cannot fail
			if err != nil {
				return append(dst, `""`...)
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}
