package rule

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// kind says what a value is while an expression is evaluated. The first two are no values: what is computed from them is
// the worse of them.
type kind uint8

const (
	missing kind = iota // the packet or the device has none; of a type: only known with a packet
	failed              // frame.failure says why
	number
	text
	truth // num is 0 or 1
)

// String is the kind for a person.
func (k kind) String() string {
	return [...]string{"missing", "failed", "a number", "text", "true or false"}[k]
}

type value struct {
	text string
	num  float64
	kind kind
}

func (v value) isTrue() bool { return v.kind == truth && v.num != 0 }

func truthOf(b bool) value {
	if b {
		return value{kind: truth, num: 1}
	}
	return value{kind: truth}
}

// term is a part of an expression, made for being evaluated. It is a tree without loops, so it ends.
type term func(*frame) value

// frame is what one packet is judged in.
type frame struct {
	packet  *telemetry.Packet
	from    *Sender
	at      []int32 // for each name of the set, where in the packet's values it is, counted from 1; 0 for missing
	left    int     // work that may still be done for this packet
	failure Failure
}

// Sender is what rules may ask of the device that sent a packet.
type Sender struct {
	Device  id.Device
	Profile string
	Site    string // a path: plant-2/line-4
	Labels  map[string]string
}

// Failure says why a rule could not be computed on a packet. The zero Failure is none.
type Failure struct {
	what string // the value or operation concerned
	code uint8
	is   kind
	want kind
}

const (
	wrongKind uint8 = iota + 1
	zeroDivision
	tooMuchWork
)

// String is the failure as a sentence for the person who wrote the rule.
func (f Failure) String() string {
	switch f.code {
	case wrongKind:
		return fmt.Sprintf("%.80s is %s, expected %s", f.what, f.is, f.want)
	case zeroDivision:
		return fmt.Sprintf("%.80s divides by zero", f.what)
	case tooMuchWork:
		return "the rules cost more than one packet may: use fewer or shorter regular expressions"
	default:
		return ""
	}
}

func (f *frame) fail(why Failure) value {
	f.failure = why
	return value{kind: failed}
}

// work books what an operation costs beyond its share of the expression, about five nanoseconds a unit.
func (f *frame) work(units int) bool {
	f.left -= units
	return f.left >= 0
}

// read returns a value of the packet.
func (f *frame) read(slot int32) value {
	at := f.at[slot]
	if at == 0 {
		return value{}
	}
	switch v := &f.packet.Values[at-1]; v.Type {
	case telemetry.Number:
		return value{kind: number, num: v.Num}
	case telemetry.Bool:
		return value{kind: truth, num: v.Num}
	default:
		return value{kind: text, text: v.Text}
	}
}

// worse is what an operation on a and b is when one of them is no value.
func worse(a, b value) value {
	if a.kind == failed || b.kind == failed {
		return value{kind: failed}
	}
	return value{}
}

func noValue(a, b value) bool { return a.kind <= failed || b.kind <= failed }

// both makes an operation on two operands of one kind.
func both(want kind, l, r part, apply func(*frame, value, value) value) term {
	lt, rt := l.eval, r.eval
	return func(f *frame) value {
		a := lt(f)
		if a.kind == failed {
			return a
		}
		b := rt(f)
		switch {
		case a.kind == want && b.kind == want:
			return apply(f, a, b)
		case noValue(a, b):
			return worse(a, b)
		case a.kind != want:
			return f.fail(Failure{code: wrongKind, what: l.text, is: a.kind, want: want})
		default:
			return f.fail(Failure{code: wrongKind, what: r.text, is: b.kind, want: want})
		}
	}
}

// equal compares: values of different kinds are never equal.
func equal(l, r term, negated bool) term {
	return func(f *frame) value {
		a := l(f)
		if a.kind == failed {
			return a
		}
		b := r(f)
		if noValue(a, b) {
			return worse(a, b)
		}
		return truthOf((a == b) != negated)
	}
}

// order is one of < <= > >=, given as which results of a comparison make it true.
type order struct{ less, same, more bool }

func (o order) of(a, b float64) bool { return a < b && o.less || a == b && o.same || a > b && o.more }

// compare compares two numbers, or two texts.
func compare(l, r part, o order) term {
	return func(f *frame) value {
		a := l.eval(f)
		if a.kind == failed {
			return a
		}
		b := r.eval(f)
		switch {
		case noValue(a, b):
			return worse(a, b)
		case a.kind == number && b.kind == number:
			return truthOf(o.of(a.num, b.num))
		case a.kind == text && b.kind == text:
			return truthOf(o.of(float64(strings.Compare(a.text, b.text)), 0))
		}
		blame, want := l.text, b.kind
		if l.constant || a.kind == number && !r.constant { // blame what came with the packet
			blame, a, want = r.text, b, a.kind
		}
		if want != text {
			want = number
		}
		return f.fail(Failure{code: wrongKind, what: blame, is: a.kind, want: want})
	}
}

// compareNumber is compare for the usual case, a value of the packet against a number that is written in the rule.
func compareNumber(slot int32, limit float64, o order, slow term) term {
	return func(f *frame) value {
		if at := f.at[slot]; at != 0 {
			if v := &f.packet.Values[at-1]; v.Type == telemetry.Number {
				return truthOf(o.of(v.Num, limit))
			}
		}
		return slow(f)
	}
}

// and is Kleene's: false if one side is, whatever is missing on the other.
func and(l, r part) term { return junction(l, r, 0) }

// or is Kleene's: true if one side is, whatever is missing on the other.
func or(l, r part) term { return junction(l, r, 1) }

// junction is decided by a side that is the given truth.
func junction(l, r part, decides float64) term {
	return func(f *frame) value {
		a := truthIn(f, l)
		if a.kind == failed || a.kind == truth && a.num == decides {
			return a
		}
		b := truthIn(f, r)
		if b.kind == failed || b.kind == truth && b.num == decides || a.kind == truth {
			return b
		}
		return a
	}
}

// truthIn evaluates what must be true or false, or is missing.
func truthIn(f *frame, p part) value {
	v := p.eval(f)
	if v.kind == number || v.kind == text {
		return f.fail(Failure{code: wrongKind, what: p.text, is: v.kind, want: truth})
	}
	return v
}

func not(p part) term {
	return func(f *frame) value {
		v := truthIn(f, p)
		if v.kind == truth {
			return truthOf(v.num == 0)
		}
		return v
	}
}

func arithmetic(operator, whole string) func(*frame, value, value) value {
	return func(f *frame, a, b value) value {
		v := value{kind: number}
		switch operator {
		case "+":
			v.num = a.num + b.num
		case "-":
			v.num = a.num - b.num
		case "*":
			v.num = a.num * b.num
		default:
			if b.num == 0 {
				return f.fail(Failure{code: zeroDivision, what: whole})
			}
			v.num = a.num / b.num
		}
		return v
	}
}

func rounding(name string) func(float64) float64 {
	return map[string]func(float64) float64{"abs": math.Abs, "floor": math.Floor, "ceil": math.Ceil, "round": math.Round}[name]
}

// within says whether a site is the given one or below it.
func within(site, of string) bool {
	rest, ok := strings.CutPrefix(site, of)
	return ok && (rest == "" || rest[0] == '/')
}

// visible says whether a text shows all of itself and changes nothing around it.
func visible(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) < 0
}
