package alert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/alertrule/unpack"
	"longwave/tenants/id"
)

const (
	// partVersion is the first byte of a part.
	partVersion = 1
	// partBytes is when a part of a checkpoint is full: well below what NATS takes as one message, with partPairs of the largest
	// states added.
	partBytes = 128 << 10
	// partPairs is how many pairs of one device are written at a time.
	partPairs = 32
)

// errPart is a part of a checkpoint that cannot be read: damaged, or of a newer program.
var errPart = errors.New("a part of what is known of alert rules cannot be read")

// head says how far the evaluation of all tenants has come. Parts may know of more; then they say so.
type head struct {
	V        int              `json:"v"`
	Epoch    uint64           `json:"epoch"`
	Position [3]uint64        `json:"position"` // what every part knows of at least
	Lanes    [3]time.Time     `json:"lanes"`    // when each lane was made: a place says nothing of another stream of the same name
	Log      uint64           `json:"log"`      // the place in the log of alerts that every part knows of
	Clock    telemetry.Micros `json:"clock"`
}

// keptPair is one rule for one device in a checkpoint or in the log.
type keptPair struct {
	rule    id.AlertRule
	version int
	device  id.Device
	seen    telemetry.Micros
	covered [3]uint64

	alert    id.Alert // that is open; empty when none is
	severity alertrule.Severity
	number   uint64
	state    []byte
}

// encodeParts writes down everything that is known of a tenant, in parts that can be read one without the other.
func (t *tenant) encodeParts(position [3]uint64) (parts [][]byte) {
	table := make(map[*rule]uint64, len(t.rules))
	for i, r := range t.rules {
		table[r] = uint64(i)
	}
	var b, scratch []byte
	for _, d := range t.devices {
		for some := range slices.Chunk(d.pairs, partPairs) {
			if b == nil {
				b = t.beginPart(make([]byte, 0, partBytes+partBytes/4), position)
			}
			b = d.append(b, &scratch, some, table)
			if len(b) > partBytes {
				parts, b = append(parts, seal(b)), nil
			}
		}
	}
	if b != nil {
		parts = append(parts, seal(b))
	}
	return parts
}

func (t *tenant) beginPart(b []byte, position [3]uint64) []byte {
	b = append(b, partVersion)
	for _, place := range position {
		b = binary.AppendUvarint(b, place)
	}
	b = binary.AppendUvarint(b, uint64(len(t.rules)))
	for _, r := range t.rules {
		b = appendText(b, string(r.ID))
		b = binary.AppendUvarint(b, uint64(r.Version))
	}
	return b
}

// append adds some pairs of the device; scratch is room for one state.
func (d *device) append(b []byte, scratch *[]byte, pairs []*pair, table map[*rule]uint64) []byte {
	b = appendText(b, string(d.ID))
	b = binary.AppendVarint(b, int64(d.seen))
	b = binary.AppendUvarint(b, uint64(len(pairs)))
	for _, p := range pairs {
		b = binary.AppendUvarint(b, table[p.rule])
		b = appendText(b, string(p.alert))
		b = append(b, byte(p.state.Severity))
		b = binary.AppendUvarint(b, p.state.Number)
		*scratch = p.rule.program.AppendState((*scratch)[:0], &p.state)
		b = binary.AppendUvarint(b, uint64(len(*scratch)))
		b = append(b, *scratch...)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// checksumBytes stand at the end of a part.
const checksumBytes = 4

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func seal(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, checksum(b)) }

// decodePart reads what encodeParts wrote. It returns errPart, and nothing of a part that is damaged anywhere.
func decodePart(b []byte) (pairs []keptPair, err error) {
	end := len(b) - checksumBytes
	if end < 1 || checksum(b[:end]) != binary.LittleEndian.Uint32(b[end:]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", errPart)
	}
	if b[0] != partVersion {
		return nil, fmt.Errorf("%w: its version is %d, this program knows %d", errPart, b[0], partVersion)
	}
	r := unpack.New(b[1:end])
	var position [3]uint64
	for i := range position {
		position[i] = r.Unsigned()
	}
	rules := make([]keptPair, min(r.Unsigned(), alertrule.MaxRules))
	for i := range rules {
		if rules[i].rule, err = id.Parse[id.AlertRule](r.Text()); err != nil {
			r.Refuse()
		}
		rules[i].version = int(r.Unsigned())
	}
	for !r.Empty() {
		pairs = readDevice(&r, pairs, rules, position)
	}
	if !r.OK() {
		return nil, fmt.Errorf("%w: it ends too early", errPart)
	}
	return pairs, nil
}

// readDevice reads what device.append wrote, and adds its pairs.
func readDevice(r *unpack.Reader, pairs, rules []keptPair, position [3]uint64) []keptPair {
	name, err := id.Parse[id.Device](r.Text())
	if err != nil {
		r.Refuse()
	}
	seen := telemetry.Micros(r.Signed())
	for range r.Unsigned() {
		i := r.Unsigned()
		if !r.OK() || i >= uint64(len(rules)) {
			r.Refuse()
			return pairs
		}
		p := rules[i]
		p.device, p.seen, p.covered = name, seen, position
		if text := r.Text(); text != "" {
			if p.alert, err = id.Parse[id.Alert](text); err != nil {
				r.Refuse()
			}
		}
		p.severity, p.number = alertrule.Severity(r.Unsigned()), r.Unsigned()
		p.state = []byte(r.Text())
		pairs = append(pairs, p)
	}
	return pairs
}
