package web

import (
	"context"
	"strconv"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/views"
)

// What the page shows of rejected packets: as many as are grouped, and as many of one cause as help to understand it.
const (
	rejectedRows    = 500
	rejectedSamples = 3
)

func (w *Web) rejected(ctx context.Context, d tenants.Device) *views.Rejected {
	work := rejectedPath(d.Tenant) + "?device=" + string(d.ID)
	found, err := w.o.Rejected(ctx, d.Tenant, d.ID, rejectedRows)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without rejected packets", "tenant", d.Tenant, "device", d.ID, "error", err)
		return &views.Rejected{Newest: "0", WorkHref: work, Warning: "The rejected packets could not be read, because the queue does not answer. Reload the page in a moment."}
	}
	page, now := views.Rejected{Newest: "0", Total: strconv.Itoa(len(found)), WorkHref: work}, w.o.Now()
	if len(found) > 0 {
		page.Newest = strconv.FormatInt(int64(found[0].Received), 10)
	}
	for _, c := range causes(found) {
		newest, oldest := c.packets[0], c.packets[len(c.packets)-1]
		cause := views.RejectedCause{
			Key: c.key, Count: strconv.Itoa(len(c.packets)), Code: newest.Code, Detail: newest.Detail, Pointer: newest.Pointer,
			First: viewTime(oldest.Received.Time(), now), Last: viewTime(newest.Received.Time(), now),
		}
		for _, each := range c.packets[:min(len(c.packets), rejectedSamples)] {
			cause.Samples = append(cause.Samples, shorten(each.Raw))
		}
		page.Causes = append(page.Causes, cause)
	}
	return &page
}

// cause is packets that were refused for the same reason, newest first.
type cause struct {
	key     string
	packets []telemetry.RejectedPacket
}

// causes groups packets, given newest first; the cause that was seen last comes first.
func causes(found []telemetry.RejectedPacket) []cause {
	var list []cause
	at := map[string]int{}
	for _, each := range found {
		key := causeKey(each)
		i, known := at[key]
		if !known {
			i = len(list)
			at[key] = i
			list = append(list, cause{key: key})
		}
		list[i].packets = append(list[i].packets, each)
	}
	return list
}

// causeKey leaves out where in its request a packet stood. static/src/rejected.ts says the same for what arrives later.
func causeKey(p telemetry.RejectedPacket) string {
	code, pointer := telemetry.CauseOf(p.Rejection)
	return code + " " + pointer
}
