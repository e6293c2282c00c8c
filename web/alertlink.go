package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"longwave/processors/alert"
	"longwave/processors/alert/notify"
	"longwave/views"
	"longwave/web/handler"
)

// linkedAlert is the alert that the link of a notification is about. A link that is changed, expired or used up, and one of
// an alert that is over or gone, are told apart to nobody.
func (w *Web) linkedAlert(r *http.Request) (notify.Link, alert.Alert, error) {
	link, err := w.o.AlertLink(chi.URLParam(r, "token"))
	if err == nil {
		var a alert.Alert
		a, err = w.o.Alerts.Alert(link.Tenant, link.Alert)
		if err == nil && a.Firing && (link.Purpose != notify.Acknowledge || a.Acknowledged == nil) {
			return link, a, nil
		}
	}
	return link, alert.Alert{}, handler.Problem{
		Status: http.StatusNotFound, Code: "not_found", Title: "This link does nothing",
		Detail: "It does not work, or does not work any more: the alert may be over, or somebody takes care of it already. Sign in to see the alerts.",
	}.Because(err)
}

// showAlertLink says what the link does. Looking at it does nothing: mail programs look, too.
func (w *Web) showAlertLink(out http.ResponseWriter, r *http.Request) error {
	link, a, err := w.linkedAlert(r)
	if err != nil {
		return err
	}
	out.Header().Set("Cache-Control", "no-store")
	page := views.Confirm{Frame: w.bare("Alert"), Heading: "Acknowledge " + a.Name, Action: r.URL.EscapedPath(), Submit: "Acknowledge", Cancel: "/", Back: "Longwave",
		Lines: []string{a.Message, "It says that somebody takes care: nobody else is called."}}
	if link.Purpose == notify.Snooze {
		page.Heading, page.Submit = "Snooze "+a.Name, "Snooze"
		page.Lines[1] = "Nobody is notified of it for " + duration(notify.SnoozeTime) + "."
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(page))
}

func (w *Web) useAlertLink(out http.ResponseWriter, r *http.Request) error {
	link, a, err := w.linkedAlert(r)
	if err != nil {
		return err
	}
	by := alert.Doing{Tenant: link.Tenant, Alert: a.ID, By: "somebody with the link of a notification"}
	said := "Acknowledged. Nobody else is called."
	if link.Purpose == notify.Snooze {
		said, err = "Snoozed for "+duration(notify.SnoozeTime)+".", w.o.Alerts.Snooze(r.Context(), by, w.o.Now().Add(notify.SnoozeTime))
	} else {
		err = w.o.Alerts.Acknowledge(r.Context(), by, "")
	}
	if err != nil {
		return err
	}
	return w.render(out, r, http.StatusOK, views.MessagePage(views.Message{Frame: w.bare("Alert"), Heading: a.Name, Lines: []string{said}, Links: []views.Link{{Label: "See the alert", Href: alertPath(link.Tenant, a.ID)}}}))
}
