package web

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/handler"
)

// Limits of one chart's question.
const (
	defaultPoints = 600
	maxPoints     = 4000 // the pixels of a wide screen
	maxRange      = 400 * 24 * time.Hour
	maxMetricName = 128
)

// series serves GET /t/{tenant}/devices/{device}/series?metric=&from=&to=&points=, from and to in milliseconds since
// 1970: the points of a chart, as JSON or, with format=csv, as a file.
//
//	{"metric":"temp","unit":"°C","step":"raw","points":[[<µs>,21.5],…]}
//	{"metric":"temp","unit":"°C","step":"1m","points":[[<µs>,mean,min,max,count],…]}
func (s *socket) series(w http.ResponseWriter, r *http.Request, t id.Tenant, d id.Device) error {
	if !s.options.Known(t, d) {
		return tenants.ErrNotFound
	}
	query, err := seriesQuery(r.URL.Query(), d)
	if err != nil {
		return err
	}
	answer, err := s.options.Readings(t).Series(r.Context(), query)
	if err != nil {
		return fmt.Errorf("series: %w", err)
	}
	answer.Metric = query.Metric
	w.Header().Set("Cache-Control", "private, no-store")
	if r.URL.Query().Get("format") == "csv" {
		return writeCSV(w, d, answer)
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(seriesJSON(answer, s.options.Unit(t, query.Metric)))
	return err
}

func seriesQuery(values url.Values, d id.Device) (telemetry.SeriesQuery, error) {
	q := telemetry.SeriesQuery{Device: d, Metric: values.Get("metric"), MaxPoints: defaultPoints}
	from, fromErr := strconv.ParseInt(values.Get("from"), 10, 64)
	to, toErr := strconv.ParseInt(values.Get("to"), 10, 64)
	switch {
	case q.Metric == "" || len(q.Metric) > maxMetricName:
		return q, badQuery("metric must be the name of a metric")
	case fromErr != nil || toErr != nil || from < 0 || to > time.Now().Add(maxRange).UnixMilli():
		return q, badQuery("from and to must be milliseconds since 1970")
	case to <= from || time.Duration(to-from)*time.Millisecond > maxRange:
		return q, badQuery("to must be after from, and at most 400 days after it")
	}
	q.From, q.To = telemetry.Micros(from*1000), telemetry.Micros(to*1000)
	if text := values.Get("points"); text != "" {
		points, err := strconv.Atoi(text)
		if err != nil || points < 2 || points > maxPoints {
			return q, badQuery(fmt.Sprintf("points must be 2 to %d", maxPoints))
		}
		q.MaxPoints = points
	}
	return q, nil
}

func badQuery(detail string) error {
	return handler.Problem{Status: http.StatusBadRequest, Code: "invalid", Title: "Invalid request", Detail: detail}.Because(nil)
}

func seriesJSON(s telemetry.Series, unit string) []byte {
	f := &frame{}
	f.buf.WriteByte('{')
	f.list("metric", s.Metric).list("unit", unit).list("step", s.Step).member("points")
	out := append(f.buf.Bytes(), '[')
	for i, p := range s.Points {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(append(out, '['), int64(p.Time), 10)
		out = appendNumber(append(out, ','), p.Value)
		if s.Step != "raw" {
			out = appendNumber(append(out, ','), p.Min)
			out = appendNumber(append(out, ','), p.Max)
			out = strconv.AppendUint(append(out, ','), p.Count, 10)
		}
		out = append(out, ']')
	}
	return append(out, "]}"...)
}

func appendNumber(dst []byte, v float64) []byte { return strconv.AppendFloat(dst, v, 'g', -1, 64) }

// writeCSV writes the numbers of the chart. Nothing in the file was chosen by a device, so no cell can be taken for a
// formula by a spreadsheet.
func writeCSV(w http.ResponseWriter, d id.Device, s telemetry.Series) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+string(d)+"-"+fileName(s.Metric)+`.csv"`)
	out := csv.NewWriter(w)
	rows := [][]string{{"time", "value", "min", "max", "count"}}
	for _, p := range s.Points {
		rows = append(rows, []string{
			p.Time.Time().Format("2006-01-02T15:04:05.000000Z"),
			string(appendNumber(nil, p.Value)), string(appendNumber(nil, p.Min)), string(appendNumber(nil, p.Max)),
			strconv.FormatUint(p.Count, 10),
		})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("series: write: %w", err)
	}
	return nil
}

// fileName keeps what every file system and every header admits.
func fileName(metric string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, metric)
}
