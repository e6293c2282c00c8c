package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/views"
	"longwave/web/export"
	"longwave/web/handler"
)

const (
	// exportSample is how many rows a page shows of a file.
	exportSample = 10
	// exportNames is how many metrics are suggested.
	exportNames = 12

	formTimes = "2006-01-02T15:04:05.999" // as formTime reads them
	ownRange  = "own"                     // between the two times of the form
)

func exportPath(t id.Tenant) string { return tenantPath(t) + "/export" }

// mountExports adds what is about taking readings away.
func (w *Web) mountExports(r chi.Router) {
	r.Get("/t/{tenant}/export", w.inTenant(tenants.ExportData, w.showExport))
	r.Get("/t/{tenant}/export/file", w.inTenant(tenants.ExportData, w.exportFile))
}

// exportRanges are the ranges that the form offers besides one of one's own.
func exportRanges() []span {
	const day = 24 * time.Hour
	return append(spans()[2:], span{"90d", "90 d", 90 * day}, span{"365d", "365 d", 365 * day})
}

// exportRequest reads an export from an address. It returns a handler.Problem for what cannot be read.
func (w *Web) exportRequest(v url.Values) (r export.Request, err error) {
	r = export.Request{Devices: v["device"], Site: strings.Trim(v.Get("site"), "/"), Profile: v.Get("profile"), After: v.Get("after")}
	if r.Format, err = export.ParseFormat(v.Get("format")); err != nil {
		return r, err
	}
	if r.Step, err = export.ParseStep(v.Get("step")); err != nil {
		return r, err
	}
	if r.Labels, err = parseLabels(v.Get("labels")); err != nil {
		return r, wrongField("labels", "The labels cannot be read: write name=text, separated by commas.")
	}
	for name := range strings.SplitSeq(v.Get("metrics"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			r.Metrics = append(r.Metrics, name)
		}
	}
	if v.Get("range") != ownRange {
		length := 24 * time.Hour
		for _, s := range exportRanges() {
			if s.key == v.Get("range") {
				length = s.length
			}
		}
		now := w.o.Now().Truncate(time.Second)
		r.From, r.To = telemetry.At(now.Add(-length)), telemetry.At(now)
		return r, nil
	}
	var ok bool
	if r.From, ok = formTime(v.Get("from")); !ok || r.From == 0 {
		return r, wrongField("from", "The beginning is not a date with a time.")
	}
	if r.To, ok = formTime(v.Get("to")); !ok || r.To == 0 {
		return r, wrongField("to", "The end is not a date with a time.")
	}
	return r, nil
}

func wrongField(field, text string) error {
	return handler.Problem{Status: http.StatusUnprocessableEntity, Code: "invalid", Title: "Invalid request", Detail: text,
		Errors: []handler.Fault{{Parameter: field, Code: "invalid", Detail: text}}}.Because(nil)
}

func (w *Web) exportPlan(r *http.Request, p tenants.Principal) (export.Request, *export.Plan, error) {
	request, err := w.exportRequest(r.URL.Query())
	if err != nil {
		return request, nil, err
	}
	plan, err := w.o.Exports.Plan(export.Who{Principal: p, Actor: w.actor(r, p), Still: w.stillThere(r, p)}, request)
	return request, plan, err
}

// exportFile streams a file.
func (w *Web) exportFile(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	_, plan, err := w.exportPlan(r, p)
	if err != nil {
		return err
	}
	return plan.Write(r.Context(), out)
}

// showExport shows what an address would export.
func (w *Web) showExport(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	ctx, cancel := context.WithTimeout(r.Context(), storageTimeout) // for everything that is read, together
	defer cancel()
	page := w.exportForm(ctx, r.URL.Query(), p)
	page.Frame = w.frame(out, r, p, "Export readings")
	status := http.StatusOK
	request, plan, err := w.exportPlan(r, p)
	if problem := handler.Describe(err); err != nil && problem.Status == http.StatusUnprocessableEntity && len(problem.Errors) > 0 {
		status, page.Problems = problem.Status, []views.Problem{{Field: problem.Errors[0].Parameter, Text: problem.Detail}}
	} else if err != nil {
		return err
	} else {
		page.Found = w.exportFound(ctx, p, request, plan)
		page.Found.FileHref = page.Action + "/file?" + fileQuery(r.URL.Query(), request).Encode()
	}
	return w.render(out, r, status, views.ExportPage(page))
}

// fileQuery is the address of a file: of the range as it is now, so that it does not move while it is downloaded.
func fileQuery(v url.Values, r export.Request) url.Values {
	q := url.Values{"range": {ownRange}, "from": {r.From.Time().UTC().Format(formTimes)}, "to": {r.To.Time().UTC().Format(formTimes)}}
	for _, name := range []string{"device", "site", "profile", "labels", "metrics", "step", "format"} {
		if values := v[name]; len(values) > 0 && values[0] != "" {
			q[name] = values
		}
	}
	return q
}

func (w *Web) exportForm(ctx context.Context, v url.Values, p tenants.Principal) views.Exports {
	t := p.Tenant()
	known := w.known(t)
	page := views.Exports{
		Action: exportPath(t), Sites: anyOf("Every site", known.sites, v.Get("site")), Profiles: anyOf("Every profile", known.profiles, v.Get("profile")),
		Labels:  views.Field{ID: "labels", Label: "Labels", Type: "text", Value: v.Get("labels"), Optional: true, Help: "name=text, separated by commas; a device has all of them"},
		Metrics: views.Field{ID: "metrics", Label: "Metrics", Type: "text", Value: v.Get("metrics"), Optional: true, Help: "Names separated by commas; all of them when empty"},
		From:    views.Field{ID: "from", Label: "From (UTC)", Type: "datetime-local", Value: v.Get("from"), Optional: true},
		To:      views.Field{ID: "to", Label: "To (UTC)", Type: "datetime-local", Value: v.Get("to"), Optional: true},
	}
	chosen := v.Get("range")
	if chosen == "" {
		chosen = "24h"
	}
	for _, s := range exportRanges() {
		page.Ranges = append(page.Ranges, views.Option{Value: s.key, Label: "Last " + s.label, Selected: s.key == chosen})
	}
	page.Ranges = append(page.Ranges, views.Option{Value: ownRange, Label: "Between the times below", Selected: chosen == ownRange})
	for _, s := range export.Steps() {
		page.Steps = append(page.Steps, views.Option{Value: s.Name, Label: stepWords(s), Selected: s.Name == v.Get("step")})
	}
	for _, f := range []struct {
		format export.Format
		label  string
	}{{export.CSV, "CSV, for spreadsheets"}, {export.NDJSON, "NDJSON, for scripts"}, {export.Parquet, "Parquet, for analysis"}} {
		page.Formats = append(page.Formats, views.Option{Value: string(f.format), Label: f.label, Selected: string(f.format) == v.Get("format")})
	}
	w.exportChoices(ctx, v, t, &page)
	return page
}

func stepWords(s export.Step) string {
	if s.Length == 0 {
		return "Every reading"
	}
	return "Steps of " + s.Name
}

func anyOf(every string, list []string, chosen string) []views.Option {
	options := []views.Option{{Label: every}}
	if chosen != "" && !slices.Contains(list, chosen) {
		list = append([]string{chosen}, list...)
	}
	for _, text := range list {
		options = append(options, views.Option{Value: text, Label: text, Selected: text == chosen})
	}
	return options
}

// exportChoices lists the devices that are named, and what metrics are sent.
func (w *Web) exportChoices(ctx context.Context, v url.Values, t id.Tenant, page *views.Exports) {
	st := w.o.Tenants.State()
	for _, name := range v["device"] {
		if d, err := id.Parse[id.Device](name); err == nil {
			if found, ok := st.Device(t, d); ok {
				page.Devices = append(page.Devices, views.Option{Value: name, Label: found.Name})
			}
		}
	}
	page.AllHref = page.Action + "?" + without(v, "device")
	metrics, err := w.metricsOf(ctx, t, dashboard.Selection{Devices: v["device"], Site: v.Get("site"), Profile: v.Get("profile")})
	if err != nil {
		w.o.Log.WarnContext(ctx, "an export begins without names of metrics", "tenant", t, "error", err)
	}
	for _, m := range metrics[:min(len(metrics), exportNames)] {
		if m.Type != "text" {
			page.Names = append(page.Names, m.Name)
		}
	}
}

// exportFound asks how much there is and how it begins.
func (w *Web) exportFound(ctx context.Context, p tenants.Principal, r export.Request, plan *export.Plan) *views.ExportFound {
	const form = "2006-01-02 15:04:05"
	found := &views.ExportFound{
		Devices: count(uint64(plan.Devices()), "device", "devices"), FileName: plan.FileName(), Resumable: r.Format != export.Parquet,
		Range: r.From.Time().UTC().Format(form) + " to " + r.To.Time().UTC().Format(form) + " UTC",
	}
	extent, err := plan.Extent(ctx)
	var rows []telemetry.ExportRow
	if err == nil {
		rows, err = plan.Preview(ctx, exportSample)
	}
	if err != nil {
		w.o.Log.WarnContext(ctx, "an export begins without a preview", "tenant", p.Tenant(), "error", err)
		found.Warning = "How much it is cannot be said just now, because the storage does not answer. The download can be tried all the same."
		return found
	}
	extent.Rows = max(extent.Rows, uint64(len(rows)))
	found.Nothing = len(rows) == 0
	found.Rows = "about " + grouped(extent.Rows) + " of " + count(extent.Series, "series", "series")
	found.Size = "about " + bytesText(extent.Rows*r.Format.RowBytes())
	found.RowsAbout, found.Bytes = strconv.FormatUint(extent.Rows, 10), strconv.FormatUint(extent.Rows*r.Format.RowBytes(), 10)
	found.Columns, found.Sample = w.exportSample(p.Tenant(), r, rows)
	return found
}

func (w *Web) exportSample(t id.Tenant, r export.Request, rows []telemetry.ExportRow) (columns []string, sample [][]string) {
	st := w.o.Tenants.State()
	columns = []string{"Device", "Metric", "Time", "Value"}
	if r.Step != 0 {
		columns = append(columns, "Min", "Max", "Count")
	}
	for _, row := range rows {
		device, _ := st.Device(t, id.Device(row.Device)) // it is one of those that the export is about
		cells := []string{device.Name, row.Metric, row.Time.Time().UTC().Format("2006-01-02 15:04:05.000000"), number(row.Value) + unitText(st.Unit(t, row.Metric))}
		if r.Step != 0 {
			cells = append(cells, number(row.Min), number(row.Max), fmt.Sprint(row.Count))
		}
		sample = append(sample, cells)
	}
	return columns, sample
}

func unitText(unit string) string {
	if unit == "" {
		return ""
	}
	return " " + unit
}
