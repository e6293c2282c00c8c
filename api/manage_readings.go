package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/handler"
)

// defaultSpan is the range of a question that does not name one, as on a device's page.
const defaultSpan = time.Hour

const ndjsonType = "application/x-ndjson"

type (
	readingsIn struct {
		call
		Device    string `query:"device" required:"true" doc:"Id of the device" example:"d-7k3m9c2p5v8x1z4b"`
		Metric    string `query:"metric" required:"true" doc:"Name of the metric" example:"temp"`
		From      string `query:"from" doc:"Beginning, included: RFC 3339, milliseconds since 1970, or before now (-90s, -1h, -7d); an hour before to when missing" example:"-1h"`
		To        string `query:"to" doc:"End, not included, in the same forms; now when missing" example:"now"`
		MaxPoints int    `query:"max_points" doc:"How many points at most; readings are summed up to steps when there are more. Does not apply to application/x-ndjson" minimum:"1" maximum:"10000" default:"1000"`
	}
	// readingsBody documents what writeSeries writes.
	readingsBody struct {
		Step   string      `json:"step" doc:"raw, or the length of the steps that readings were summed up to" example:"1m"`
		Points []pointBody `json:"points"`
	}
	pointBody struct {
		T   time.Time `json:"t" doc:"Device time, or the beginning of the step"`
		V   float64   `json:"v" doc:"The reading, or the mean of the step" example:"21.5"`
		Min *float64  `json:"min,omitempty" doc:"Smallest reading of the step" example:"21.1"`
		Max *float64  `json:"max,omitempty" doc:"Greatest reading of the step" example:"21.9"`
	}
	latestOut struct {
		Body struct {
			Items []latestBody `json:"items"`
		}
	}
	latestBody struct {
		Metric   string    `json:"metric" example:"temp"`
		V        any       `json:"v" doc:"Number, true or false, or text"`
		Unit     string    `json:"unit,omitempty" example:"°C"`
		T        time.Time `json:"t" doc:"Device time"`
		Received time.Time `json:"received" doc:"When the server read it"`
		Interval float64   `json:"interval_seconds,omitempty" doc:"Seconds between readings as learned; missing when not known yet" example:"30"`
	}
)

func (m *management) mountReadings() {
	readings := describe(http.MethodGet, "/readings", "get-readings", "Readings of one metric", tenants.ViewDevices)
	readings.Description = "As JSON: at most max_points, with the smallest and greatest reading of each step when steps were used. " +
		"With Accept: application/x-ndjson: every stored reading of the range, one a line, in order of time, streamed; " +
		"an answer that is not complete ends with a cut connection."
	readings.Responses = m.readingsResponses()
	register(m, readings, m.getReadings)
	register(m, describe(http.MethodGet, "/devices/{device}/latest", "get-latest", "Newest value of every metric", tenants.ViewDevices), m.getLatest)
}

func (m *management) readingsResponses() map[string]*huma.Response {
	schemas := m.huma.OpenAPI().Components.Schemas
	at := "2026-11-20T10:00:00.123Z"
	return map[string]*huma.Response{"200": {
		Description: "The readings",
		Content: map[string]*huma.MediaType{
			"application/json": {
				Schema:  schemas.Schema(reflect.TypeFor[readingsBody](), true, "Readings"),
				Example: map[string]any{"step": "raw", "points": []any{map[string]any{"t": at, "v": 21.5}}},
			},
			ndjsonType: {Schema: &huma.Schema{Type: "string"}, Example: `{"t":"` + at + `","v":21.5}` + "\n"},
		},
	}}
}

func (m *management) getReadings(_ context.Context, who visitor, in *readingsIn) (*huma.StreamResponse, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	s, err := spanOf(in.From, in.To, m.api.now(), defaultSpan)
	if err != nil {
		return nil, err
	}
	query := telemetry.SeriesQuery{Device: device.ID, Metric: in.Metric, From: s.from, To: s.to, MaxPoints: in.MaxPoints}
	reader := m.api.readings(who.tenant)
	answer := func(w http.ResponseWriter, r *http.Request, reader Reader, q telemetry.SeriesQuery) error {
		return unreadable(writeSeries(w, r, reader, q))
	}
	if strings.Contains(who.request.Header.Get("Accept"), ndjsonType) {
		answer = func(w http.ResponseWriter, r *http.Request, reader Reader, q telemetry.SeriesQuery) error {
			still := func() error { return m.stillSees(who, device.ID) }
			return m.api.export(r.Context(), who.tenant, func() error { return unreadable(writeEach(w, r, eachReader{reader, still}, q)) })
		}
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		m.api.adapter.Handle(func(w http.ResponseWriter, r *http.Request) error {
			return answer(w, r, reader, query)
		})(w, r)
	}}, nil
}

const (
	// queryTimeout bounds one question: a chart that takes longer is of no use to anybody.
	queryTimeout = 30 * time.Second
	// retryReadings is how long the engine takes to be back after a crash.
	retryReadings = 5 * time.Second
)

// unreadable puts a failed question to the storage into words.
func unreadable(err error) error {
	p := handler.Problem{
		Status: http.StatusServiceUnavailable, Code: "readings_unavailable", Title: "Readings cannot be read right now",
		Detail:     "The storage did not answer. Packets are still taken and none is lost; try again in a moment.",
		RetryAfter: retryReadings,
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		p.Code, p.Title = "query_timed_out", "The question took too long"
		p.Detail = "The storage did not finish in time. Ask for a shorter range or fewer points, or try again later."
	}
	return p.Because(err)
}

// writeSeries answers with at most MaxPoints points.
func writeSeries(w http.ResponseWriter, r *http.Request, reader Reader, q telemetry.SeriesQuery) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	series, err := reader.Series(ctx, q)
	if err != nil {
		return fmt.Errorf("readings: %w", err)
	}
	out := appendString([]byte(`{"step":`), series.Step)
	out = append(out, `,"points":[`...)
	for i, p := range series.Points {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendPoint(out, p)
		if series.Step != "raw" {
			out = appendNumber(append(out, `,"min":`...), p.Min)
			out = appendNumber(append(out, `,"max":`...), p.Max)
		}
		out = append(out, '}')
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(out, "]}\n"...)) // a script that does not read its answer is no error of ours
	return nil
}

// appendPoint writes time and value and leaves the object open.
func appendPoint(dst []byte, p telemetry.Point) []byte {
	dst = p.Time.Time().AppendFormat(append(dst, `{"t":"`...), time.RFC3339Nano)
	return appendNumber(append(dst, `","v":`...), p.Value)
}

// appendNumber writes a number the way encoding/json does. JSON has no word for what is not finite; nothing of that
// kind is ever stored.
func appendNumber(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	format := byte('f')
	if magnitude := math.Abs(v); magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, 64)
}

func (m *management) getLatest(ctx context.Context, who visitor, in *oneDeviceIn) (*latestOut, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	values, err := m.api.readings(who.tenant).Latest(ctx, device.ID)
	if err != nil {
		return nil, unreadable(err)
	}
	out := &latestOut{}
	out.Body.Items = make([]latestBody, len(values))
	for i, v := range values {
		out.Body.Items[i] = m.latestOf(who.tenant, v)
	}
	return out, nil
}

func (m *management) latestOf(t id.Tenant, l telemetry.Latest) latestBody {
	body := latestBody{
		Metric: l.Metric, V: l.Value.Num, Unit: m.api.tenants.State().Unit(t, l.Metric),
		T: l.Time.Time(), Received: l.Received.Time(), Interval: l.Interval,
	}
	switch l.Value.Type {
	case telemetry.Bool:
		body.V = l.Value.Num != 0
	case telemetry.Text:
		body.V = l.Value.Text
	}
	return body
}
