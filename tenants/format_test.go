package tenants

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"longwave/tenants/alertrule"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// everyEvent is one of each. The names in the log are a format: they are never changed, only added to.
func everyEvent() map[string]event {
	return map[string]event{
		"person.created":              personCreated{ID: "p-1", Email: "a@b", Name: "A", Password: "$argon2id$"},
		"operator.granted":            operatorGranted{Person: "p-1"},
		"tenant.created":              tenantCreated{ID: "t-1", Name: "T", RetainDays: 30, Owner: "p-1"},
		"key.created":                 keyCreated{ID: "k-1", Name: "ci", Role: Editor, Sum: []byte{1, 2}},
		"trust.added":                 trustAdded{ID: "c-1", Name: "Works", Issuer: "https://a", Audience: "lw", Algorithms: []string{"ES256"}, Keys: json.RawMessage(`{"keys":[]}`), Names: Naming{Field: "sub", Prefix: "urn:", By: ByName}},
		"trust.removed":               trustRemoved{ID: "c-1", Name: "Works"},
		"device.certificate_added":    certificateAdded{Device: "d-1", Thumbprint: "ab", Subject: "CN=x", Expires: time.Date(2027, 11, 20, 10, 0, 0, 0, time.UTC)},
		"device.certificate_removed":  certificateRemoved{Device: "d-1", Thumbprint: "ab"},
		"key.revoked":                 keyRevoked{ID: "k-1"},
		"device.created":              deviceCreated{ID: "d-1", Name: "D", Labels: map[string]string{"a": "b"}, Interval: time.Minute, Demo: true, Token: tokenIssued{ID: "x", Sum: []byte{3}}},
		"device.renamed":              deviceRenamed{ID: "d-1", From: "D", To: "E"},
		"device.switched":             deviceSwitched{ID: "d-1", Disabled: true},
		"device.labelled":             deviceLabelled{ID: "d-1", From: map[string]string{"a": "b"}, To: map[string]string{"a": "c"}},
		"device.interval_changed":     deviceTimed{ID: "d-1", From: time.Minute, To: time.Hour},
		"device.site_changed":         deviceSited{ID: "d-1", From: "a", To: "a/b"},
		"device.profile_changed":      deviceProfiled{ID: "d-1", To: "pump"},
		"device.token_rotated":        tokenRotated{ID: "d-1", Token: tokenIssued{ID: "y", Sum: []byte{4}}, OldUntil: time.Date(2026, 11, 20, 10, 0, 0, 1000, time.UTC)},
		"device.deleted":              deviceDeleted{ID: "d-1", Name: "E"},
		"device.erased":               deviceErased{ID: "d-1", Erased: Erased{Readings: 1, Events: 2}},
		"destination.created":         destinationCreated{ID: "o-1", Name: "Ops", Slug: "ops", Kind: Webhook, Reach: reach{URL: "https://a.example/x", Secret: "s1.k.x"}},
		"destination.renamed":         destinationRenamed{ID: "o-1", From: "Ops", To: "Operations"},
		"destination.switched":        destinationSwitched{ID: "o-1", Disabled: true},
		"destination.changed":         destinationMoved{ID: "o-1", From: reach{To: []string{"a@b"}}, To: reach{To: []string{"c@d"}}},
		"destination.secret_replaced": destinationSecret{ID: "o-1", Secret: "s1.k.y", OldUntil: time.Date(2026, 11, 20, 10, 0, 0, 1000, time.UTC)},
		"destination.deleted":         destinationDeleted{ID: "o-1", Name: "Operations"},
		"rule.drafted":                ruleDrafted{To: rule.Rule{ID: "r-1", Name: "Hot", When: "temp > 80", Then: rule.Then{Lane: "critical"}}},
		"rule.enabled": ruleEnabled{Version: 2, From: &rule.Rule{ID: "r-1", Name: "Hot"}, Reason: "why",
			To: rule.Rule{ID: "r-1", Name: "Hot", When: "temp > 80", Then: rule.Then{OneIn: 2, Labels: map[string]string{"a": "b"}, Forward: []id.Destination{"o-1"}}}},
		"rule.disabled":             ruleDisabled{ID: "r-1", Name: "Hot", Reason: "why"},
		"rule.moved":                ruleMoved{ID: "r-1", Name: "Hot", From: 2, To: 1},
		"rule.deleted":              ruleDeleted{ID: "r-1", Name: "Hot"},
		"alert_rule.drafted":        alertRuleDrafted{To: hotAlert()},
		"alert_rule.started":        alertRuleStarted{From: &alertrule.Rule{ID: "w-1", Name: "Hot"}, To: hotAlert(), Reason: "why"},
		"alert_rule.paused":         alertRulePaused{ID: "w-1", Name: "Hot", Reason: "why"},
		"alert_rule.deleted":        alertRuleDeleted{ID: "w-1", Draft: &alertrule.Rule{ID: "w-1", Name: "Hot"}, Mode: alertrule.Paused, Version: 2},
		"alert_rule.revived":        alertRuleRevived{Rule: alertRuleDeleted{ID: "w-1", Draft: &alertrule.Rule{ID: "w-1", Name: "Hot"}, Mode: alertrule.Paused, Version: 2}},
		"silence.started":           silenceStarted{alertrule.Silence{ID: "q-1", Rules: []id.AlertRule{"w-1"}, Selector: alertrule.Selector{Sites: []string{"plant-2"}}, From: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Reason: "why"}},
		"silence.ended":             silenceEnded{ID: "q-1", At: time.Date(2026, 11, 20, 11, 0, 0, 1000, time.UTC), Reason: "why"},
		"metric.described":          metricDescribed{Name: "temp", Unit: "°C"},
		"person.arrived":            personArrived{ID: "p-1", Email: "a@b", Name: "A", Identity: identityLinked{Person: "p-1", Issuer: "https://a", Subject: "s", Provider: "i-1"}},
		"identity.linked":           identityLinked{Person: "p-1", Issuer: "https://a", Subject: "s", Provider: "i-1"},
		"identity.unlinked":         identityUnlinked{Person: "p-1", Issuer: "https://a", Subject: "s"},
		"provider.set":              providerSet{ID: "i-1", Name: "A", Issuer: "https://a", ClientID: "c", Secret: "s1.k.x", Domains: []string{"a.b"}, Rows: []RoleRow{{"groups", "g", Editor, "t-1"}}, From: &providerWas{Name: "B"}},
		"provider.removed":          providerRemoved{ID: "i-1", Name: "A"},
		"tenant.passwords_switched": passwordsSwitched{Off: true},
		"member.invited":            memberInvited{ID: "v-1", For: "Bo", Role: Viewer, Expires: time.Date(2026, 11, 20, 10, 0, 0, 1000, time.UTC), Sum: []byte{5}},
		"member.invite_revoked":     inviteRevoked{ID: "v-1", For: "Bo"},
		"member.joined":             memberJoined{Person: "p-1", Role: Owner, Invite: "v-1", Via: "i-1"},
		"member.changed":            memberChanged{Person: "p-1", From: Viewer, To: Owner, Via: "i-1"},
		"signin.failed":             signInFailed{Person: "p-1", Provider: "i-1", Reason: "why", Others: 2},
		"person.password_changed":   passwordChanged{Person: "p-1", Hash: "$argon2id$", Recovery: "abc"},
		"person.recovery_made":      recoveryMade{recovery{Person: "p-1", Tenant: "t-1", Public: "abc", Sum: []byte{6}, Expires: time.Date(2026, 11, 20, 10, 0, 0, 1000, time.UTC)}},
		"sight.noted":               sightNoted{What: ExportedAudit, Thing: "i-1"},
		"member.removed":            memberRemoved{Person: "p-1", Role: Owner, Via: "i-1"},
		"dashboard.saved": dashboardSaved{ID: "b-1", Name: "Plant", Version: 2, Restored: 1, Document: dashboard.Document{Range: "1h", Variables: []dashboard.Variable{{Name: "site", Of: "site"}},
			Widgets: []dashboard.Widget{{ID: "w1", Kind: dashboard.Line, At: dashboard.Place{W: 6, H: 8}, Select: dashboard.Selection{Site: "$site"}, Metrics: []dashboard.Metric{{Name: "temp"}}, Min: new(float64)}}}},
		"dashboard.renamed":       dashboardRenamed{ID: "b-1", From: "Plant", To: "Plant 2"},
		"dashboard.deleted":       dashboardDeleted{ID: "b-1", Name: "Plant 2"},
		"dashboard.undeleted":     dashboardUndeleted{ID: "b-1", Name: "Plant 2"},
		"wall.paired":             wallPaired{ID: "m-1", To: WallSettings{Name: "Hall", Dashboards: []id.Dashboard{"b-1", "b-2"}, Seconds: 30, PauseOnAlert: true, Zoom: 125, Zone: "Europe/Berlin"}, Sum: []byte{6}},
		"wall.changed":            wallChanged{ID: "m-1", From: WallSettings{Name: "Hall", Dashboards: []id.Dashboard{"b-1"}, Zoom: 100}, To: WallSettings{Name: "Hall 2", Dashboards: []id.Dashboard{"b-2"}, Zoom: 100}},
		"wall.asked":              wallAsked{ID: "m-1", Name: "Hall", What: WallIdentify},
		"wall.revoked":            wallRevoked{ID: "m-1", Name: "Hall"},
		"tenant.renamed":          tenantRenamed{From: "T", To: "U"},
		"tenant.suspended":        tenantSuspended{Reason: "unpaid"},
		"tenant.resumed":          tenantResumed{},
		"tenant.limited":          tenantLimited{From: Limits{Packets: 1}, To: Limits{Readings: 2, Devices: 3, Days: 4, Sockets: 5, Request: 6, Walls: 7}},
		"tenant.consent_switched": consentSwitched{On: true},
		"support.opened":          supportOpened{Person: "p-1", Reason: "why", Until: time.Date(2026, 11, 20, 10, 0, 0, 1000, time.UTC)},
		"support.ended":           supportEnded{Person: "p-1"},
		"tenant.deletion_ordered": deletionOrdered{Tenant: "t-1", Name: "T", Counts: []Count{{"devices", 3}}},
		"tenant.deleted":          tenantDeleted{Name: "T"},
		"tenant.erased":           tenantErased{Tenant: "t-1", Name: "T", Counts: []Gone{{"devices", 3, 0}}},
		"operator.scoped":         operatorScoped{Person: "p-1", From: []id.Tenant{"t-1"}, To: []id.Tenant{"t-2"}, Limited: true},
		"operator.revoked":        operatorRevoked{Person: "p-1"},
		"data.exported":           dataExported{Of: []Difference{{What: "format", After: "csv"}}},
		"operator.key_created":    operatorKeyCreated{ID: "k-2", Person: "p-1", Name: "billing", Reach: ReachSee, Sum: []byte{1, 2}, Expires: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)},
		"operator.key_revoked":    operatorKeyRevoked{ID: "k-2", Name: "billing"},
		"job.started":             jobStarted{ID: "j-1", What: "send rejected packets again", Of: []Difference{{What: "cause", After: "value_type"}}},
		"job.ended":               jobEnded{ID: "j-1", What: "send rejected packets again", Outcome: "done", Counts: []Count{{Name: "stored", Number: 412}}},
	}
}

// hotAlert is an alert rule that says everything that one can say.
func hotAlert() alertrule.Rule {
	over := alertrule.Condition{Any: true, Tests: []alertrule.Test{{Metric: "temp", Op: alertrule.Outside, Value: 1.5, To: 80}, {Metric: "state", Op: alertrule.TextIs, Text: "hot"}, {Metric: "rpm", Op: alertrule.RateAbove, Value: 2, Per: "min"}}}
	return alertrule.Rule{ID: "w-1", Name: "Hot", Note: "call Bo", Mode: alertrule.Shadow, Version: 3, Kind: alertrule.Threshold, Message: "{device} {value}",
		Selector: alertrule.Selector{Profiles: []string{"pump"}, Sites: []string{"plant-2"}, Labels: map[string]string{"a": "b"}, Names: []string{"p*"}, Devices: []id.Device{"d-1"}},
		Levels:   []alertrule.Level{{Severity: alertrule.Warning, When: over, Clear: over, For: alertrule.Duration(5 * time.Minute)}},
		Notify:   alertrule.Notify{Steps: []alertrule.Step{{After: alertrule.Duration(time.Minute), Destinations: []id.Destination{"o-1"}}}, Repeat: alertrule.Duration(time.Hour), GroupBy: alertrule.GroupSite}}
}

func TestEveryEventSurvivesTheLog(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 0, 0, 123456000, time.UTC)
	for name, e := range everyEvent() {
		data, err := encodeCommand(envelope{At: at, Actor: Actor{Person: "p-9", Address: "192.0.2.1"}}, []event{e})
		if err != nil {
			t.Fatal(err)
		}
		stamp, env, err := open(platformSubject, data)
		if err != nil || !stamp.at.Equal(at) || env.Actor != (Actor{Person: "p-9", Address: "192.0.2.1"}) || env.Events[0].Type != name {
			t.Errorf("%s: %+v, %v", name, env, err)
			continue
		}
		if back, err := decodeEvent(env.Events[0]); err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s: %+v, %v, want %+v", name, back, err, e)
		}
	}
}

// TestTheLogSaysWho reads what a person's command left in the stream.
func TestTheLogSaysWho(t *testing.T) {
	s, made, js := claimed(t)
	p, err := s.Enter(made.Person.ID, made.Tenant.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	d, token, err := s.CreateDevice(t.Context(), p.Actor("203.0.113.9"), made.Tenant.ID, NewDevice{Name: "pump-7"})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), StreamName)
	if err != nil {
		t.Fatal(err)
	}
	message, err := stream.GetLastMsgForSubject(t.Context(), "ctl."+string(made.Tenant.ID))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		At     time.Time
		Actor  struct{ Person, Address string }
		Events []struct {
			Type string
			Data struct{ ID, Name string }
		}
	}
	if err := json.Unmarshal(message.Data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Actor.Person != string(made.Person.ID) || got.Actor.Address != "203.0.113.9" || time.Since(got.At) > time.Minute ||
		len(got.Events) != 1 || got.Events[0].Type != "device.created" || got.Events[0].Data.ID != string(d.ID) || got.Events[0].Data.Name != "pump-7" {
		t.Errorf("the log says %s", message.Data)
	}
	for _, secret := range []string{token, testPassword} {
		if strings.Contains(string(message.Data), secret) {
			t.Error("a secret is in the log")
		}
	}
}

// FuzzFold feeds the projection what no command wrote: it must refuse, never panic.
func FuzzFold(f *testing.F) {
	for _, e := range everyEvent() {
		data, err := encodeCommand(envelope{At: time.Unix(1, 0).UTC(), After: new(State).link("")}, []event{e, e})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), true)
		f.Add(string(data), false)
	}
	f.Fuzz(func(t *testing.T, data string, platform bool) {
		draft, _ := draftOf(t, 1)
		name, _, _ := draft.tenants.GetAt(0)
		subject := subjectPrefix + name
		if platform {
			subject = platformSubject
		}
		if err := fold(draft, newChain(foldWindow, 0, digest{}), message{subject: subject, seq: 1, data: []byte(data)}); err != nil && !fatal(err) {
			t.Errorf("an error of no class: %v", err)
		}
	})
}
