package export

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Format is the form of a file.
type Format string

// The forms.
const (
	CSV     Format = "csv"
	NDJSON  Format = "ndjson"
	Parquet Format = "parquet"
)

// ParseFormat finds a form by its name; none means CSV. It returns a handler.Problem for one that is not there.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case "":
		return CSV, nil
	case CSV, NDJSON, Parquet:
		return f, nil
	}
	return "", refused("format", fmt.Sprintf("%.20q is no format. Use csv, ndjson or parquet.", name))
}

// MediaType is what the form is called in answers.
func (f Format) MediaType() string {
	switch f {
	case NDJSON:
		return "application/x-ndjson"
	case Parquet:
		return "application/vnd.apache.parquet"
	}
	return "text/csv; charset=utf-8"
}

// RowBytes is about how long a row is, from which the size of a file is estimated.
func (f Format) RowBytes() uint64 {
	switch f {
	case NDJSON:
		return 140
	case Parquet:
		return 6
	}
	return 90
}

// position reads the last line that arrived; nil without one.
func (f Format) position(line string) (*telemetry.Position, error) {
	if line == "" {
		return nil, nil
	}
	at, err := positionOf(f, line)
	if err != nil {
		return nil, refused("after", "This is no whole line of such an export: "+err.Error()+".")
	}
	return at, nil
}

func positionOf(f Format, line string) (*telemetry.Position, error) {
	var device, metric, at string
	var value float64
	if f == NDJSON {
		var row struct {
			Device, Metric, T string
			V                 *float64
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.V == nil {
			return nil, fmt.Errorf("it is no JSON object with device, metric, t and v")
		}
		device, metric, at, value = row.Device, row.Metric, row.T, *row.V
	} else {
		cells, err := csv.NewReader(strings.NewReader(line)).Read()
		if err != nil || len(cells) < 4 {
			return nil, fmt.Errorf("it has not the columns device, metric, time and value")
		}
		device, metric, at = cells[0], plain(cells[1]), cells[2]
		if value, err = strconv.ParseFloat(cells[3], 64); err != nil {
			return nil, fmt.Errorf("its value is no number")
		}
	}
	d, err := id.Parse[id.Device](device)
	if err != nil {
		return nil, fmt.Errorf("its device is no id")
	}
	when, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return nil, fmt.Errorf("its time is none")
	}
	return &telemetry.Position{SeriesKey: telemetry.SeriesKey{Device: d, Metric: metric}, Time: telemetry.At(when), Value: value}, nil
}

// lines writes rows as text. What is the same for all rows of a series is made once for each.
type lines struct {
	format         Format
	buckets        bool
	name, unit     func(string) string // of a device, and of a metric
	device, metric string
	head, tail     []byte
	day            int64
	date           []byte
}

// title is the first line of a file; NDJSON has none.
func (l *lines) title() string {
	switch {
	case l.format == NDJSON:
		return ""
	case l.buckets:
		return "device,metric,time,value,min,max,count,name,unit\n"
	}
	return "device,metric,time,value,name,unit\n"
}

// add appends one row.
func (l *lines) add(out []byte, row *telemetry.ExportRow) []byte {
	if row.Device != l.device || row.Metric != l.metric || l.head == nil {
		l.turn(row.Device, row.Metric)
	}
	out = l.instant(append(out, l.head...), row.Time)
	between := [...]string{",", ",", ",", ","}
	if l.format == NDJSON {
		between = [...]string{`","v":`, `,"min":`, `,"max":`, `,"n":`}
	}
	out = number(append(out, between[0]...), row.Value)
	if l.buckets {
		out = number(append(out, between[1]...), row.Min)
		out = number(append(out, between[2]...), row.Max)
		out = strconv.AppendUint(append(out, between[3]...), row.Count, 10)
	}
	return append(out, l.tail...)
}

// turn prepares for the rows of another series.
func (l *lines) turn(device, metric string) {
	l.device, l.metric = device, metric
	name, unit := l.name(device), l.unit(metric)
	if l.format == NDJSON {
		l.head = []byte(`{"device":` + quoted(device) + `,"metric":` + quoted(metric) + `,"t":"`)
		l.tail = []byte(`,"name":` + quoted(name) + `,"unit":` + quoted(unit) + "}\n")
		return
	}
	l.head = []byte(cell(device) + "," + cell(metric) + ",")
	l.tail = []byte("," + cell(name) + "," + cell(unit) + "\n")
}

func quoted(text string) string {
	out, _ := json.Marshal(text) // a string always can be
	return string(out)
}

const (
	dayMicros  = int64(24 * time.Hour / time.Microsecond)
	timeDigits = len("15:04:05.000000Z")
)

// instant appends a time in UTC with all of its microseconds. The date is made once a day, as rows come in the order of
// time.
func (l *lines) instant(out []byte, at telemetry.Micros) []byte {
	day, rest := int64(at)/dayMicros, int64(at)%dayMicros
	if day != l.day || l.date == nil {
		l.day, l.date = day, at.Time().UTC().AppendFormat(l.date[:0], "2006-01-02T")
	}
	var clock [timeDigits]byte
	copy(clock[:], "00:00:00.000000Z")
	digits(clock[9:15], rest%1_000_000)
	rest /= 1_000_000
	digits(clock[6:8], rest%60)
	digits(clock[3:5], rest/60%60)
	digits(clock[0:2], rest/3600)
	return append(append(out, l.date...), clock[:]...)
}

func digits(out []byte, n int64) {
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = byte('0' + n%10)
		n /= 10
	}
}

func number(out []byte, v float64) []byte { return strconv.AppendFloat(out, v, 'g', -1, 64) }

// formulas begin what a spreadsheet would take for one.
const formulas = "=+-@\t\r"

// cell writes a text of somebody else's as a cell. What a spreadsheet would take for a formula gets an apostrophe, and so
// does what already looks as if it had got one, so that plain can tell.
func cell(text string) string {
	if bare := strings.TrimLeft(text, "'"); bare != "" && strings.ContainsRune(formulas, rune(bare[0])) {
		text = "'" + text
	}
	if strings.ContainsAny(text, "\",\r\n") {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

// plain undoes the apostrophe of cell.
func plain(text string) string {
	if bare := strings.TrimLeft(text, "'"); bare != "" && bare != text && strings.ContainsRune(formulas, rune(bare[0])) {
		return text[1:]
	}
	return text
}
