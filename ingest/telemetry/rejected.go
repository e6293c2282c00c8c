package telemetry

import (
	"encoding/json"
	"fmt"

	"longwave/tenants/id"
)

// rejectedVersion is the version of the records of rejected packets. The first ones, without a version, are read as 1.
const rejectedVersion = 1

// rejectedRecord is a RejectedPacket as it is kept. Raw is bytes, because what was refused may be no text at all.
type rejectedRecord struct {
	Version int `json:"v"`
	Rejection
	Device   string `json:"device"`
	Received Micros `json:"received"`
	Raw      []byte `json:"raw"`
}

// EncodeRejected is the inverse of DecodeRejected.
func EncodeRejected(r *RejectedPacket) []byte {
	b, err := json.Marshal(rejectedRecord{Version: rejectedVersion, Rejection: r.Rejection, Device: string(r.Device), Received: r.Received, Raw: []byte(r.Raw)})
	if err != nil {
		panic(fmt.Sprintf("telemetry: a record of texts and numbers: %v", err)) // cannot happen: nothing in it can fail
	}
	return b
}

// DecodeRejected reads a kept rejected packet. It returns ErrVersion for one of a newer program and ErrCorrupt
// for anything else that EncodeRejected did not write.
func DecodeRejected(b []byte) (RejectedPacket, error) {
	var record rejectedRecord
	if err := json.Unmarshal(b, &record); err != nil {
		return RejectedPacket{}, fmt.Errorf("%w: rejected packet: %w", ErrCorrupt, err)
	}
	if record.Version > rejectedVersion {
		return RejectedPacket{}, fmt.Errorf("%w: rejected packet of version %d", ErrVersion, record.Version)
	}
	device, err := id.Parse[id.Device](record.Device)
	if err != nil {
		return RejectedPacket{}, fmt.Errorf("%w: rejected packet: %w", ErrCorrupt, err)
	}
	r := RejectedPacket{Rejection: record.Rejection, Device: device, Received: record.Received}
	r.Raw = string(record.Raw)
	return r, nil
}
