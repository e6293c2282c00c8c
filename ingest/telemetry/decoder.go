package telemetry

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder turns the text of one request into a Decoded. It is kept with it for the next request, because most of what a
// small request costs is the making and collecting of slices.
type decoder struct {
	scanner
	o      DecodeOptions
	out    *Decoded
	texts  strings.Builder // the body, and behind it the ids that are made: one piece of memory, of which all strings are parts
	values []Value         // what every packet's Values are a part of; grows, and leaves the parts handed out alone
	names  names
	usedIn []int // for each name the latest packet, counted from 1, that used it: finds duplicates without a search
	count  int   // packets begun
	draft  draft // the packet that is being read
	array  bool  // the packets are elements of an array
}

const (
	// bytesPerJSONValue is what `"temp":21.5,` and its share of the packet take; it only sizes a first guess.
	bytesPerJSONValue = 16
	// keptValues bounds the memory that waits for the next request: one of a hundred packets with ten values each.
	keptValues = 1 << 10
)

func (d *decoder) reset(out *Decoded, body []byte, o DecodeOptions) {
	packets := min(bytes.Count(body, []byte("{")), MaxPackets) // at most twice as many as there are
	d.texts = strings.Builder{}
	d.texts.Grow(len(body) + packets*idLength)
	d.texts.Write(body) // never fails
	text := d.texts.String()
	d.scanner = scanner{text: text, end: len(text), utf8OK: utf8.ValidString(text)}
	d.o, d.out, d.count, d.array = o, out, 0, false
	// White space must not reserve anything: as many values as there are colons, and no more than the bytes could hold.
	if most := min(len(text)/bytesPerJSONValue, bytes.Count(body, []byte(":"))) + 1; cap(d.values) < most {
		d.values = make([]Value, 0, most)
	}
	d.values, d.usedIn = d.values[:0], d.usedIn[:0]
	d.names.reset()
	if out.Packets == nil || cap(out.Packets) < packets {
		out.Packets, out.Index = make([]Packet, 0, packets), make([]int, 0, packets)
	}
	out.Packets, out.Index, out.Rejected, out.TimeUnit = out.Packets[:0], out.Index[:0], nil, ""
}

// release lets go of what is too large to wait for the next request.
func (d *decoder) release() {
	if cap(d.values) > keptValues {
		d.values, d.names, d.usedIn = nil, names{}, nil
	}
}

// document reads a body that is one JSON value.
func (d *decoder) document() {
	c := d.peek()
	switch {
	case d.pos == d.end:
		d.broken("the body is empty")
	case strings.HasPrefix(d.text, "\ufeff"):
		d.broken("the body starts with a byte order mark, which JSON does not allow")
	case c == '[':
		d.elements()
	default:
		d.element(d.pos)
	}
	if d.syntax == nil && (d.peek() != 0 || d.pos < d.end) {
		d.broken("more follows the end of the JSON value; for one packet on each line send application/x-ndjson")
	}
}

func (d *decoder) elements() {
	d.array = true
	d.pos++
	if d.peek() == ']' {
		d.pos++
		return
	}
	for another := true; another; {
		d.peek() // a packet begins behind the white space
		if !d.element(d.pos) {
			return
		}
		var ok bool
		if another, ok = d.more(']'); !ok {
			return
		}
	}
}

// lines reads a body of NDJSON. Blank lines are no packets.
func (d *decoder) lines() {
	for start := 0; start < len(d.text) && d.syntax == nil; {
		end := len(d.text)
		if i := strings.IndexByte(d.text[start:], '\n'); i >= 0 {
			end = start + i
		}
		d.pos, d.end = start, end
		if d.peek(); d.pos < d.end {
			d.line()
		}
		start = end + 1
	}
	if d.count == 0 && d.syntax == nil {
		d.broken("the body is empty")
	}
}

func (d *decoder) line() {
	start := d.pos
	if !d.begin() {
		return
	}
	ok := d.packet()
	if ok && (d.peek() != 0 || d.pos < d.end) {
		ok = d.broken("more follows the packet on its line")
	}
	if ok {
		d.keep()
		return
	}
	if d.syntax != nil {
		d.fault = fault{"syntax", "", fmt.Sprintf("%s, at byte %d of the line", d.syntax.Detail, d.syntax.Offset-start)}
	}
	d.syntax = nil
	d.reject(start)
	d.syntax = nil // a line that cannot be read to its end is still only a line
}

// element reads one packet of a document. It returns false when the document is broken or holds too much.
func (d *decoder) element(start int) bool {
	if !d.begin() {
		return false
	}
	if d.packet() {
		d.keep()
		return true
	}
	return d.syntax == nil && d.reject(start)
}

func (d *decoder) begin() bool {
	if d.count == MaxPackets {
		d.broken(fmt.Sprintf("the body holds more than %d packets: send them in several requests", MaxPackets))
		d.syntax.Code = "too_many_packets"
		return false
	}
	d.count++
	return true
}

func (d *decoder) keep() {
	p := &d.draft
	d.out.Packets = append(d.out.Packets, p.Packet)
	d.out.Index = append(d.out.Index, d.count-1)
	switch {
	case p.unit == "" || p.unit == d.out.TimeUnit:
	case d.out.TimeUnit == "":
		d.out.TimeUnit = p.unit
	default:
		d.out.TimeUnit = "mixed"
	}
}

// reject notes the fault and walks over the packet, so that the next one can be read.
func (d *decoder) reject(start int) bool {
	f := d.fault
	d.pos, d.fault = start, fault{}
	deepest, ok := d.skip()
	prefix := ""
	if d.array {
		prefix = "/" + strconv.Itoa(d.count-1)
		deepest++
	}
	if deepest > MaxDepth {
		f = fault{"too_deep", "", fmt.Sprintf("objects and arrays stand inside each other %d deep, at most %d are read", deepest, MaxDepth)}
	}
	end := d.pos
	if !ok {
		end = d.end
	}
	d.out.Rejected = append(d.out.Rejected, Rejection{
		Index:   d.count - 1,
		Pointer: prefix + f.pointer,
		Code:    f.code,
		Detail:  fmt.Sprintf("%s, at packet %d", f.detail, d.count-1),
		Raw:     d.text[start:min(end, start+MaxRaw)],
		Cut:     end > start+MaxRaw,
	})
	return ok
}

// quoted repeats what a device sent in a sentence: short, in one line, and safe to show.
func quoted(text string) string {
	if utf8.RuneCountInString(text) > maxQuoted {
		text = string([]rune(text)[:maxQuoted]) + "…"
	}
	shown := strconv.QuoteToGraphic(text)
	return "`" + strings.ReplaceAll(shown[1:len(shown)-1], `\"`, `"`) + "`"
}

// pointerTo is the RFC 6901 token of a member.
func pointerTo(name string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
