package web

import (
	"net/http"

	"longwave/tenants"
	"longwave/views"
)

// demoBanner says that invented devices are among the real ones, to whoever may remove them.
func (w *Web) demoBanner(p tenants.Principal, t tenants.Tenant) *views.Demo {
	found, err := w.o.Tenants.State().DevicesPage(t.ID, tenants.DeviceQuery{Filter: tenants.DemoDevices, Limit: 1})
	if err != nil || len(found.Devices) == 0 || p.May(tenants.DeleteDevices) != nil {
		return nil
	}
	return &views.Demo{
		Text:         "This tenant shows demo data: recorded measurements, replayed as if they arrived now.",
		RemoveAction: tenantPath(t.ID) + "/demo/delete",
	}
}

func (w *Web) startDemo(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	if w.o.StartDemo == nil {
		return tenants.ErrNotFound
	}
	if err := w.o.StartDemo(r.Context(), w.actor(r, p), p.Tenant()); err != nil {
		return err
	}
	w.done(out, r, "Demo devices registered; their first values arrive within seconds.")
	return see(out, r, devicesPath(p.Tenant()))
}

func (w *Web) removeDemo(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	removed, err := w.o.Tenants.RemoveDemo(r.Context(), w.actor(r, p), p.Tenant())
	if err != nil {
		return err
	}
	w.done(out, r, "Demo data deleted: "+count(uint64(removed), "device", "devices")+" and everything stored of them.")
	return see(out, r, devicesPath(p.Tenant()))
}
