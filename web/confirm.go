package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// showRevoke says what revoking a key does before it is done: it cannot be taken back.
func (w *Web) showRevoke(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	key, err := w.key(r, p)
	if err != nil {
		return err
	}
	page := views.Confirm{
		Frame:   w.frame(out, r, p, "Revoke "+key.Name),
		Heading: "Revoke " + key.Name, Action: keysPath(p.Tenant()) + "/" + string(key.ID) + "/revoke", Submit: "Revoke key",
		Cancel: keysPath(p.Tenant()), Back: "API keys",
		Lines: []string{
			"Every request with this key is refused from that moment on. A script that uses it stops working until it is given another key.",
			"The key has the role " + key.Role.String() + " and was created on " + key.Created.UTC().Format("2 January 2006") + ". Revoking it cannot be undone; a new key can be made at any time.",
		},
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(page))
}

// key is the key that the address names; tenants.ErrNotFound when the tenant has none of that name.
func (w *Web) key(r *http.Request, p tenants.Principal) (tenants.Key, error) {
	wanted, err := id.Parse[id.Key](chi.URLParam(r, "key"))
	if err != nil {
		return tenants.Key{}, tenants.ErrNotFound
	}
	for _, k := range w.o.Tenants.State().Keys(p.Tenant()) {
		if k.ID == wanted {
			return k, nil
		}
	}
	return tenants.Key{}, tenants.ErrNotFound
}
