package telemetry

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"longwave/tenants/id"
)

// StorageRefused is the code of a packet that was accepted and then refused by the storage. Its device was told that it is
// safe and does not send it again.
const StorageRefused = "storage_refused"

// rejectedVersion is the version of a kept record. Version 1, which may have no number, did not say whether it was cut.
const rejectedVersion = 2

// uncutBefore is below what version 1 cut: a record of it with more may be a beginning only.
const uncutBefore = 1 << 10

// rejectedRecord is a RejectedPacket as it is kept. Raw is bytes, because what was refused may be no text at all.
type rejectedRecord struct {
	V int `json:"v,omitempty"`
	Rejection
	Device   string `json:"device"`
	Received Micros `json:"received"`
	Raw      []byte `json:"raw"`
	Cut      bool   `json:"cut,omitempty"`
}

// EncodeRejected is the inverse of DecodeRejected.
func EncodeRejected(r *RejectedPacket) []byte {
	b, err := json.Marshal(rejectedRecord{V: rejectedVersion, Rejection: r.Rejection, Device: string(r.Device), Received: r.Received, Raw: []byte(r.Raw), Cut: r.Cut})
	if err != nil {
		panic(fmt.Sprintf("telemetry: a record of texts and numbers: %v", err)) // cannot happen: nothing in it can fail
	}
	return b
}

// DecodeRejected reads a kept rejected packet. It returns ErrCorrupt for anything that EncodeRejected did not write, and
// ErrVersion for what a newer version of it wrote.
func DecodeRejected(b []byte) (RejectedPacket, error) {
	var record rejectedRecord
	if err := json.Unmarshal(b, &record); err != nil {
		return RejectedPacket{}, fmt.Errorf("%w: rejected packet: %w", ErrCorrupt, err)
	}
	if record.V > rejectedVersion {
		return RejectedPacket{}, fmt.Errorf("%w: rejected packet of version %d", ErrVersion, record.V)
	}
	device, err := id.Parse[id.Device](record.Device)
	if err != nil {
		return RejectedPacket{}, fmt.Errorf("%w: rejected packet: %w", ErrCorrupt, err)
	}
	r := RejectedPacket{Rejection: record.Rejection, Device: device, Received: record.Received}
	r.Raw, r.Cut = string(record.Raw), record.Cut || record.V < rejectedVersion && len(record.Raw) >= uncutBefore
	return r, nil
}

// CauseOf names why a packet was rejected without saying where in its request it stood: the same mistake is the same cause.
func CauseOf(r Rejection) (code, pointer string) {
	head, rest, nested := strings.Cut(strings.TrimPrefix(r.Pointer, "/"), "/")
	if nested {
		if _, err := strconv.ParseUint(head, 10, 32); err == nil {
			return r.Code, "/" + rest
		}
	}
	return r.Code, r.Pointer
}

// FormatAgain is how the raw text of a single rejected packet is to be read, so that it is one packet again and nothing
// else: a line, unless it has line breaks inside, which only a packet of a document can have. It is false for an array,
// which as a document would be several packets.
func FormatAgain(raw string) (Format, bool) {
	if !strings.ContainsAny(raw, "\r\n") {
		return NDJSON, true
	}
	return JSON, !strings.HasPrefix(strings.TrimLeft(raw, " \t\r\n"), "[")
}
