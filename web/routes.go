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
		r.Get("/sign-in/again", w.open(w.showAgain))
		r.Get("/sign-in/at/{place}", w.open(w.showSignInPlace))
		r.Get("/sign-in/with/{provider}", w.open(w.signInAt))
		r.Get("/sign-in/callback/{provider}", w.open(w.comeBack))
		r.Post("/sign-in/ended/{provider}", w.open(w.endedThere))
		r.Get("/join", w.open(w.showJoin))
		r.Post("/join", w.open(w.join))
		r.Get("/recover", w.open(w.showRecover))
		r.Post("/recover", w.open(w.useRecovery))
		r.Get("/system", w.platform(w.showSystem))
		w.mountPeople(r)
		w.mountOperation(r)

		const tenant, devices, device = "/t/{tenant}", "/t/{tenant}/devices", "/t/{tenant}/devices/{device}"
		r.Get(tenant, w.inTenant(tenants.View, w.tenantHome))
		r.Get(tenant+"/live", w.inTenant(tenants.View, w.serveLive))
		r.Get(tenant+"/keys", w.inTenant(tenants.ManageKeys, w.recent(w.noted(tenants.OpenedKeys, w.listKeys))))
		r.Post(tenant+"/keys", w.inTenant(tenants.ManageKeys, w.recent(w.createKey)))
		r.Get(tenant+"/keys/{key}/revoke", w.inTenant(tenants.ManageKeys, w.recent(w.showRevoke)))
		r.Post(tenant+"/keys/{key}/revoke", w.inTenant(tenants.ManageKeys, w.recent(w.revokeKey)))
		r.Get(tenant+"/trust", w.inTenant(tenants.ManageKeys, w.recent(w.listTrust)))
		r.Post(tenant+"/trust", w.inTenant(tenants.ManageKeys, w.recent(w.addTrust)))
		r.Get(tenant+"/trust/{trust}/remove", w.inTenant(tenants.ManageKeys, w.recent(w.showRemoveTrust)))
		r.Post(tenant+"/trust/{trust}/remove", w.inTenant(tenants.ManageKeys, w.recent(w.removeTrust)))
		const rules, oneRule = "/t/{tenant}/rules", "/t/{tenant}/rules/{rule}"
		r.Get(rules, w.inTenant(tenants.View, w.listRules))
		r.Get(oneRule, w.inTenant(tenants.View, w.showRule))
		r.Post(oneRule, w.inTenant(tenants.EditRules, w.saveRule))
		r.Post(oneRule+"/try", w.inTenant(tenants.View, w.tryRule))
		r.Get(oneRule+"/history", w.inTenant(tenants.View, w.showRuleHistory))
		r.Post(oneRule+"/restore", w.inTenant(tenants.EditRules, w.restoreRule))
		r.Post(oneRule+"/move", w.inTenant(tenants.EditRules, w.moveRule))
		r.Post(oneRule+"/disable", w.inTenant(tenants.EditRules, w.disableRule))
		r.Get(oneRule+"/delete", w.inTenant(tenants.EditRules, w.showDeleteRule))
		r.Post(oneRule+"/delete", w.inTenant(tenants.EditRules, w.deleteRule))
		r.Post(tenant+"/demo", w.inTenant(tenants.EditDevices, w.startDemo))
		r.Post(tenant+"/demo/delete", w.inTenant(tenants.DeleteDevices, w.removeDemo))

		w.mountAlerts(r)
		w.mountDestinations(r)
		w.mountDashboards(r)
		w.mountExports(r)
		w.mountWalls(r)
		const rejected, replays, job = tenant + "/rejected", tenant + "/replays", tenant + "/replays/{replay}"
		r.Get(rejected, w.inTenant(tenants.View, w.noted(tenants.ReadRejected, w.showWorkList)))
		r.Get(rejected+"/redrive", w.inTenant(tenants.ReplayPackets, w.noted(tenants.ReadRejected, w.showRedrive)))
		r.Post(rejected+"/redrive", w.inTenant(tenants.ReplayPackets, w.startRedrive))
		r.Get(rejected+"/dismiss", w.inTenant(tenants.ReplayPackets, w.showDismiss))
		r.Post(rejected+"/dismiss", w.inTenant(tenants.ReplayPackets, w.startDismiss))
		r.Get(replays, w.inTenant(tenants.View, w.listReplays))
		r.Post(replays, w.inTenant(tenants.ReplayPackets, w.startReplay))
		r.Get(job, w.inTenant(tenants.View, w.showReplay))
		r.Post(job+"/cancel", w.inTenant(tenants.ReplayPackets, w.cancelReplay))

		r.Get(devices, w.inTenant(tenants.View, w.listDevices))
		r.Get(tenant+"/devices.csv", w.inTenant(tenants.View, w.noted(tenants.ExportedDevices, w.exportDevices)))
		r.Post(devices, w.inTenant(tenants.EditDevices, w.registerDevice))
		r.Get(devices+"/register", w.inTenant(tenants.EditDevices, w.showRegister))
		r.Post(devices+"/switch", w.inTenant(tenants.EditDevices, w.switchDevices))
		r.Get(devices+"/delete", w.inTenant(tenants.DeleteDevices, w.recent(w.showDelete)))
		r.Post(devices+"/delete", w.inTenant(tenants.DeleteDevices, w.recent(w.deleteDevices)))

		r.Get(device, w.inTenant(tenants.View, w.showDevice))
		r.Get(device+"/series", w.inTenant(tenants.View, w.serveSeries))
		r.Get(device+"/connect", w.inTenant(tenants.View, w.showConnect))
		r.Post(device+"/change", w.inTenant(tenants.EditDevices, w.changeDevice))
		r.Post(device+"/disable", w.inTenant(tenants.EditDevices, w.disableDevice))
		r.Post(device+"/enable", w.inTenant(tenants.EditDevices, w.enableDevice))
		r.Post(device+"/units", w.inTenant(tenants.EditDevices, w.setUnits))
		r.Post(device+"/certificates", w.inTenant(tenants.RotateTokens, w.addCertificate))
		r.Post(device+"/certificates/{thumbprint}/remove", w.inTenant(tenants.RotateTokens, w.removeCertificate))
		r.Get(device+"/rotate", w.inTenant(tenants.RotateTokens, w.showRotate))
		r.Post(device+"/rotate", w.inTenant(tenants.RotateTokens, w.rotateToken))
	})
}

// mountPeople adds what is about who may enter.
func (w *Web) mountPeople(r chi.Router) {
	r.Get("/account", w.person(w.showAccount))
	r.Post("/account/sessions/end", w.person(w.endOtherSessions))
	r.Post("/account/sessions/{session}/end", w.person(w.endSession))
	r.Post("/account/password", w.person(w.changePassword))
	r.Post("/account/link/{provider}", w.person(w.recent(w.beginLink)))
	r.Post("/account/unlink", w.person(w.recent(w.unlink)))

	const members, invites, member = "/t/{tenant}/members", "/t/{tenant}/members/invites", "/t/{tenant}/members/{person}"
	r.Get(members, w.inTenant(tenants.View, w.listMembers))
	r.Post(invites, w.inTenant(tenants.ManageTenant, w.invite))
	r.Post(invites+"/{invite}/revoke", w.inTenant(tenants.ManageTenant, w.revokeInvite))
	r.Post(member+"/role", w.inTenant(tenants.ManageTenant, w.changeRole))
	r.Get(member+"/remove", w.inTenant(tenants.View, w.showRemoveMember))
	r.Post(member+"/remove", w.inTenant(tenants.View, w.removeMember))
	r.Post(member+"/recover", w.inTenant(tenants.ManageTenant, w.recent(w.makeRecovery)))
	r.Get(member+"/transfer", w.inTenant(tenants.ManageTenant, w.showTransfer))
	r.Post(member+"/transfer", w.inTenant(tenants.ManageTenant, w.transfer))

	ofTenant := func(f pageFunc) http.HandlerFunc { return w.inTenant(tenants.ManageTenant, w.recent(f)) }
	ofPlatform := func(f pageFunc) http.HandlerFunc { return w.platform(w.recent(f)) }
	r.Post("/t/{tenant}/providers/passwords", ofTenant(w.switchPasswords))
	for at, allow := range map[string]func(pageFunc) http.HandlerFunc{"/t/{tenant}/providers": ofTenant, "/system/providers": ofPlatform} {
		r.Get(at, allow(w.listProviders))
		r.Get(at+"/new", allow(w.newProvider))
		r.Get(at+"/{provider}", allow(w.showProvider))
		r.Post(at+"/{provider}", allow(w.changeProvider))
		r.Post(at+"/{provider}/switch", allow(w.switchProvider))
		r.Get(at+"/{provider}/remove", allow(w.showRemoveProvider))
		r.Post(at+"/{provider}/remove", allow(w.removeProvider))
	}
	r.Get("/t/{tenant}/audit", w.inTenant(tenants.ReadAudit, w.showAudit))
	r.Get("/t/{tenant}/audit.csv", w.inTenant(tenants.ReadAudit, w.noted(tenants.ExportedAudit, w.exportAuditCSV)))
	r.Get("/t/{tenant}/audit.ndjson", w.inTenant(tenants.ReadAudit, w.noted(tenants.ExportedAudit, w.exportAuditJSON)))
	r.Get("/t/{tenant}/audit/as-it-was", w.inTenant(tenants.ReadAudit, w.showAsItWas))
	r.Get("/system/audit", w.platform(w.showAudit))
	r.Get("/system/audit.csv", w.platform(w.noted(tenants.ExportedAudit, w.exportAuditCSV)))
	r.Get("/system/audit.ndjson", w.platform(w.noted(tenants.ExportedAudit, w.exportAuditJSON)))
	r.Get("/system/audit/as-it-was", w.platform(w.showAsItWas))
}

// mountOperation adds what is about tenants as a whole, for those who operate them.
func (w *Web) mountOperation(r chi.Router) {
	const list, one = operatePath, operatePath + "/{tenant}"
	r.Get(list, w.operator(w.listTenants))
	r.Post(list, w.platform(w.createTenant))
	r.Get(one, w.oversees(w.showOperated))
	r.Post(one+"/rename", w.oversees(w.renameTenant))
	r.Post(one+"/suspend", w.oversees(w.suspendTenant))
	r.Post(one+"/resume", w.oversees(w.resumeTenant))
	r.Post(one+"/passwords", w.oversees(w.allowPasswords))
	r.Post(one+"/limits", w.oversees(w.setLimits))
	r.Post(one+"/owner", w.oversees(w.inviteOwner))
	r.Post(one+"/support", w.oversees(w.openSupport))
	r.Post(one+"/support/end", w.oversees(w.endOwnSupport))
	const tenant = "/t/{tenant}"
	r.Get(tenant+"/usage", w.inTenant(tenants.View, w.showUsage))
	r.Post(tenant+"/usage/consent", w.inTenant(tenants.ManageTenant, w.switchConsent))
	r.Post(tenant+"/support/{person}/end", w.inTenant(tenants.ManageTenant, w.endSupport))
	r.Get(one+"/delete", w.platform(w.recent(w.showDeleteTenant)))
	r.Post(one+"/delete", w.platform(w.recent(w.deleteTenant)))
	r.Get(operatorKeysPath, w.operator(w.recent(w.noted(tenants.OpenedKeys, w.listOperatorKeys))))
	r.Post(operatorKeysPath, w.operator(w.recent(w.createOperatorKey)))
	r.Get(operatorKeysPath+"/{key}/revoke", w.operator(w.recent(w.showRevokeOperatorKey)))
	r.Post(operatorKeysPath+"/{key}/revoke", w.operator(w.recent(w.revokeOperatorKey)))
	r.Get(operatorsPath, w.platform(w.recent(w.noted(tenants.OpenedOperators, w.listOperators))))
	r.Post(operatorsPath, w.platform(w.recent(w.setOperator)))
	r.Post(operatorsPath+"/recover", w.platform(w.recent(w.makeRecoveryOf)))
	r.Post(operatorsPath+"/{person}/revoke", w.platform(w.recent(w.revokeOperator)))
}

// The addresses that pages link to; each is the pattern above with its names filled in.
func tenantPath(t id.Tenant) string      { return "/t/" + string(t) }
func devicesPath(t id.Tenant) string     { return tenantPath(t) + "/devices" }
func rejectedPath(t id.Tenant) string    { return tenantPath(t) + "/rejected" }
func replaysPath(t id.Tenant) string     { return tenantPath(t) + "/replays" }
func keysPath(t id.Tenant) string        { return tenantPath(t) + "/keys" }
func devicePath(d tenants.Device) string { return devicesPath(d.Tenant) + "/" + string(d.ID) }
func jobPath(t id.Tenant, j id.Job) string {
	return replaysPath(t) + "/" + string(j)
}

// see sends the browser to a page after a form, so that a reload does not post again.
func see(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}
