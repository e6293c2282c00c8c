package web

import (
	"net/http"
	"time"

	"longwave/tenants"
	"longwave/views"
)

// System is how the installation is, as main knows it.
type System struct {
	Version    string
	Started    time.Time
	DataDir    string
	Durability string // what an acknowledgement promises, in a sentence
	Checks     []Check
	Lanes      []Lane
	DiskUsed   uint64 // bytes below DataDir; 0 when not known
	DiskFree   uint64
	Counts     []Count
}

// Check is the health of one part; Err is what is wrong with it.
type Check struct {
	Name   string
	Detail string // what it is when it is well: a version, an address
	Err    error
}

// Lane is how far one consumer of a lane is behind.
type Lane struct {
	Lane, Consumer string
	Messages       uint64
	Behind         time.Duration // age of the oldest that is not settled
}

// Count is a number worth knowing.
type Count struct {
	Name  string
	Value uint64
}

func (w *Web) showSystem(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	s := w.o.System(r.Context())
	page := views.System{Frame: w.frame(out, r, p, "System"), Facts: w.systemFacts(s)}
	for _, c := range s.Checks {
		row := views.Check{Name: c.Name, State: views.State{Key: stateLive, Word: "Well"}, Detail: c.Detail}
		if c.Err != nil {
			row.State, row.Detail = views.State{Key: stateSilent, Word: "Failing"}, c.Err.Error()
		}
		page.Checks = append(page.Checks, row)
	}
	for _, l := range s.Lanes {
		behind := "–"
		if l.Messages > 0 {
			behind = duration(l.Behind)
		}
		page.Lanes = append(page.Lanes, views.LaneRow{Lane: capital(l.Lane), Consumer: l.Consumer, Pending: count(l.Messages, "message", "messages"), Behind: behind})
	}
	return w.render(out, r, http.StatusOK, views.SystemPage(page))
}

func (w *Web) systemFacts(s System) []views.Group {
	installation := views.Group{ID: "installation", Heading: "Installation", Facts: []views.Fact{
		{Name: "Version", Value: s.Version},
		{Name: "Running for", Value: duration(w.o.Now().Sub(s.Started))},
		{Name: "Durability", Value: s.Durability},
	}}
	storage := views.Group{ID: "storage", Heading: "Storage", Facts: []views.Fact{{Name: "Data directory", Value: s.DataDir, Code: true}}}
	if s.DiskUsed > 0 {
		storage.Facts = append(storage.Facts, views.Fact{Name: "Used", Value: bytesText(s.DiskUsed)})
	}
	if s.DiskFree > 0 {
		storage.Facts = append(storage.Facts, views.Fact{Name: "Free", Value: bytesText(s.DiskFree)})
	}
	things, people, devices := w.o.Tenants.State().Totals()
	counts := views.Group{ID: "counts", Heading: "Counts", Facts: []views.Fact{
		{Name: "Tenants", Value: grouped(uint64(things))}, {Name: "People", Value: grouped(uint64(people))}, {Name: "Devices", Value: grouped(uint64(devices))},
	}}
	for _, c := range s.Counts {
		counts.Facts = append(counts.Facts, views.Fact{Name: c.Name, Value: grouped(c.Value)})
	}
	return []views.Group{installation, storage, counts}
}
