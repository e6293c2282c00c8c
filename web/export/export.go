package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

// Reader is what exports read of one tenant's stored data.
type Reader interface {
	Export(ctx context.Context, q telemetry.ExportQuery, yield func(telemetry.ExportRow) error) error
	ExportParquet(ctx context.Context, q telemetry.ExportQuery, out io.Writer) error
	Extent(ctx context.Context, q telemetry.ExportQuery) (telemetry.Extent, error)
}

// Options are what exports need. Everything but Now is required.
type Options struct {
	Tenants  *tenants.Service
	Readings func(id.Tenant) Reader
	Now      func() time.Time // time.Now when nil
}

// Exporter makes exports. Make it with New.
type Exporter struct {
	o        Options
	room     room
	recorded recorded
}

// New makes an exporter. It returns an error for incomplete options.
func New(o Options) (*Exporter, error) {
	if o.Tenants == nil || o.Readings == nil {
		return nil, errors.New("export: Tenants and Readings are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Exporter{o: o, recorded: recorded{now: o.Now}}, nil
}

// Request is what somebody wants to take away.
type Request struct {
	Devices       []string // ids; every device that the rest selects if none is named
	Profile, Site string
	Labels        map[string]string
	Metrics       []string // all if none is named
	From, To      telemetry.Micros
	Step          time.Duration // of buckets; 0 for every reading
	Format        Format
	After         string // the last whole line that arrived; empty for everything
}

// Who asks for an export, and was found to be allowed to.
type Who struct {
	Principal tenants.Principal
	Actor     tenants.Actor
	Still     func(context.Context) error // nil as long as they are; asked while an export runs
}

// Plan is a request whose devices are known.
type Plan struct {
	exporter *Exporter
	who      Who
	request  Request
	query    telemetry.ExportQuery
	reader   Reader
}

// Plan finds the devices of a request. It returns tenants.ErrNotFound for one that is named and not there, or not seen,
// and a handler.Problem for what cannot be exported.
func (e *Exporter) Plan(who Who, r Request) (*Plan, error) {
	t := who.Principal.Tenant()
	p := &Plan{exporter: e, who: who, request: r, reader: e.o.Readings(t), query: telemetry.ExportQuery{Metrics: r.Metrics, From: r.From, To: r.To, Step: r.Step}}
	if err := r.check(); err != nil {
		return nil, err
	}
	var err error
	if p.query.After, err = r.Format.position(r.After); err != nil {
		return nil, err
	}
	p.query.Devices, err = e.devices(who.Principal, r)
	if err == nil && r.Format == Parquet && len(p.query.Devices) > parquetDevices {
		err = refused("format", fmt.Sprintf("A Parquet file holds at most %d devices. Select fewer, or take CSV or NDJSON.", parquetDevices))
	}
	return p, err
}

// devices lists what a request means, in the order of the ids.
func (e *Exporter) devices(p tenants.Principal, r Request) ([]id.Device, error) {
	st, chosen := e.o.Tenants.State(), dashboard.Selection{Profile: r.Profile, Site: r.Site, Labels: r.Labels}
	fits := func(d tenants.Device) bool {
		return p.Sees(d) && chosen.Matches(dashboard.Subject{Device: d.ID, Profile: d.Profile, Site: d.Site, Labels: d.Labels})
	}
	all := []id.Device{}
	for _, name := range r.Devices {
		wanted, err := id.Parse[id.Device](name)
		if err != nil {
			return nil, tenants.ErrNotFound
		}
		d, ok := st.Device(p.Tenant(), wanted)
		if !ok || !p.Sees(d) {
			return nil, tenants.ErrNotFound
		}
		if fits(d) {
			all = append(all, d.ID)
		}
	}
	if len(r.Devices) == 0 {
		for d := range st.Devices(p.Tenant(), "") {
			if fits(d) {
				all = append(all, d.ID)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Devices is how many devices the export is about.
func (p *Plan) Devices() int { return len(p.query.Devices) }

// Extent says about how many rows the export has. It fails with the storage's error.
func (p *Plan) Extent(ctx context.Context) (telemetry.Extent, error) {
	return p.reader.Extent(ctx, p.query)
}

// Preview is the first rows of the export. It fails with the storage's error.
func (p *Plan) Preview(ctx context.Context, rows int) (first []telemetry.ExportRow, err error) {
	q := p.query
	q.Limit = rows
	err = p.reader.Export(ctx, q, func(row telemetry.ExportRow) error {
		first = append(first, row)
		return nil
	})
	return first, err
}
