package web

import (
	"github.com/go-chi/chi/v5"

	"longwave/processors/alert/notify"
	"longwave/tenants"
)

// mountAlerts adds what is about alerts: what watches, what was found, and when nobody is told.
func (w *Web) mountAlerts(r chi.Router) {
	r.Get(notify.LinkPath+"{token}", w.open(w.showAlertLink))
	r.Post(notify.LinkPath+"{token}", w.open(w.useAlertLink))
	const alerts, one = "/t/{tenant}/alerts", "/t/{tenant}/alerts/{alert}"
	r.Get(alerts, w.inTenant(tenants.View, w.listAlerts))
	r.Post(alerts+"/acknowledge", w.inTenant(tenants.HandleAlerts, w.acknowledgeAlerts))
	r.Get(one, w.inTenant(tenants.View, w.showAlert))
	r.Post(one+"/act", w.inTenant(tenants.HandleAlerts, w.actOnAlert))

	const rules, rule = "/t/{tenant}/alert-rules", "/t/{tenant}/alert-rules/{rule}"
	r.Get(rules, w.inTenant(tenants.View, w.listAlertRules))
	r.Get(rule, w.inTenant(tenants.View, w.showAlertRule))
	r.Post(rule, w.inTenant(tenants.EditRules, w.saveAlertRule))
	r.Post(rule+"/try", w.inTenant(tenants.View, w.tryAlertRule))
	r.Post(rule+"/past", w.inTenant(tenants.EditRules, w.tryOnPast))
	r.Get(rule+"/history", w.inTenant(tenants.View, w.showAlertRuleHistory))
	r.Post(rule+"/restore", w.inTenant(tenants.EditRules, w.restoreAlertRule))
	r.Post(rule+"/pause", w.inTenant(tenants.EditRules, w.pauseAlertRule))
	r.Post(rule+"/delete", w.inTenant(tenants.EditRules, w.deleteAlertRule))
	r.Post(rule+"/revive", w.inTenant(tenants.EditRules, w.reviveAlertRule))

	const silences = "/t/{tenant}/silences"
	r.Get(silences, w.inTenant(tenants.View, w.listSilences))
	r.Post(silences, w.inTenant(tenants.HandleAlerts, w.startSilence))
	r.Get(silences+"/new", w.inTenant(tenants.HandleAlerts, w.showNewSilence))
	r.Post(silences+"/{silence}/end", w.inTenant(tenants.HandleAlerts, w.endSilence))
}
