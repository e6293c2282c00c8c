package telemetry

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// epochUnit is a unit that epoch numbers come in. Units are told apart by magnitude: each one's numbers for the years
// 1973 to 5138 lie in a range of their own.
type epochUnit struct {
	below       float64
	short, long string
	multiply    int64 // to get microseconds
	divide      int64
}

func unitOf(magnitude float64) epochUnit {
	switch {
	case magnitude < 1e11:
		return epochUnit{1e11, "s", "seconds", 1e6, 1}
	case magnitude < 1e14:
		return epochUnit{1e14, "ms", "milliseconds", 1e3, 1}
	case magnitude < 1e17:
		return epochUnit{1e17, "us", "microseconds", 1, 1}
	default:
		return epochUnit{1e20, "ns", "nanoseconds", 1, 1e3}
	}
}

// sinceStart is where seconds stop looking like the running time of a device: thirty years.
const sinceStart = 1e9

// timestamp reads the member ts.
func (d *decoder) timestamp(p *draft) bool {
	switch c := d.peek(); {
	case c == 'n':
		return d.word("null")
	case c == '"':
		return d.textTime(p)
	case c == '-' && d.notFinite() == 0, c >= '0' && c <= '9':
		return d.epoch(p)
	default:
		return d.wrongType(c, "`ts`", "/ts", "ts_type", "an RFC 3339 time or an epoch number")
	}
}

func (d *decoder) textTime(p *draft) bool {
	text, ok := d.str()
	if !ok {
		return d.about("`ts`", "/ts")
	}
	t, reason := parseTime(text)
	if reason != "" {
		return d.refuse("ts_invalid", "/ts", fmt.Sprintf("`ts` %s %s", quoted(text), reason))
	}
	p.Time, p.Stamped = t, false
	if code, absurd := d.absurd(t); absurd != "" {
		return d.refuse(code, "/ts", "`ts` is "+text+absurd)
	}
	return true
}

func (d *decoder) epoch(p *draft) bool {
	text, whole, ok := d.span()
	if !ok {
		return false
	}
	f, t, unit, ok := epochOf(text, whole)
	if !ok {
		return d.refuse("ts_invalid", "/ts", "`ts` "+quoted(text)+" is no time in seconds, milliseconds, microseconds or nanoseconds")
	}
	p.Time, p.Stamped, p.unit = t, false, unit.short
	code, absurd := d.absurd(t)
	if absurd == "" {
		return true
	}
	if math.Abs(f) < sinceStart {
		absurd = ", which looks like a time since start-up" + absurd
	}
	return d.refuse(code, "/ts", fmt.Sprintf("`ts` %s, read as %s, is %s%s", text, unit.long, t.Time().Format(time.RFC3339), absurd))
}

// epochOf reads a number as a time. A whole one is never made a float, which would lose the last digits of nanoseconds.
func epochOf(text string, whole bool) (f float64, t Micros, unit epochUnit, ok bool) {
	if n, err := strconv.ParseInt(text, 10, 64); whole && err == nil {
		f, unit = float64(n), unitOf(math.Abs(float64(n)))
		return f, Micros(n * unit.multiply / unit.divide), unit, true
	}
	f, err := toFloat(text)
	unit = unitOf(math.Abs(f))
	t = Micros(math.Round(f * float64(unit.multiply) / float64(unit.divide)))
	return f, t, unit, err == nil && math.Abs(f) < unit.below
}

// absurd tells what is wrong with a time that is too far from the server's, and the remedy: most often the device's clock
// is not set.
func (d *decoder) absurd(t Micros) (code, reason string) {
	const remedy = "; set the device's clock, or leave `ts` out and the server's time is used"
	switch {
	case t < d.o.Now-Micros(MaxAge.Microseconds()):
		return "ts_too_old", ": more than 366 days ago" + remedy
	case t > d.o.Now+Micros(MaxAhead.Microseconds()):
		return "ts_in_future", ": more than 5 minutes ahead of the server" + remedy
	}
	return "", ""
}

const dateTime = "2006-01-02T15:04:05" // only its punctuation and length are used

// parseTime reads RFC 3339 strictly: time.Parse also takes a comma, single digits and offsets of 99 hours. The reason
// completes the sentence "`ts` … <reason>"; it is empty when the time is good.
func parseTime(text string) (t Micros, reason string) {
	const shape = "is not RFC 3339, such as 2026-11-20T10:00:00.123Z"
	if len(text) < len(dateTime) {
		return 0, shape
	}
	var field [6]int
	ok := text[4] == '-' && text[7] == '-' && (text[10]|0x20 == 't' || text[10] == ' ') && text[13] == ':' && text[16] == ':'
	field[0] = number4(text, &ok)
	for i := range field[1:] {
		field[i+1] = number2(text, 5+3*i, &ok)
	}
	fraction, rest := fractionOf(text[len(dateTime):], &ok)
	if !ok {
		return 0, shape
	}
	offset, known := offsetOf(rest)
	if !known {
		return 0, "has no offset from UTC: append Z or, say, +01:00"
	}
	month, day := time.Month(field[1]), field[2]
	date := time.Date(field[0], month, day, field[3], field[4], field[5], 0, time.UTC)
	y, m, dd := time.Date(field[0], month, day, 0, 0, 0, 0, time.UTC).Date()
	if y != field[0] || m != month || dd != day || field[3] > 23 || field[4] > 59 || field[5] > 60 {
		return 0, "is no date and time that exists"
	}
	// A leap second is the last of a day in UTC (RFC 3339 section 5.7), which time.Date makes the first of the next.
	if utc := date.Add(-offset); field[5] == 60 && (utc.Hour() != 0 || utc.Minute() != 0) {
		return 0, "is no date and time that exists: a leap second is 23:59:60 in UTC"
	}
	return At(date) + fraction - Micros(offset.Microseconds()), ""
}

func number4(text string, ok *bool) int { return number2(text, 0, ok)*100 + number2(text, 2, ok) }

func number2(text string, at int, ok *bool) int {
	a, b := text[at]-'0', text[at+1]-'0'
	*ok = *ok && a <= 9 && b <= 9
	return int(a)*10 + int(b)
}

// fractionOf cuts off what is finer than a microsecond.
func fractionOf(text string, ok *bool) (Micros, string) {
	if text == "" || text[0] != '.' {
		return 0, text
	}
	var micros Micros
	i := 1
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		if i <= 6 {
			micros = micros*10 + Micros(text[i]-'0')
		}
	}
	*ok = *ok && i > 1
	for digits := i; digits <= 6; digits++ {
		micros *= 10
	}
	return micros, text[i:]
}

func offsetOf(text string) (time.Duration, bool) {
	if text == "Z" || text == "z" {
		return 0, true
	}
	if len(text) != len("+01:00") || text[0] != '+' && text[0] != '-' || text[3] != ':' {
		return 0, false
	}
	ok := true
	hours, minutes := number2(text, 1, &ok), number2(text, 4, &ok)
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if text[0] == '-' {
		offset = -offset
	}
	return offset, ok && hours <= 23 && minutes <= 59
}
