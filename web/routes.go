package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"longwave/static"
	"longwave/tenants"
	"longwave/tenants/id"
)

// Mount adds every address that a browser may ask for to a router. What stands beside an address is the permission that
// it needs; the ones without are open to everybody.
func (w *Web) Mount(root chi.Router) {
	root.Group(func(r chi.Router) {
		r.Use(w.handler.SecurityHeaders, w.cross.Handler)
		r.NotFound(w.handler.NotFound)
		r.MethodNotAllowed(w.handler.MethodNotAllowed)

		r.Get(static.Prefix+"*", w.assets.ServeHTTP)
		r.Get("/", w.open(w.home))
		r.Get("/first-run", w.open(w.showFirstRun))
		r.Post("/first-run", w.open(w.claim))
		r.Get("/sign-in", w.open(w.showSignIn))
		r.Post("/sign-in", w.open(w.signIn))
		r.Post("/sign-out", w.open(w.signOut))
		r.Get("/system", w.platform(tenants.OperatePlatform, w.showSystem))

		const tenant, devices, device = "/t/{tenant}", "/t/{tenant}/devices", "/t/{tenant}/devices/{device}"
		r.Get(tenant, w.inTenant(tenants.View, w.tenantHome))
		r.Get(tenant+"/live", w.inTenant(tenants.View, w.serveLive))
		r.Get(tenant+"/keys", w.inTenant(tenants.ManageKeys, w.listKeys))
		r.Post(tenant+"/keys", w.inTenant(tenants.ManageKeys, w.createKey))
		r.Get(tenant+"/keys/{key}/revoke", w.inTenant(tenants.ManageKeys, w.showRevoke))
		r.Post(tenant+"/keys/{key}/revoke", w.inTenant(tenants.ManageKeys, w.revokeKey))
		const rules, oneRule = "/t/{tenant}/rules", "/t/{tenant}/rules/{rule}"
		r.Get(rules, w.inTenant(tenants.View, w.listRules))
		r.Get(oneRule, w.inTenant(tenants.View, w.showRule))
		r.Post(oneRule, w.inTenant(tenants.EditRules, w.saveRule))
		r.Post(oneRule+"/try", w.inTenant(tenants.View, w.tryRule))
		r.Get(oneRule+"/history", w.inTenant(tenants.View, w.showRuleHistory))
		r.Post(oneRule+"/move", w.inTenant(tenants.EditRules, w.moveRule))
		r.Post(oneRule+"/disable", w.inTenant(tenants.EditRules, w.disableRule))
		r.Get(oneRule+"/delete", w.inTenant(tenants.EditRules, w.showDeleteRule))
		r.Post(oneRule+"/delete", w.inTenant(tenants.EditRules, w.deleteRule))
		r.Post(tenant+"/demo", w.inTenant(tenants.EditDevices, w.startDemo))
		r.Post(tenant+"/demo/delete", w.inTenant(tenants.DeleteDevices, w.removeDemo))

		w.mountDestinations(r)
		r.Get(devices, w.inTenant(tenants.View, w.listDevices))
		r.Get(tenant+"/devices.csv", w.inTenant(tenants.View, w.exportDevices))
		r.Post(devices, w.inTenant(tenants.EditDevices, w.registerDevice))
		r.Get(devices+"/register", w.inTenant(tenants.EditDevices, w.showRegister))
		r.Post(devices+"/switch", w.inTenant(tenants.EditDevices, w.switchDevices))
		r.Get(devices+"/delete", w.inTenant(tenants.DeleteDevices, w.showDelete))
		r.Post(devices+"/delete", w.inTenant(tenants.DeleteDevices, w.deleteDevices))

		r.Get(device, w.inTenant(tenants.View, w.showDevice))
		r.Get(device+"/series", w.inTenant(tenants.View, w.serveSeries))
		r.Get(device+"/connect", w.inTenant(tenants.View, w.showConnect))
		r.Post(device+"/change", w.inTenant(tenants.EditDevices, w.changeDevice))
		r.Post(device+"/disable", w.inTenant(tenants.EditDevices, w.disableDevice))
		r.Post(device+"/enable", w.inTenant(tenants.EditDevices, w.enableDevice))
		r.Post(device+"/units", w.inTenant(tenants.EditDevices, w.setUnits))
		r.Get(device+"/rotate", w.inTenant(tenants.RotateTokens, w.showRotate))
		r.Post(device+"/rotate", w.inTenant(tenants.RotateTokens, w.rotateToken))
	})
}

// The addresses that pages link to; each is the pattern above with its names filled in.
func tenantPath(t id.Tenant) string      { return "/t/" + string(t) }
func devicesPath(t id.Tenant) string     { return tenantPath(t) + "/devices" }
func keysPath(t id.Tenant) string        { return tenantPath(t) + "/keys" }
func devicePath(d tenants.Device) string { return devicesPath(d.Tenant) + "/" + string(d.ID) }

// see sends the browser to a page after a form, so that a reload does not post again.
func see(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}
