package web

import (
	"net/http"
	"strconv"
	"strings"

	"longwave/tenants"
	"longwave/views"
)

// placeholder stands where the token would, once it is gone.
const placeholder = "YOUR_DEVICE_TOKEN"

func (w *Web) showConnect(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	l, _ := w.lister(r.Context(), p.Tenant())
	row := l.look(device)
	page := views.Connect{
		Frame: w.frame(out, r, p, "Connect "+device.Name),
		ID:    string(device.ID), Name: device.Name, Interval: seconds(row.Interval), Now: strconv.FormatInt(l.now.UnixMilli(), 10),
		State: viewState(row.State, "device-seen"), Seen: headTime(row, l),
		ListHref: devicesPath(p.Tenant()), DeviceHref: devicePath(device), RotateHref: devicePath(device) + "/rotate",
		Token:   w.handover.take(w.slot(r, string(device.ID))),
		CanEdit: p.May(tenants.RotateTokens) == nil,
	}
	token := page.Token
	if token == "" {
		token = placeholder
	}
	page.Snippets = snippets(w.origin(r), token)
	return w.render(out, r, http.StatusOK, views.ConnectPage(page))
}

// headTime is the time of a device's newest packet at the head of its pages.
func headTime(row listed, l lister) views.Time {
	t := viewTime(row.Seen, l.now)
	if l.seen == nil {
		t = views.Time{Text: "unknown"}
	}
	t.ID, t.Interval = "device-seen", seconds(row.Interval)
	return t
}

// origin is the address that the operator named, or else the one under which this browser reached us, which works from its
// network. It ends up in commands that people paste into a shell, so that anything but a host and a port is replaced.
func (w *Web) origin(r *http.Request) string {
	if w.o.PublicURL != "" {
		return strings.TrimSuffix(w.o.PublicURL, "/")
	}
	host := r.Host
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(".-:[]", c)
	}
	if host == "" || strings.ContainsFunc(host, func(c rune) bool { return !plain(c) }) {
		host = "localhost"
	}
	if w.handler.Secure(r) {
		return "https://" + host
	}
	return "http://" + host
}
