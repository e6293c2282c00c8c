package widget

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"longwave/ingest/telemetry"
)

// WriteCSV writes an answer as a file: the same numbers that the widget shows.
func (a Answer) WriteCSV(to io.Writer) error {
	out := csv.NewWriter(to)
	if err := out.WriteAll(a.rows()); err != nil {
		return fmt.Errorf("widget: csv: %w", err)
	}
	return nil
}

func (a Answer) rows() [][]string {
	switch {
	case a.Alerts != nil && len(a.Series) == 0:
		rows := [][]string{{"since", "severity", "rule", "device", "name", "state", "message"}}
		for _, one := range a.Alerts {
			rows = append(rows, []string{instant(one.From), one.Severity, cell(one.Name), string(one.Device), cell(one.Who), cell(one.State), cell(one.Message)})
		}
		return rows
	case len(a.Devices) > 0:
		rows := [][]string{{"device", "name", "site", "last_sent"}}
		for _, d := range a.Devices {
			rows = append(rows, []string{string(d.Device), cell(d.Name), cell(d.Site), instant(d.At)})
		}
		return rows
	case len(a.Series) == 0:
		rows := [][]string{{"time", "device", "name", "kind", "what", "text"}}
		for _, e := range a.Events {
			rows = append(rows, []string{instant(e.At), string(e.Device), cell(e.Name), e.Kind, cell(e.What), cell(e.Text)})
		}
		return rows
	}
	rows := [][]string{{"time", "device", "name", "metric", "unit", "value", "min", "max", "count"}}
	for _, s := range a.Series {
		head := []string{string(s.Device), cell(s.Name), cell(s.Metric), cell(s.Unit)}
		switch {
		case s.Value != nil:
			rows = append(rows, s.row(a.To, head, number(*s.Value), "", "", ""))
		case len(s.Points) == 0:
			rows = append(rows, s.row(s.Latest.At, head, cell(fmt.Sprint(s.Latest.Value)), "", "", ""))
		}
		for _, p := range s.Points {
			rows = append(rows, s.row(p.Time, head, number(p.Value), number(p.Min), number(p.Max), strconv.FormatUint(p.Count, 10)))
		}
	}
	return rows
}

func (s Series) row(at telemetry.Micros, head []string, rest ...string) []string {
	return append(append([]string{instant(at)}, head...), rest...)
}

func instant(at telemetry.Micros) string {
	if at == 0 {
		return ""
	}
	return at.Time().UTC().Format("2006-01-02T15:04:05.000000Z")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// cell keeps a spreadsheet from taking for a formula what a person or a device chose. A negative number is none.
func cell(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err == nil || text == "" {
		return text
	}
	if strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
