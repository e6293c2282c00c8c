package processors

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Codes of what is rejected this late.
const (
	codeRefused = telemetry.StorageRefused
	codeDamaged = "message_damaged"
)

// Where a damaged message is kept: there is no device whose it surely is, and if its subject is no lane's, no tenant.
// Names made by package id carry a prefix, so that these are nobody's.
const (
	laneDevice    id.Device = "lane"
	unknownTenant id.Tenant = "unknown"
)

// rawLimit bounds what is kept of a damaged message, and of a cause; the lane itself holds the whole message until it
// expires. A packet is kept whole, as a rule, so that it can be sent through the front door again once the cause is mended.
const rawLimit = 3 << 10

// reject keeps what could not be stored, with the reason. Only after it returned nil may the messages be settled.
func (l *line) reject(a attempts, h *hand, culprits []culprit) error {
	for _, c := range culprits {
		l.log.Error("the store refuses a packet; kept as rejected", "tenant", c.tenant, "device", c.batch.Device, "error", c.reason)
		l.runner.metrics.refused(l.lane, codeRefused)
		err := l.keepRejected(a, origin(h.messages[c.message], c.place), c.tenant, c.rejected())
		if err != nil {
			return err
		}
	}
	for index, cause := range h.damaged {
		message := h.messages[index]
		l.log.Error("a message of the lane cannot be read; kept as rejected", "origin", origin(message, 0), "error", cause)
		l.runner.metrics.refused(l.lane, codeDamaged)
		if err := l.keepRejected(a, origin(message, 0), tenantOf(message), damaged(message, cause, h.now)); err != nil {
			return err
		}
	}
	return nil
}

func (c culprit) rejected() *telemetry.RejectedPacket {
	raw := telemetry.AppendPacketJSON(nil, &c.batch.Packets[0])
	return &telemetry.RejectedPacket{
		Device:   c.batch.Device,
		Received: c.batch.Received,
		Rejection: telemetry.Rejection{
			Index:  c.place,
			Code:   codeRefused,
			Detail: "The packet was accepted, but the storage refused it and would do so again: " + bounded(c.reason.Error()),
			Raw:    string(raw[:min(len(raw), telemetry.MaxRaw)]),
			Cut:    len(raw) > telemetry.MaxRaw,
		},
	}
}

func damaged(message jetstream.Msg, cause error, now func() time.Time) *telemetry.RejectedPacket {
	data := message.Data()
	raw := base64.StdEncoding.EncodeToString(data[:min(len(data), rawLimit*3/4)])
	return &telemetry.RejectedPacket{
		Device:   laneDevice,
		Received: telemetry.At(now()),
		Rejection: telemetry.Rejection{
			Code: codeDamaged,
			Detail: fmt.Sprintf("A message of %d bytes in the queue (%s) is damaged from some point on; what stood before it "+
				"is stored. Cause: %s", len(data), origin(message, 0), bounded(cause.Error())),
			Raw: raw,
			Cut: true, // it is no packet
		},
	}
}

// keepRejected publishes until it is durable. The name makes a repetition harmless.
func (l *line) keepRejected(a attempts, name string, tenant id.Tenant, packet *telemetry.RejectedPacket) error {
	subject, body := telemetry.RejectedSubject(tenant, packet.Device), telemetry.EncodeRejected(packet)
	return a.repeat("keep a rejected packet", func(ctx context.Context) (again bool, err error) {
		_, err = l.runner.JS.Publish(ctx, subject, body, jetstream.WithMsgID(name))
		return err != nil, err
	})
}

// origin names a packet by where it stands in the lanes: stream/sequence/place.
func origin(message jetstream.Msg, place int) string {
	about, err := message.Metadata()
	if err != nil {
		return message.Subject()
	}
	return fmt.Sprintf("%s/%d/%d", about.Stream, about.Sequence.Stream, place)
}

func tenantOf(message jetstream.Msg) id.Tenant {
	_, tenant, err := telemetry.ParseLaneSubject(message.Subject())
	if err != nil {
		return unknownTenant
	}
	return tenant
}

// bounded cuts text that ends up in a page, on a boundary of characters.
func bounded(text string) string {
	if len(text) > rawLimit {
		text = text[:rawLimit]
	}
	return strings.ToValidUTF8(text, "")
}
