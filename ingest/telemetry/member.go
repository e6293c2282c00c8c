package telemetry

import (
	"fmt"
	"strings"
)

// draft is a packet while its members are being read, in whatever order they come.
type draft struct {
	Packet
	first                        int // where its values begin in decoder.values
	position                     int // value members seen, null ones included
	size                         int // bytes of names and texts
	hasID, hasTS, hasKind, inner bool
	bare                         string // the first member that is none of a packet's own
	hasBare                      bool
	unit                         string
}

// packet reads an object that is either a packet or bare values. Which of the two shows only when all was read.
func (d *decoder) packet() bool {
	p := &d.draft
	*p = draft{first: len(d.values)}
	if p.Time, p.Stamped = d.o.Now, true; d.o.Stamp != 0 {
		p.Time, p.Stamped = d.o.Stamp, false
	}
	start := d.pos
	ok := d.object("", func(name string) bool { return d.member(p, name) }) && d.finish(p)
	if ok {
		return true
	}
	if d.syntax == nil && p.hasBare && !p.inner {
		d.preferUnknown(p, start)
	}
	d.values = d.values[:p.first]
	return false
}

// object reads an object and calls each for every member, with the place at its value.
func (d *decoder) object(pointer string, each func(name string) bool) bool {
	if c := d.peek(); c != '{' {
		return d.wrongType(c, "the packet", pointer, "not_an_object", "an object")
	}
	d.pos++
	if d.peek() == '}' {
		d.pos++
		return true
	}
	for {
		if d.peek() != '"' {
			return d.broken("expected the name of a member in quotes, found " + d.here())
		}
		name, ok := d.str()
		if !ok {
			return d.about("a name", pointer)
		}
		if !d.want(':', "behind the name of a member") {
			return false
		}
		if !each(name) {
			return false
		}
		another, ok := d.more('}')
		if !another || !ok {
			return ok
		}
	}
}

// about completes a fault of the scanner, which does not know what it was reading.
func (d *decoder) about(what, pointer string) bool {
	if d.syntax == nil {
		d.fault.detail, d.fault.pointer = what+" "+d.fault.detail, pointer
	}
	return false
}

func (d *decoder) member(p *draft, name string) bool {
	switch name {
	case "id":
		return d.once(&p.hasID, name) && d.packetID(p)
	case "ts":
		return d.once(&p.hasTS, name) && d.timestamp(p)
	case "kind":
		return d.once(&p.hasKind, name) && d.kind(p)
	case "values":
		return d.once(&p.inner, name) && d.inner(p)
	}
	for _, own := range [...]string{"id", "ts", "kind", "values"} {
		if len(own) == len(name) && strings.EqualFold(own, name) {
			return d.refuse("misspelt_member", pointerTo(name), fmt.Sprintf("%s must be written `%s`, or stand inside `values`", quoted(name), own))
		}
	}
	if p.inner {
		return d.unknown(name)
	}
	if !p.hasBare {
		p.bare, p.hasBare = name, true
	}
	return d.value(p, "", name)
}

func (d *decoder) once(seen *bool, name string) bool {
	if *seen {
		return d.refuse("duplicate_member", pointerTo(name), fmt.Sprintf("`%s` is given twice", name))
	}
	*seen = true
	return true
}

func (d *decoder) unknown(name string) bool {
	return d.refuse("unknown_member", pointerTo(name), fmt.Sprintf(
		"%s stands beside `values`: a packet has `id`, `ts`, `kind` and `values`, what was measured belongs into `values`", quoted(name)))
}

// preferUnknown corrects a complaint about a member when a later `values` shows that it does not belong there at all.
func (d *decoder) preferUnknown(p *draft, start int) {
	f := d.fault
	d.pos = start
	found := false
	d.object("", func(name string) bool {
		found = found || name == "values" && d.peek() == '{'
		_, ok := d.skip()
		return ok
	})
	d.syntax, d.fault = nil, f // whether the rest is readable is for reject to find out
	if found {
		d.unknown(p.bare)
	}
}

func (d *decoder) packetID(p *draft) bool {
	c := d.peek()
	if c == 'n' {
		return d.word("null")
	}
	if c != '"' {
		return d.wrongType(c, "`id`", "/id", "id_type", "text")
	}
	name, ok := d.str()
	if !ok {
		return d.about("`id`", "/id")
	}
	printable := len(name) > 0 && len(name) <= MaxPacketID
	for i := 0; printable && i < len(name); i++ {
		printable = name[i] >= ' ' && name[i] <= '~'
	}
	if !printable {
		return d.refuse("id_invalid", "/id", fmt.Sprintf("`id` %s is not 1 to %d printable ASCII characters", quoted(name), MaxPacketID))
	}
	p.ID = name
	return true
}

func (d *decoder) kind(p *draft) bool {
	c := d.peek()
	if c == 'n' {
		return d.word("null")
	}
	if c != '"' {
		return d.wrongType(c, "`kind`", "/kind", "kind_type", "text")
	}
	word, ok := d.str()
	if !ok {
		return d.about("`kind`", "/kind")
	}
	if p.Kind, ok = ParseKind(word); !ok {
		return d.refuse("unknown_kind", "/kind", fmt.Sprintf("`kind` is %s, expected `metrics`, `status` or `logs`", quoted(word)))
	}
	return true
}

func (d *decoder) inner(p *draft) bool {
	if p.hasBare {
		return d.unknown(p.bare)
	}
	if c := d.peek(); c != '{' {
		return d.wrongType(c, "`values`", "/values", "values_type", "an object of names and values")
	}
	return d.object("/values", func(name string) bool { return d.value(p, "/values", name) })
}

// finish decides what the members together were.
func (d *decoder) finish(p *draft) bool {
	p.Values = d.values[p.first:len(d.values):len(d.values)]
	where := ""
	if p.inner {
		where = "/values"
	} else if p.hasID || p.hasTS || p.hasKind {
		return d.refuse("missing_values", "", "the packet has no `values`: beside `id`, `ts` or `kind`, what was measured belongs into an object `values`")
	}
	if len(p.Values) == 0 {
		return d.refuse("no_values", where, "the packet holds no value that is not null")
	}
	if p.Kind == KindLogs && !hasMessage(p.Values) {
		return d.refuse("missing_message", where, "a packet of kind `logs` needs a text value `message`")
	}
	return true
}

func hasMessage(values []Value) bool {
	for i := range values {
		if values[i].Name == "message" && values[i].Type == Text {
			return true
		}
	}
	return false
}
