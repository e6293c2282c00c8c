package web

import (
	"net/http"

	"longwave/tenants"
	"longwave/views"
)

// adminTab is one of the pages about a tenant, or about the platform.
type adminTab struct {
	label, path string
	need        tenants.Action
}

// adminTabs are the pages about the principal's tenant, or about the platform outside of one, that it may see.
func (w *Web) adminTabs(r *http.Request, p tenants.Principal) []views.Link {
	t := p.Tenant()
	pages := []adminTab{
		{"Members", membersPath(t), tenants.View}, {"Identity providers", providersPath(t), tenants.ManageTenant}, {"API keys", keysPath(t), tenants.ManageKeys},
		{"Device trust", trustPath(t), tenants.ManageKeys}, {"Usage", usagePath(t), tenants.View}, {"Audit", auditPath(t), tenants.ReadAudit},
	}
	if t == "" {
		pages = []adminTab{{"Health", "/system", tenants.OperatePlatform}, {"Tenants", operatePath, tenants.OverseeTenants}, {"Operators", operatorsPath, tenants.OperatePlatform}, {"Keys", operatorKeysPath, tenants.OverseeTenants}, {"Identity providers", providersPath(""), tenants.OperatePlatform}, {"Audit", auditPath(""), tenants.OperatePlatform}}
	}
	var tabs []views.Link
	for _, each := range pages {
		if p.May(each.need) == nil {
			tabs = append(tabs, views.Link{Label: each.label, Href: each.path, Current: each.path == r.URL.Path || each.path != "/system" && below(r.URL.Path, each.path)})
		}
	}
	return tabs
}
