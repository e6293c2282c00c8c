package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"longwave/tenants"
	"longwave/web/export"
)

type (
	// ExportSelection says what an export is about.
	ExportSelection struct {
		call
		Devices []string `query:"devices" doc:"Ids of devices, separated by commas; every device that the rest selects when missing" example:"d-7k3m9c2p5v8x1z4b"`
		Site    string   `query:"site" doc:"Only devices at this site or below it" example:"plant-2"`
		Profile string   `query:"profile" doc:"Only devices of this profile" example:"pump"`
		Labels  []string `query:"labels" doc:"Only devices with all of these labels, name=text, separated by commas" example:"line=4"`
		Metrics []string `query:"metrics" doc:"Names of metrics, separated by commas; all when missing" example:"temp"`
		From    string   `query:"from" doc:"Beginning, included: RFC 3339, milliseconds since 1970, or before now (-90s, -1h, -7d); an hour before to when missing" example:"-1d"`
		To      string   `query:"to" doc:"End, not included, in the same forms; now when missing" example:"now"`
		Step    string   `query:"step" doc:"raw for every reading, or the length of buckets: 1m, 5m, 15m, 1h, 6h, 1d" default:"raw" example:"raw"`
	}
	exportFileIn struct {
		ExportSelection
		Format string `query:"format" doc:"csv, ndjson or parquet" default:"csv" example:"csv"`
		After  string `query:"after" doc:"The last whole line that arrived of a download that broke off: what comes behind it is sent, without a first line of titles. Not for parquet" example:""`
	}
	extentOut struct {
		Body extentBody
	}
	extentBody struct {
		Devices   int       `json:"devices" doc:"How many devices the export is about" example:"12"`
		Series    uint64    `json:"series" doc:"How many of their series have readings in the range" example:"48"`
		RowsAbout uint64    `json:"rows_about" doc:"How many rows the file has, about" example:"1500000"`
		From      time.Time `json:"from" doc:"Beginning of the range; use it instead of a time before now when a download is to be resumed"`
		To        time.Time `json:"to" doc:"End of the range"`
	}
)

func (m *management) mountExports() {
	extent := describe(http.MethodGet, "/exports/extent", "get-export-extent", "How much an export would be", tenants.ExportData)
	register(m, extent, m.getExtent)
	file := describe(http.MethodGet, "/exports", "get-export", "Readings of any devices as a file", tenants.ExportData)
	file.Description = "Streams readings in the order of device, metric, time and value, each once. Times are in UTC with microseconds. " +
		"Headers: Longwave-From and Longwave-To (the range), Longwave-Rows-About (for progress). An answer that is not complete ends with a cut connection: " +
		"ask again with the same range in after=, the last whole line that arrived. Every export is recorded in the audit; of one tenant three run at once."
	file.Responses = exportResponses()
	register(m, file, m.getExport)
}

func exportResponses() map[string]*huma.Response {
	text := &huma.Schema{Type: "string"}
	return map[string]*huma.Response{"200": {
		Description: "The readings",
		Content: map[string]*huma.MediaType{
			"text/csv":                       {Schema: text, Example: "device,metric,time,value,name,unit\nd-7k3m9c2p5v8x1z4b,temp,2026-11-20T10:00:00.123000Z,21.5,Pump 3,°C\n"},
			ndjsonType:                       {Schema: text, Example: `{"device":"d-7k3m9c2p5v8x1z4b","metric":"temp","t":"2026-11-20T10:00:00.123000Z","v":21.5,"name":"Pump 3","unit":"°C"}` + "\n"},
			"application/vnd.apache.parquet": {Schema: &huma.Schema{Type: "string", Format: "binary"}},
		},
	}}
}

// plan finds out what is asked for.
func (m *management) plan(who visitor, in exportFileIn) (*export.Plan, span, error) {
	s, err := spanOf(in.From, in.To, m.api.now(), defaultSpan)
	if err != nil {
		return nil, s, err
	}
	r := export.Request{Devices: in.Devices, Site: in.Site, Profile: in.Profile, Metrics: in.Metrics, From: s.from, To: s.to, After: in.After}
	if r.Step, err = export.ParseStep(in.Step); err != nil {
		return nil, s, err
	}
	if r.Format, err = export.ParseFormat(in.Format); err != nil {
		return nil, s, err
	}
	for _, label := range in.Labels {
		name, text, ok := strings.Cut(label, "=")
		if !ok {
			return nil, s, badParameter("labels", "want name=text, separated by commas")
		}
		if r.Labels == nil {
			r.Labels = map[string]string{}
		}
		r.Labels[name] = text
	}
	plan, err := m.api.exports.Plan(export.Who{Principal: who.principal, Actor: who.actor, Still: func(context.Context) error {
		_, err := m.admit(who.request, tenants.ExportData)
		return err
	}}, r)
	return plan, s, err
}

func (m *management) getExtent(ctx context.Context, who visitor, in *ExportSelection) (*extentOut, error) {
	plan, s, err := m.plan(who, exportFileIn{ExportSelection: *in})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	extent, err := plan.Extent(ctx)
	if err != nil {
		return nil, unreadable(err)
	}
	return &extentOut{Body: extentBody{Devices: plan.Devices(), Series: extent.Series, RowsAbout: extent.Rows, From: s.from.Time().UTC(), To: s.to.Time().UTC()}}, nil
}

func (m *management) getExport(_ context.Context, who visitor, in *exportFileIn) (*huma.StreamResponse, error) {
	plan, _, err := m.plan(who, *in)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		m.api.adapter.Handle(func(w http.ResponseWriter, r *http.Request) error { return plan.Write(r.Context(), w) })(w, r)
	}}, nil
}
