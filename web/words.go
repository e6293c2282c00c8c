package web

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"longwave/ingest/telemetry"
)

// count writes a number of things as a person would say it: "1 device", "412 devices", "3.1 million readings".
func count(n uint64, one, many string) string {
	switch {
	case n == 1:
		return "1 " + one
	case n < 1_000_000:
		return grouped(n) + " " + many
	case n < 1_000_000_000:
		return oneDigit(float64(n)/1e6) + " million " + many
	}
	return oneDigit(float64(n)/1e9) + " billion " + many
}

// grouped separates thousands with a comma.
func grouped(n uint64) string {
	return separated(strconv.FormatUint(n, 10))
}

func oneDigit(f float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
}

// bytesText writes a size in units a person would say.
func bytesText(n uint64) string {
	const unit = 1000
	if n < unit {
		return strconv.FormatUint(n, 10) + " B"
	}
	value, names := float64(n), []string{"kB", "MB", "GB", "TB", "PB"}
	at := -1
	for value >= unit && at < len(names)-1 {
		value /= unit
		at++
	}
	return oneDigit(value) + " " + names[at]
}

// duration writes an interval in the largest unit that divides it well.
func duration(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return oneDigit(d.Hours()/24) + " days"
	case d >= 2*time.Hour:
		return oneDigit(d.Hours()) + " h"
	case d >= 2*time.Minute:
		return oneDigit(d.Minutes()) + " min"
	case d >= time.Second:
		return oneDigit(d.Seconds()) + " s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
}

// significant digits are enough to see a change, and fit a cell in which the number changes in place.
const significant = 6

// number writes a measured value.
func number(v float64) string {
	abs := math.Abs(v)
	if v == 0 {
		return "0"
	}
	if abs < 1e-4 || abs >= 1e9 {
		return strconv.FormatFloat(v, 'g', significant, 64)
	}
	digits := max(0, significant-1-int(math.Floor(math.Log10(abs))))
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return separated(text)
}

// separated groups the thousands of a decimal number.
func separated(decimal string) string {
	whole, fraction, has := strings.Cut(decimal, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if has {
		whole += "." + fraction
	}
	return sign + whole
}

func valueText(v telemetry.Value) string {
	switch v.Type {
	case telemetry.Text:
		return v.Text
	case telemetry.Bool:
		return strconv.FormatBool(v.Num != 0)
	}
	return number(v.Num)
}

// labelTexts lists labels as name=text in the order of their names.
func labelTexts(labels map[string]string) []string {
	list := make([]string, 0, len(labels))
	for name, text := range labels {
		list = append(list, name+"="+text)
	}
	slices.Sort(list)
	return list
}

// parseLabels reads "site=plant-2, line=4".
func parseLabels(text string) (map[string]string, error) {
	labels := map[string]string{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, found := strings.Cut(part, "=")
		if !found || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("“%s” is not of the form name=text", part)
		}
		labels[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return labels, nil
}

// parseInterval reads "10 s", "5 min", "1 h", "1 day" or a number of seconds; nothing means that it is to be learned.
func parseInterval(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, nil
	}
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && !unicode.IsDigit(r) })
	if end < 0 {
		end = len(text)
	}
	value, err := strconv.ParseFloat(text[:end], 64)
	unit, known := intervalUnit(strings.TrimSpace(text[end:]))
	if err != nil || !known || value > float64(math.MaxInt64)/float64(unit) {
		return 0, fmt.Errorf("“%s” is not an interval such as 10 s, 5 min or 1 h", text)
	}
	return time.Duration(value * float64(unit)), nil
}

func intervalUnit(name string) (time.Duration, bool) {
	switch strings.ToLower(name) {
	case "", "s", "sec", "second", "seconds":
		return time.Second, true
	case "m", "min", "minute", "minutes":
		return time.Minute, true
	case "h", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return 24 * time.Hour, true
	}
	return 0, false
}

// capital makes the first letter of a sentence upper case.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}
