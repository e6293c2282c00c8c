package web

import (
	"strings"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/views"
)

// metRows say which limits were met, as the answers to devices named them.
func (w *Web) metRows(t id.Tenant, list []telemetry.Met) []views.MetRow {
	st, now := w.o.Tenants.State(), w.o.Now()
	var rows []views.MetRow
	for _, m := range list {
		row := views.MetRow{
			Name: capital(strings.ReplaceAll(m.Name, "_", " ")), Whose: limitOwner(m.Scope), Count: grouped(m.Count), Last: viewTime(m.Last, now),
			Max: rateText(m.Max), Found: rateText(m.Current),
		}
		if d, ok := st.Device(t, m.Device); ok {
			row.Device, row.Href = d.Name, devicePath(d)
		}
		rows = append(rows, row)
	}
	return rows
}

func limitOwner(scope string) string {
	switch scope {
	case "device":
		return "each device"
	case "request":
		return "each request"
	}
	return "the tenant"
}

// counting says since when met limits are counted.
func (w *Web) counting() string {
	return "since the program started, " + w.o.Began.UTC().Format("2 January 15:04 UTC")
}
