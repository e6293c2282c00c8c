package tenants

import "fmt"

// describeAlerts is describe for what is about alerts.
func describeAlerts(e event) (name string, current int) {
	switch e.(type) {
	case alertRuleDrafted:
		return "alert_rule.drafted", 1
	case alertRuleStarted:
		return "alert_rule.started", 1
	case alertRulePaused:
		return "alert_rule.paused", 1
	case alertRuleDeleted:
		return "alert_rule.deleted", 1
	case alertRuleRevived:
		return "alert_rule.revived", 1
	case silenceStarted:
		return "silence.started", 1
	case silenceEnded:
		return "silence.ended", 1
	default:
		return "", 0
	}
}

// decodeAlerts is decodeEvent for what is about alerts.
func decodeAlerts(r record) (event, error) {
	switch r.Type {
	case "alert_rule.drafted":
		return decode[alertRuleDrafted](r)
	case "alert_rule.started":
		return decode[alertRuleStarted](r)
	case "alert_rule.paused":
		return decode[alertRulePaused](r)
	case "alert_rule.deleted":
		return decode[alertRuleDeleted](r)
	case "alert_rule.revived":
		return decode[alertRuleRevived](r)
	case "silence.started":
		return decode[silenceStarted](r)
	case "silence.ended":
		return decode[silenceEnded](r)
	default:
		return nil, fmt.Errorf("%w: unknown event %q", ErrNewer, r.Type)
	}
}
