package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/views"
)

// The parts of a device's page, as they stand in its address.
const (
	tabOverview = "overview"
	tabPackets  = "packets"
	tabRejected = "rejected"
	tabSettings = "settings"
)

// eventRows is what the page shows of stored events.
const eventRows = 50

func (w *Web) showDevice(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	tab := r.URL.Query().Get("tab")
	if tab == tabRejected {
		if err := w.note(r, p, tenants.Look{What: tenants.ReadRejected}); err != nil {
			return err
		}
	}
	return w.renderDevice(out, r, p, deviceView{device: device, tab: tab})
}

// deviceView is one look at a device's page, with what was wrong with the form on it.
type deviceView struct {
	device   tenants.Device
	tab      string
	form     url.Values // of the settings that were refused
	problems []views.Problem

	certificate string          // that was refused
	wrong       []views.Problem // with it
}

func (w *Web) renderDevice(out http.ResponseWriter, r *http.Request, p tenants.Principal, v deviceView) error {
	ctx, cancel := context.WithTimeout(r.Context(), storageTimeout) // for everything that is read, together
	defer cancel()
	l, warning := w.lister(ctx, p.Tenant())
	frame := w.frame(out, r, p, v.device.Name)
	page := w.devicePage(p, l.look(v.device), l)
	page.Frame, page.Warning = frame, warning
	page.Past = w.pastOf(p, string(v.device.ID))
	if v.tab == tabSettings && !page.CanEdit {
		v.tab = tabOverview
	}
	rejected := ""
	switch v.tab {
	case tabPackets:
		page.Packets = w.packets(ctx, v.device)
	case tabRejected:
		page.Rejected = w.rejected(ctx, v.device)
		rejected = page.Rejected.Total
	case tabSettings:
		page.Settings = w.settings(ctx, v)
	default:
		v.tab = tabOverview
		page.Overview = w.overview(ctx, v.device, rangeOf(r.URL.Query().Get("range")))
		page.Overview.Zone = zoneLink(v.device, r.URL.Query().Get("zone"))
		if p.May(tenants.EditDashboards) == nil {
			page.Overview.PinHref = dashboardsPath(p.Tenant()) + "?pin=" + string(v.device.ID) + "&metric="
		}
		if !page.CanEdit {
			page.Overview.UnitHref = ""
		}
	}
	page.Tabs = deviceTabs(v.device, v.tab, page.CanEdit)
	page.Tabs[2].Count = rejected // counted only where they were read
	status := http.StatusOK
	if len(v.problems)+len(v.wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return w.render(out, r, status, views.DevicePage(page))
}

func (w *Web) devicePage(p tenants.Principal, row listed, l lister) views.Device {
	base := devicePath(row.Device)
	page := views.Device{
		ID: string(row.ID), Name: row.Name, Interval: seconds(row.Interval), Now: strconv.FormatInt(l.now.UnixMilli(), 10),
		State: viewState(row.State, "device-seen"), Seen: headTime(row, l), Labels: labelsOf(row.Device), Disabled: row.Disabled,
		CanEdit: p.May(tenants.EditDevices) == nil, CanDelete: p.May(tenants.DeleteDevices) == nil,
		ListHref: devicesPath(p.Tenant()), ConnectHref: base + "/connect", DashboardHref: dashboardsPath(p.Tenant()) + "?from=" + fromDevice + string(row.ID) + "#new-heading", RotateHref: base + "/rotate",
		RenameHref: base + "?tab=" + tabSettings, ToggleHref: base + "/disable",
		DeleteHref: devicesPath(p.Tenant()) + "/delete?device=" + string(row.ID),
	}
	page.Met, page.MetSince = w.metRows(p.Tenant(), w.o.LimitsMetBy(p.Tenant(), row.ID)), w.counting()
	for i := range page.Met {
		page.Met[i].Href = "" // it is this page
	}
	if row.Disabled {
		page.ToggleHref = base + "/enable"
	}
	page.Marks = w.deviceMarks(p.Tenant(), row.ID)
	page.Self, page.Alerts = base, w.openAlerts(p.Tenant(), alert.Filter{Device: row.ID})
	page.AlertsHref = alertQuery{device: string(row.ID)}.address(alertsPath(p.Tenant()))
	if p.May(tenants.EditRules) == nil {
		page.AlertHref = alertRulesPath(p.Tenant()) + "/" + newRule + "?device=" + string(row.ID)
	}
	return page
}

func deviceTabs(d tenants.Device, chosen string, canEdit bool) []views.Link {
	base := devicePath(d)
	tabs := []views.Link{
		{Key: tabOverview, Label: "Overview", Href: base},
		{Key: tabPackets, Label: "Packets", Href: base + "?tab=" + tabPackets},
		{Key: tabRejected, Label: "Rejected", Href: base + "?tab=" + tabRejected},
	}
	if canEdit {
		tabs = append(tabs, views.Link{Key: tabSettings, Label: "Settings", Href: base + "?tab=" + tabSettings})
	}
	for i := range tabs {
		tabs[i].Current = tabs[i].Key == chosen
	}
	return tabs
}

// packets shows the newest stored events; the packets themselves arrive through the socket.
func (w *Web) packets(ctx context.Context, d tenants.Device) *views.Packets {
	now := w.o.Now()
	events, err := w.o.Readings(d.Tenant).Events(ctx, telemetry.EventQuery{
		Device: d.ID, From: 0, To: telemetry.At(now.Add(time.Hour)), Limit: eventRows,
	})
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without events", "tenant", d.Tenant, "device", d.ID, "error", err)
		return &views.Packets{ReplayHref: replayHref(d)}
	}
	page := views.Packets{ReplayHref: replayHref(d)}
	for _, e := range events {
		page.Events = append(page.Events, views.EventRow{Age: viewTime(e.Time.Time(), now), Kind: kindWord(e.Kind), Name: e.Name, Text: e.Text})
	}
	return &page
}

// replayHref is the form for a replay of one device's packets.
func replayHref(d tenants.Device) string {
	return replaysPath(d.Tenant) + "?device=" + string(d.ID)
}

func kindWord(k telemetry.Kind) string {
	switch k {
	case telemetry.KindStatus:
		return "status"
	case telemetry.KindLogs:
		return "logs"
	}
	return "metrics"
}
