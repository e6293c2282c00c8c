package forward

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// TypePacket is the type of a message that is a forwarded packet.
const TypePacket = "telemetry.packet"

// Message is something for a destination. As JSON it is the body that webhooks and the tenant's own consumers get.
type Message struct {
	ID    string          `json:"id"` // the same whenever the same thing is sent: a receiver knows a repetition by it
	Type  string          `json:"type"`
	At    time.Time       `json:"timestamp"`
	Title string          `json:"title"` // one line: the subject of an e-mail
	Text  string          `json:"text"`  // for people: what a chat shows
	Data  json.RawMessage `json:"data"`
}

// shownValues is how many values of a packet stand in its text.
const shownValues = 8

// packetBody is what a message carries of a packet.
type packetBody struct {
	Device   deviceBody        `json:"device"`
	Packet   string            `json:"packet"`
	Kind     string            `json:"kind"`
	TS       time.Time         `json:"ts"`
	Received time.Time         `json:"received"`
	Labels   map[string]string `json:"labels,omitempty"` // that rules added
	Values   map[string]any    `json:"values"`
}

type deviceBody struct {
	ID   id.Device `json:"id"`
	Name string    `json:"name,omitempty"`
}

// packetID names a packet for receivers: the same for a repetition, different for any two packets.
func packetID(t id.Tenant, d id.Device, packet string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", t, d, packet))
	return "msg_" + hex.EncodeToString(sum[:15])
}

// ofPacket is the message that a packet makes. name is what the device is called; it may be empty.
func ofPacket(t id.Tenant, b *telemetry.Batch, p *telemetry.Packet, name string) (Message, error) {
	body := packetBody{
		Device: deviceBody{b.Device, name}, Packet: p.ID, Kind: p.Kind.String(), TS: p.Time.Time(), Received: b.Received.Time(),
		Labels: labelsOf(b, p), Values: make(map[string]any, len(p.Values)),
	}
	for i := range p.Values {
		body.Values[p.Values[i].Name] = valueOf(&p.Values[i])
	}
	data, err := json.Marshal(body)
	if err != nil {
		return Message{}, err
	}
	if name == "" {
		name = string(b.Device)
	}
	return Message{
		ID: packetID(t, b.Device, p.ID), Type: TypePacket, At: p.Time.Time(), Data: data,
		Title: "Packet of " + name, Text: name + ": " + valuesText(p.Values),
	}, nil
}

func labelsOf(b *telemetry.Batch, p *telemetry.Packet) map[string]string {
	var labels map[string]string
	for i, label := range b.Labels {
		if p.Labels&(1<<i) != 0 {
			if labels == nil {
				labels = make(map[string]string)
			}
			labels[label.Name] = label.Text
		}
	}
	return labels
}

// valueOf is a value as JSON can express it: what is no number becomes null.
func valueOf(v *telemetry.Value) any {
	switch {
	case v.Type == telemetry.Text:
		return v.Text
	case v.Type == telemetry.Bool:
		return v.Num != 0
	case math.IsNaN(v.Num) || math.IsInf(v.Num, 0):
		return nil
	default:
		return v.Num
	}
}

func valuesText(values []telemetry.Value) string {
	parts := make([]string, 0, shownValues+1)
	for i := range values {
		if i == shownValues {
			parts = append(parts, fmt.Sprintf("and %d more", len(values)-i))
			break
		}
		parts = append(parts, values[i].Name+" "+valueText(&values[i]))
	}
	return strings.Join(parts, ", ")
}

func valueText(v *telemetry.Value) string {
	switch v.Type {
	case telemetry.Text:
		return v.Text
	case telemetry.Bool:
		return strconv.FormatBool(v.Num != 0)
	default:
		return strconv.FormatFloat(v.Num, 'g', -1, 64)
	}
}
