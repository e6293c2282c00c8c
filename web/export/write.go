package export

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/web/handler"
)

const (
	// buffer is how much of an export is in memory at a time.
	buffer = 64 << 10
	// within bounds a whole export, however steadily it is read: it occupies the engine all the while.
	within = time.Hour
	// stillEvery is how often a running export asks whether it may go on: a key that is revoked ends it within a second.
	stillEvery = 500 * time.Millisecond
	// extentSoon is how long the first byte waits for an estimate.
	extentSoon = 5 * time.Second
)

// The headers of an export beside the usual ones.
const (
	headerFrom = "Longwave-From"
	headerTo   = "Longwave-To"
	headerRows = "Longwave-Rows-About" // of the whole export, also of one that goes on; missing when not known
)

// Write records the export and streams it. An error before the first byte can still be answered; after it the answer must
// end as a broken one.
func (p *Plan) Write(ctx context.Context, w http.ResponseWriter) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	leave, err := p.exporter.Enter(ctx, p.who.Principal.Tenant())
	if err != nil {
		return err
	}
	defer leave()
	if err := p.record(ctx); err != nil {
		return err
	}
	rows := p.about(ctx) // before the file is asked for, as that holds one of the tenant's questions
	answer := &watched{to: w, begin: func() { p.announce(w.Header(), rows) }, still: func() error { return p.who.Still(ctx) }, asked: time.Now()}
	out := bufio.NewWriterSize(answer, buffer)
	if err := Stream(ctx, p.reader, p.file(), out); err != nil {
		return fmt.Errorf("export: %w", answer.explain(err))
	}
	answer.start()
	return nil
}

// about is how many rows there are, about; empty when the storage does not say in time: then there is no progress, and
// still a file.
func (p *Plan) about(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, extentSoon)
	defer cancel()
	extent, err := p.Extent(ctx)
	if err != nil {
		return ""
	}
	return strconv.FormatUint(extent.Rows, 10)
}

// announce says what comes. It is not said before the first bytes are there: an error has headers of its own.
func (p *Plan) announce(h http.Header, rows string) {
	h.Set("Content-Type", p.request.Format.MediaType())
	h.Set("Content-Disposition", `attachment; filename="`+p.FileName()+`"`)
	h.Set("Cache-Control", "private, no-store")
	h.Set(headerFrom, stamp(p.query.From))
	h.Set(headerTo, stamp(p.query.To))
	if rows != "" {
		h.Set(headerRows, rows)
	}
}

func stamp(at telemetry.Micros) string { return at.Time().UTC().Format("2006-01-02T15:04:05.000000Z") }

// FileName is what the file is called where it is kept.
func (p *Plan) FileName() string {
	const form = "20060102T150405Z"
	return "readings-" + p.query.From.Time().UTC().Format(form) + "-" + p.query.To.Time().UTC().Format(form) + "." + string(p.request.Format)
}

// File is what is in a file, and how.
type File struct {
	Query      telemetry.ExportQuery
	Format     Format
	Name, Unit func(string) string // of a device, and of a metric
}

func (p *Plan) file() File {
	st, t := p.exporter.o.Tenants.State(), p.who.Principal.Tenant()
	return File{Query: p.query, Format: p.request.Format,
		Unit: func(metric string) string { return st.Unit(t, metric) },
		Name: func(device string) string {
			d, _ := st.Device(t, id.Device(device)) // it is one of those that the export is about
			return d.Name
		}}
}

// Stream writes a file. It returns the storage's error or the writer's.
func Stream(ctx context.Context, from Reader, f File, out *bufio.Writer) error {
	if f.Format == Parquet {
		if err := from.ExportParquet(ctx, f.Query, out); err != nil {
			return err
		}
		return out.Flush()
	}
	l := lines{format: f.Format, buckets: f.Query.Step != 0, name: f.Name, unit: f.Unit}
	if f.Query.After == nil {
		if _, err := out.WriteString(l.title()); err != nil {
			return err
		}
	}
	err := from.Export(ctx, f.Query, func(row telemetry.ExportRow) error {
		_, err := out.Write(l.add(out.AvailableBuffer(), &row))
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// watched is an answer that goes on for as long as whoever gets it may have it.
type watched struct {
	refused error // what still returned
	to      http.ResponseWriter
	begin   func() // called once, before the first byte
	still   func() error
	asked   time.Time
}

// Write is the answer's own, and ends with what still returns.
func (w *watched) Write(data []byte) (int, error) {
	if time.Since(w.asked) >= stillEvery {
		if w.refused = w.still(); w.refused != nil {
			return 0, w.refused
		}
		w.asked = time.Now()
	}
	w.start()
	return w.to.Write(data)
}

// explain puts an error into words that came before the first byte.
func (w *watched) explain(err error) error {
	switch {
	case w.begin == nil, w.refused != nil:
		return err
	case errors.Is(err, telemetry.ErrNoFile):
		return refused("format", "The storage is reached over ClickHouse's native protocol, over which it writes no Parquet. Take CSV or NDJSON.")
	}
	return handler.Problem{
		Status: http.StatusServiceUnavailable, Code: "readings_unavailable", Title: "Readings cannot be read right now",
		Detail:     "The storage did not answer. Packets are still taken and none is lost; try again in a moment.",
		RetryAfter: comeAgain,
	}.Because(err)
}

func (w *watched) start() {
	if w.begin != nil {
		w.begin()
		w.begin = nil
	}
}
