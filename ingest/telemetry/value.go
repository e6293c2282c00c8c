package telemetry

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// value reads the member name of the object at parent as a value of p.
func (d *decoder) value(p *draft, parent, name string) bool {
	v := Value{Name: name}
	var ok bool
	switch c := d.peek(); {
	case c == '"':
		v.Type = Text
		ok = d.textValue(&v, parent)
	case c == 't':
		v.Type, v.Num = Bool, 1
		ok = d.word("true")
	case c == 'f':
		v.Type = Bool
		ok = d.word("false")
	case c == 'n':
		return d.word("null") && d.nameUsed(p, parent, name)
	case c == '{' || c == '[':
		ok = d.wrongType(c, quoted(name), parent+pointerTo(name), "value_type", "number, bool or text")
	default:
		ok = d.number(&v, parent)
	}
	if !ok || !d.nameUsed(p, parent, name) {
		return false
	}
	if len(d.values)-p.first == MaxValues {
		return d.refuse("too_many_values", parent, fmt.Sprintf("the packet has more than %d values: send several packets", MaxValues))
	}
	if p.size += len(v.Name) + len(v.Text); p.size > MaxPacketText {
		return d.refuse("packet_too_large", parent, fmt.Sprintf(
			"the names and texts of the packet have more than %d bytes: send several packets", MaxPacketText))
	}
	d.values = append(d.values, v)
	return true
}

// nameUsed checks a name when it is new to the request, and that this packet did not use it before.
func (d *decoder) nameUsed(p *draft, parent, name string) bool {
	number := d.names.find(name, p.position)
	if number < 0 {
		if reason := badName(name); reason != "" {
			return d.refuse("name_invalid", parent+pointerTo(name), "the name "+quoted(name)+" "+reason)
		}
		number = d.names.add(name)
		d.usedIn = append(d.usedIn, 0)
	}
	if d.usedIn[number] == d.count {
		return d.refuse("duplicate_name", parent+pointerTo(name), quoted(name)+" is given twice")
	}
	d.usedIn[number] = d.count
	d.names.place(p.position, number)
	p.position++
	return true
}

func badName(name string) string {
	if name == "" || len(name) > MaxName {
		return fmt.Sprintf("has %d bytes, expected 1 to %d", len(name), MaxName)
	}
	if strings.IndexFunc(name, unicode.IsControl) >= 0 {
		return "holds a control character"
	}
	if strings.IndexFunc(name, invisible) >= 0 {
		return "holds an invisible character, so that it would look like another name"
	}
	return ""
}

// invisible characters change the direction of text or show nothing at all. The two joiners are part of some scripts.
func invisible(r rune) bool {
	const joiner, nonJoiner = '\u200d', '\u200c'
	return unicode.Is(unicode.Cf, r) && r != joiner && r != nonJoiner
}

func (d *decoder) textValue(v *Value, parent string) (ok bool) {
	if v.Text, ok = d.str(); !ok {
		return d.about(quoted(v.Name), parent+pointerTo(v.Name))
	}
	if len(v.Text) > MaxText {
		return d.refuse("text_too_long", parent+pointerTo(v.Name), fmt.Sprintf("%s has %d bytes, at most %d are kept", quoted(v.Name), len(v.Text), MaxText))
	}
	return true
}

func (d *decoder) number(v *Value, parent string) bool {
	if n := d.notFinite(); n > 0 {
		return d.refuse("not_finite", parent+pointerTo(v.Name), fmt.Sprintf(
			"%s is %s, expected a finite number: leave the value out, or send null", quoted(v.Name), d.text[d.pos:d.pos+n]))
	}
	text, whole, ok := d.span()
	if !ok {
		return false
	}
	f, err := toFloat(text)
	if err != nil {
		return d.refuse("not_finite", parent+pointerTo(v.Name), fmt.Sprintf("%s is %s, which no 64-bit number can hold", quoted(v.Name), quoted(text)))
	}
	if whole && len(text) > plainDigits && strconv.FormatFloat(f, 'f', 0, 64) != text {
		return d.refuse("inexact_number", parent+pointerTo(v.Name), fmt.Sprintf(
			"%s is %s, which a 64-bit floating-point number cannot hold exactly: send it as text", quoted(v.Name), quoted(text)))
	}
	v.Num = f
	return true
}

// wrongType refuses the value that begins with c, or gives up when no value begins so.
func (d *decoder) wrongType(c byte, what, pointer, code, expected string) bool {
	var found string
	switch {
	case c == '{':
		found = "an object"
	case c == '[':
		found = "an array"
	case c == '"':
		found = "text"
	case c == 't' || c == 'f':
		found = "a bool"
	case c == 'n':
		found = "null"
	case c == '-' || c >= '0' && c <= '9' || d.notFinite() > 0:
		found = "a number"
	default:
		return d.broken("expected a value, found " + d.here())
	}
	return d.refuse(code, pointer, what+" is "+found+", expected "+expected)
}
