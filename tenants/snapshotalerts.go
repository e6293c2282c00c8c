package tenants

import "longwave/tenants/id"

// savedAlerts is what a snapshot keeps of a tenant's alert rules and silences.
type savedAlerts struct {
	Tenant   id.Tenant
	Rules    []AlertRule
	Silences []Silence
}

func (s *State) savedAlerts() (all []savedAlerts) {
	s.tenants.Scan(func(t string, _ *tenant) bool {
		one := savedAlerts{Tenant: id.Tenant(t), Rules: s.AlertRules(id.Tenant(t)), Silences: s.Silences(id.Tenant(t))}
		if len(one.Rules)+len(one.Silences) > 0 {
			all = append(all, one)
		}
		return true
	})
	return all
}

func (s *State) restoreAlerts(all []savedAlerts) {
	for _, one := range all {
		if len(one.Rules) > 0 {
			s.alertRules.Set(string(one.Tenant), newAlertBook(one.Rules))
		}
		if len(one.Silences) > 0 {
			s.silences.Set(string(one.Tenant), one.Silences)
		}
	}
}
