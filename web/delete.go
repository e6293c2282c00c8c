package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/views"
)

// showDelete says exactly what will be gone.
func (w *Web) showDelete(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	devices, err := w.chosen(p, r.URL.Query()["device"])
	if err != nil {
		return err
	}
	return w.renderDelete(out, r, p, deletion{devices: devices})
}

// deletion is what is to be deleted, and what was typed when it was not the text that is asked for.
type deletion struct {
	devices []tenants.Device
	typed   string
	wrong   bool
}

func (w *Web) renderDelete(out http.ResponseWriter, r *http.Request, p tenants.Principal, d deletion) error {
	devices := d.devices
	tenant := p.Tenant()
	page := views.Delete{
		Action: devicesPath(tenant) + "/delete", Cancel: devicesPath(tenant), Confirm: confirmText(devices),
		ConfirmAs: views.Field{ID: "confirm", Label: "Confirmation", Value: d.typed}, Submit: "Delete " + count(uint64(len(devices)), "device", "devices"),
	}
	page.Heading = "Delete " + count(uint64(len(devices)), "device", "devices")
	if len(devices) == 1 {
		page.Heading, page.Submit, page.Cancel = "Delete "+devices[0].Name, "Delete device", devicePath(devices[0])
	}
	status := http.StatusOK
	if d.wrong {
		status = http.StatusUnprocessableEntity
		page.ConfirmAs.Error = "This is not the text that is asked for. Nothing was deleted."
		page.Problems = []views.Problem{{Field: "confirm", Text: page.ConfirmAs.Error}}
	}
	page.Devices, page.Lines = w.losses(r.Context(), p, devices)
	page.Frame = w.frame(out, r, p, page.Heading)
	return w.render(out, r, status, views.DeletePage(page))
}

// confirmText is what must be typed: the name of one device, or how many they are.
func confirmText(devices []tenants.Device) string {
	if len(devices) == 1 {
		return devices[0].Name
	}
	return "delete " + count(uint64(len(devices)), "device", "devices")
}

// losses counts what is stored of each device. The count is bounded in time; what could not be counted is said to be so.
func (w *Web) losses(ctx context.Context, p tenants.Principal, devices []tenants.Device) ([]views.DeleteItem, []string) {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	reader := w.o.Readings(p.Tenant())
	var sum telemetry.Erased
	var failed error
	var items []views.DeleteItem
	for _, d := range devices {
		stored, err := reader.Count(ctx, d.ID)
		text := storedText(stored)
		if err != nil {
			text, failed = "could not be counted", errors.Join(failed, err)
		}
		sum.Readings += stored.Readings
		sum.Events += stored.Events
		items = append(items, views.DeleteItem{ID: string(d.ID), Name: d.Name, Data: text})
	}
	what, tokens := count(uint64(len(devices)), "device", "devices"), "their tokens"
	if len(devices) == 1 {
		tokens = "its token"
	}
	lines := []string{"This deletes " + what + " with " + tokens + ", " + storedText(sum) + ", for good."}
	if failed != nil {
		w.o.Log.WarnContext(ctx, "a deletion could not be counted", "tenant", p.Tenant(), "error", failed)
		lines = []string{"This deletes " + what + " with " + tokens + " and everything that was ever sent, for good. How much that is could not be counted, because the storage does not answer."}
	} else if oldest := w.oldest(ctx, reader, devices); !oldest.IsZero() {
		lines = append(lines, "The oldest reading is of "+oldest.UTC().Format("2 January 2006")+".")
	}
	until := w.o.Now().Add(w.o.QueueRetention).UTC().Format("2 January 2006")
	return items, append(lines, "Copies of packets that still lie in the queue vanish by "+until+"; nothing reads them any more.")
}

func storedText(e telemetry.Erased) string {
	return count(e.Readings, "reading", "readings") + " and " + count(e.Events, "event", "events")
}

// maxOldest bounds the devices whose histories are looked at for a deletion: a page of the list.
const maxOldest = pageRows

// oldest is the time of the oldest reading of the devices; the zero time when there is none, or when it was not found
// out: too many devices, or the storage is too slow.
func (w *Web) oldest(ctx context.Context, reader Reader, devices []tenants.Device) time.Time {
	if len(devices) > maxOldest {
		return time.Time{}
	}
	now := telemetry.At(w.o.Now())
	oldest := now
	for _, d := range devices {
		all, err := reader.Overview(ctx, d.ID, telemetry.At(w.o.Now().AddDate(-2, 0, 0)), now, 730)
		if err != nil {
			return time.Time{}
		}
		for _, s := range all {
			if len(s.Points) > 0 {
				oldest = min(oldest, s.Points[0].Time)
			}
		}
	}
	if oldest == now {
		return time.Time{}
	}
	return oldest.Time()
}

// deleteDevices asks for the typed text again: a browser without scripts does not.
func (w *Web) deleteDevices(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	devices, err := w.chosen(p, form["device"])
	if err != nil {
		return err
	}
	if typed := strings.TrimSpace(form.Get("confirm")); typed != confirmText(devices) {
		return w.renderDelete(out, r, p, deletion{devices: devices, typed: typed, wrong: true})
	}
	for _, d := range devices {
		err := w.o.Tenants.DeleteDevice(r.Context(), w.actor(r, p), p.Tenant(), d.ID)
		if err != nil && !errors.Is(err, tenants.ErrNotFound) { // gone already is what was asked for
			return err
		}
	}
	text := capital(count(uint64(len(devices)), "device", "devices")) + " deleted. What was stored is being removed."
	w.done(out, r, text)
	return see(out, r, devicesPath(p.Tenant()))
}
