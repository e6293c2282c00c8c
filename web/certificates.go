package web

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/views"
)

// fillCertificates adds the certificates of a device to its settings, and the form for another one.
func (w *Web) fillCertificates(page *views.Settings, v deviceView) {
	at := devicePath(v.device) + "/certificates"
	page.CertificateAction = at
	page.Certificate = views.Field{ID: "certificate", Label: "Certificate", Value: v.certificate, Help: "In PEM, or its SHA-256 thumbprint."}
	page.Wrong = blame(v.wrong, &page.Certificate)
	now := w.o.Now()
	for _, c := range w.o.Tenants.State().Certificates(v.device.Tenant, v.device.ID) {
		row := views.CertificateRow{Subject: or(c.Subject, "Known by its thumbprint"), Thumbprint: c.Thumbprint, Remove: at + "/" + c.Thumbprint + "/remove", Expires: certificateEnd(c.Expires, now)}
		page.Certificates = append(page.Certificates, row)
	}
}

func certificateEnd(expires, now time.Time) string {
	switch {
	case expires.IsZero():
		return "its end shows when it is used"
	case !now.Before(expires):
		return "expired on " + expiry(expires) + " UTC"
	}
	return "valid until " + expiry(expires) + " UTC"
}

func (w *Web) addCertificate(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	_, err = w.o.Tenants.AddCertificate(r.Context(), w.actor(r, p), p.Tenant(), device.ID, form.Get("certificate"))
	if problem, ok := fault(err); ok {
		return w.renderDevice(out, r, p, deviceView{device: device, tab: tabSettings, certificate: form.Get("certificate"), wrong: []views.Problem{problem}})
	}
	if err != nil {
		return err
	}
	w.done(out, r, "Certificate added. The device may show it instead of its token.")
	return see(out, r, devicePath(device)+"?tab="+tabSettings)
}

func (w *Web) removeCertificate(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	wanted := tenants.Certificate{Device: device.ID, Thumbprint: chi.URLParam(r, "thumbprint")}
	if err := w.o.Tenants.RemoveCertificate(r.Context(), w.actor(r, p), p.Tenant(), wanted); err != nil {
		return err
	}
	w.done(out, r, "Certificate removed. It is refused from now on.")
	return see(out, r, devicePath(device)+"?tab="+tabSettings)
}
