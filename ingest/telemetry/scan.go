package telemetry

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over JSON text. A method that returns false has filled in either syntax, when what follows cannot be
// understood any more, or fault, when it can be understood and is not allowed; pos is then the place. Nothing after a
// false may be read before one of them was dealt with.
type scanner struct {
	text   string
	pos    int
	end    int  // the text is looked at up to here
	utf8OK bool // the whole text is valid UTF-8: strings need no look of their own
	syntax *SyntaxError
	fault  fault
}

// fault is why a packet is refused. The sentence is made when the fault is found, and only then.
type fault struct{ code, pointer, detail string }

func (s *scanner) broken(detail string) bool {
	if s.syntax == nil {
		s.syntax = &SyntaxError{Offset: s.pos, Code: "syntax", Detail: detail}
	}
	return false
}

func (s *scanner) refuse(code, pointer, detail string) bool {
	s.fault = fault{code: code, pointer: pointer, detail: detail}
	return false
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < s.end {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// want takes the byte c, which must come next.
func (s *scanner) want(c byte, where string) bool {
	if s.peek() != c {
		return s.broken("expected " + strconv.QuoteRune(rune(c)) + " " + where + ", found " + s.here())
	}
	s.pos++
	return true
}

// here names what stands at the present place.
func (s *scanner) here() string {
	if s.pos >= s.end {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.pos:s.end])
	return strconv.QuoteRune(r)
}

// more is called behind an element: it tells whether another one follows before the closing byte, and takes what it saw.
func (s *scanner) more(closing byte) (another, ok bool) {
	switch c := s.peek(); c {
	case ',':
		s.pos++
		return true, true
	case closing:
		s.pos++
		return false, true
	default:
		return false, s.broken("expected ',' or " + strconv.QuoteRune(rune(closing)) + ", found " + s.here())
	}
}

// word takes a literal such as true.
func (s *scanner) word(w string) bool {
	if !strings.HasPrefix(s.text[s.pos:s.end], w) {
		return s.broken("expected a value, found " + s.here())
	}
	s.pos += len(w)
	return true
}

// notFinite tells whether one of the words for no number that some programs write stands here, and its length. They are
// no JSON, but where they end is plain.
func (s *scanner) notFinite() int {
	if s.pos < s.end && s.text[s.pos]-'0' <= 9 {
		return 0
	}
	for _, w := range [...]string{"NaN", "Infinity", "-Infinity", "-NaN"} {
		if strings.HasPrefix(s.text[s.pos:s.end], w) {
			return len(w)
		}
	}
	return 0
}

// str reads a string, whose quote comes next. What it returns is a part of the text unless there are escapes in it.
func (s *scanner) str() (string, bool) {
	s.pos++
	start := s.pos
	for s.pos < s.end {
		switch c := s.text[s.pos]; {
		case c == '"':
			out := s.text[start:s.pos]
			s.pos++
			return out, s.checkUTF8(out)
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return "", s.broken("a control character inside a string must be written as an escape such as \\n")
		}
		s.pos++
	}
	return "", s.broken("the text ends inside a string")
}

func (s *scanner) checkUTF8(out string) bool {
	if s.utf8OK || utf8.ValidString(out) {
		return true
	}
	return s.refuse("invalid_utf8", "", "is not valid UTF-8")
}

// escaped is the slow path of str, entered at the first backslash.
func (s *scanner) escaped(start int) (string, bool) {
	var out strings.Builder
	lone := false // reported at the end: the string must be walked through to know where it ends
	for s.pos < s.end {
		switch c := s.text[s.pos]; {
		case c == '"':
			out.WriteString(s.text[start:s.pos])
			s.pos++
			if lone {
				return "", s.refuse("lone_surrogate", "", "holds half of a surrogate pair, which is no character")
			}
			return out.String(), s.checkUTF8(out.String())
		case c == '\\':
			out.WriteString(s.text[start:s.pos])
			r, ok := s.escape()
			if !ok {
				return "", false
			}
			lone = lone || r == utf8.MaxRune+1
			out.WriteRune(r)
			start = s.pos
		case c < ' ':
			return "", s.broken("a control character inside a string must be written as an escape such as \\n")
		default:
			s.pos++
		}
	}
	return "", s.broken("the text ends inside a string")
}

// escape reads one escape sequence. Half of a surrogate pair comes back as utf8.MaxRune+1.
func (s *scanner) escape() (rune, bool) {
	if s.pos+1 >= s.end {
		return 0, s.broken("the text ends inside a string")
	}
	c := s.text[s.pos+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		s.pos += 2
		return rune("\"\\/\b\f\n\r\t"[i]), true
	}
	first, ok := s.hex4(s.pos)
	if !ok {
		return 0, s.broken("no such escape sequence in JSON")
	}
	s.pos += 6
	if !utf16.IsSurrogate(first) {
		return first, true
	}
	if second, ok := s.hex4(s.pos); ok {
		if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
			s.pos += 6
			return r, true
		}
	}
	return utf8.MaxRune + 1, true
}

// hex4 reads \uXXXX at the given place.
func (s *scanner) hex4(at int) (rune, bool) {
	if at+6 > s.end || s.text[at] != '\\' || s.text[at+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s.text[at+2 : at+6]) {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// span walks over a number and returns its text; whole means that it has neither fraction nor exponent.
func (s *scanner) span() (text string, whole, ok bool) {
	start := s.pos
	if s.at('-') {
		s.pos++
	}
	if s.at('0') {
		s.pos++
	} else if !s.digits() {
		return "", false, s.broken("expected a value, found " + s.here())
	}
	whole = true
	if s.at('.') {
		whole = false
		if s.pos++; !s.digits() {
			return "", false, s.broken("expected a digit after the decimal point, found " + s.here())
		}
	}
	if s.at('e') || s.at('E') {
		whole = false
		if s.pos++; s.at('+') || s.at('-') {
			s.pos++
		}
		if !s.digits() {
			return "", false, s.broken("expected a digit in the exponent, found " + s.here())
		}
	}
	return s.text[start:s.pos], whole, true
}

func (s *scanner) at(c byte) bool { return s.pos < s.end && s.text[s.pos] == c }

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < s.end && s.text[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos > start
}

// power is a power of ten that a float64 holds exactly.
func power(n int) float64 {
	return [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
		1e18, 1e19, 1e20, 1e21, 1e22}[n]
}

// plainDigits is how many decimal digits always fit the 53 bits of a float64.
const plainDigits = 15

// toFloat converts what span found. With few digits and no exponent both the digits and the power of ten are exact, so
// that one division rounds once, as it must; everything else goes through strconv.
func toFloat(text string) (float64, error) {
	var digits, fraction int
	var m int64
	for i := range len(text) {
		switch c := text[i]; {
		case c == '.':
			fraction = digits + 1
		case c >= '0' && c <= '9':
			m = m*10 + int64(c-'0')
			digits++
		case c != '-':
			return strconv.ParseFloat(text, 64)
		}
		if digits > plainDigits {
			return strconv.ParseFloat(text, 64)
		}
	}
	f := float64(m)
	if fraction > 0 {
		f /= power(digits - fraction + 1)
	}
	if text[0] == '-' {
		f = math.Copysign(f, -1)
	}
	return f, nil
}
