package web

import (
	"net/http"

	"longwave/tenants"
)

// noted writes down, before a page is shown, that somebody looks at something sensitive of the whole tenant.
func (w *Web) noted(what tenants.Sight, f pageFunc) pageFunc {
	return func(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
		if err := w.note(r, p, tenants.Look{What: what}); err != nil {
			return err
		}
		return f(out, r, p)
	}
}

func (w *Web) note(r *http.Request, p tenants.Principal, l tenants.Look) error {
	l.Address = w.handler.ClientAddress(r)
	return w.o.Tenants.NoteSight(r.Context(), p, l)
}
