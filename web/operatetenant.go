package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

func (w *Web) showOperated(out http.ResponseWriter, r *http.Request, o overseen) error {
	return w.renderOperated(out, r, o, nil)
}

// renderOperated shows what operators may know and do about a tenant. Fields that were typed and are wrong come back.
func (w *Web) renderOperated(out http.ResponseWriter, r *http.Request, o overseen, wrong *typed) error {
	t, at := o.tenant, operatedPath(o.tenant.ID)
	page := views.OperateTenant{
		Frame: w.frame(out, r, o.Principal, t.Name), Tabs: w.adminTabs(r, o.Principal), Back: operatePath, Heading: t.Name, State: tenantState(t),
		Note: suspensionNote(t), Usage: w.limitRows(t), Secret: w.handover.take(w.slot(r, ownerSlot+string(t.ID))), LimitsAt: at + "/limits", Limits: limitFields(t.Limits),
		Rename:  views.NamedForm{Action: at + "/rename", Field: tenantName(t.Name)},
		Suspend: views.NamedForm{Action: at + "/suspend", Field: reasonField("Devices, people and keys are told. What stands in the lanes is stored all the same.")},
		Facts: []views.Fact{
			{Name: "Id", Value: string(t.ID)}, {Name: "Created", Value: t.Created.UTC().Format("2 January 2006")},
			{Name: "Members", Value: grouped(uint64(len(w.o.Tenants.State().Members(t.ID))))},
		},
	}
	w.showSupport(&page, o)
	if !w.o.Tenants.State().HasOwner(t.ID) {
		page.Invite = &views.NamedForm{Action: at + "/owner", Field: w.ownerField("")}
		page.Invite.Field.Optional, page.Invite.Field.Help = false, "The tenant has no owner yet. Whom the link is meant for; you send it yourself."
	}
	if t.NoPasswords {
		page.Passwords = at + "/passwords"
	}
	if t.Suspended.Holds() {
		page.Resume = at + "/resume"
	}
	if o.May(tenants.OperatePlatform) == nil {
		page.Delete = at + "/delete"
	}
	if t.Suspended.Deleting {
		page.Resume, page.Suspend.Action = "", ""
	}
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusUnprocessableEntity
		wrong.into(&page)
	}
	return w.render(out, r, status, views.OperateTenantPage(page))
}

// typed is a form that was refused: what stood in it, and what is wrong.
type typed struct {
	problem views.Problem
	values  func(field string) string
}

func (t *typed) into(page *views.OperateTenant) {
	fields := []*views.Field{&page.Rename.Field, &page.Suspend.Field}
	for i := range page.Limits {
		fields = append(fields, &page.Limits[i])
	}
	if page.Support != nil {
		fields = append(fields, &page.Support.Reason)
	}
	for _, f := range fields {
		if f.ID == t.problem.Field {
			f.Value = t.values(f.ID)
		}
	}
	page.Problems = blame([]views.Problem{t.problem}, fields...)
}

func suspensionNote(t tenants.Tenant) string {
	switch {
	case t.Suspended.Deleting:
		return "This tenant is being deleted: nobody and nothing gets in."
	case t.Suspended.Holds():
		return "Suspended since " + t.Suspended.Since.UTC().Format("2 January 2006 15:04 UTC") + ": " + strings.TrimRight(t.Suspended.Reason, ". ") + ". Devices, people and keys are told so."
	}
	return ""
}

func reasonField(help string) views.Field {
	return views.Field{ID: "reason", Label: "Reason", Type: "text", MaxLength: "300", Autocomplete: "off", Help: help}
}

// showSupport offers what stands between an operator and a tenant's data.
func (w *Web) showSupport(page *views.OperateTenant, o overseen) {
	st, t := w.o.Tenants.State(), o.tenant
	if _, member := st.Member(t.ID, o.Person()); member {
		page.Enter = tenantPath(t.ID)
		return
	}
	at := operatedPath(t.ID) + "/support"
	form := &views.SupportForm{Action: at, End: at + "/end", Consent: t.Consent, Reason: reasonField("What you want to look at, and who asked for it. The owners read it.")}
	for _, hours := range []int{1, 2, 4, 8} {
		form.Hours = append(form.Hours, views.Option{Value: strconv.Itoa(hours), Label: count(uint64(hours), "hour", "hours")})
	}
	for _, each := range st.Supports(t.ID, w.o.Now()) {
		if each.Person == o.Person() {
			form.Until = "until " + each.Until.UTC().Format("15:04 UTC")
		}
	}
	if form.Consent || form.Until != "" {
		page.Enter = tenantPath(t.ID)
	}
	page.Support = form
}

// limitRows say what holds for a tenant, whose decision that is, and what is used of it.
func (w *Web) limitRows(t tenants.Tenant) []views.LimitRow {
	holds, st := w.o.Tenants.LimitsOf(t.ID), w.o.Tenants.State()
	rate := w.o.Operation.Rates()[t.ID]
	row := func(name string, own, limit int64, used float64) views.LimitRow {
		r := views.LimitRow{Name: name, Limit: "no limit", Whose: "everybody here", Used: "–"}
		if own > 0 {
			r.Whose = "this tenant"
		}
		if limit > 0 {
			r.Limit, r.Full = grouped(uint64(limit)), used >= float64(limit)
		}
		if used >= 0 {
			r.Used = rateText(used)
		}
		return r
	}
	const unmeasured = -1
	return []views.LimitRow{
		row("Devices", int64(t.Limits.Devices), int64(holds.Devices), float64(st.DeviceCount(t.ID))),
		row("Packets per second", int64(t.Limits.Packets), int64(holds.Packets), rate),
		row("Readings per second", int64(t.Limits.Readings), int64(holds.Readings), unmeasured),
		row("Device sockets", int64(t.Limits.Sockets), int64(holds.Sockets), unmeasured),
		row("Bytes of a request", t.Limits.Request, holds.Request, unmeasured),
		row("Wall screens", int64(t.Limits.Walls), int64(holds.Walls), unmeasured),
		row("Days that readings are kept", int64(t.Limits.Days), int64(holds.Days), unmeasured),
	}
}

// limitField is one field of the form, and where its value goes.
type limitField struct {
	id, label string
	of        func(*tenants.Limits) any // *int or *int64
}

func limitForm() []limitField {
	return []limitField{
		{"packets_per_second", "Packets per second", func(l *tenants.Limits) any { return &l.Packets }},
		{"readings_per_second", "Readings per second", func(l *tenants.Limits) any { return &l.Readings }},
		{"devices", "Devices", func(l *tenants.Limits) any { return &l.Devices }},
		{"device_sockets", "Device sockets", func(l *tenants.Limits) any { return &l.Sockets }},
		{"request_bytes", "Bytes of a request", func(l *tenants.Limits) any { return &l.Request }},
		{"walls", "Wall screens", func(l *tenants.Limits) any { return &l.Walls }},
		{"stored_days", "Days that readings are kept", func(l *tenants.Limits) any { return &l.Days }},
	}
}

func limitFields(l tenants.Limits) []views.Field {
	var list []views.Field
	for _, f := range limitForm() {
		field := views.Field{ID: f.id, Label: f.label, Type: "text", Mode: "numeric", Optional: true, Autocomplete: "off", MaxLength: "12"}
		if text := fmt.Sprint(numberIn(f.of(&l))); text != "0" {
			field.Value = text
		}
		list = append(list, field)
	}
	return list
}

func numberIn(place any) int64 {
	switch n := place.(type) {
	case *int:
		return int64(*n)
	case *int64:
		return *n
	}
	return 0
}

func (w *Web) setLimits(out http.ResponseWriter, r *http.Request, o overseen) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	var wanted tenants.Limits
	for _, f := range limitForm() {
		text := strings.NewReplacer(",", "", " ", "").Replace(form.Get(f.id))
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return w.renderOperated(out, r, o, &typed{views.Problem{Field: f.id, Text: "is no number above 0; leave it empty for what holds on this installation"}, form.Get})
		}
		switch place := f.of(&wanted).(type) {
		case *int:
			*place = int(n)
		case *int64:
			*place = n
		}
	}
	err = w.o.Tenants.SetLimits(r.Context(), w.actor(r, o.Principal), o.tenant.ID, wanted)
	return w.operatedTo(out, r, o, outcome{err, "Limits saved. They hold from now on.", form.Get})
}

// outcome is how an action ended: with an error, or a sentence to show.
type outcome struct {
	err    error
	text   string
	values func(string) string
}

// operatedTo answers an action on a tenant: with its page, or with the form that was refused.
func (w *Web) operatedTo(out http.ResponseWriter, r *http.Request, o overseen, done outcome) error {
	if problem, ok := fault(done.err); ok {
		return w.renderOperated(out, r, o, &typed{problem, done.values})
	}
	if done.err != nil {
		return done.err
	}
	w.done(out, r, done.text)
	return see(out, r, operatedPath(o.tenant.ID))
}

func (w *Web) renameTenant(out http.ResponseWriter, r *http.Request, o overseen) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	err = w.o.Tenants.RenameTenant(r.Context(), w.actor(r, o.Principal), o.tenant.ID, form.Get("name"))
	return w.operatedTo(out, r, o, outcome{err, "Renamed.", form.Get})
}

func (w *Web) suspendTenant(out http.ResponseWriter, r *http.Request, o overseen) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	err = w.o.Tenants.SuspendTenant(r.Context(), w.actor(r, o.Principal), o.tenant.ID, form.Get("reason"))
	return w.operatedTo(out, r, o, outcome{err, "Suspended. Nobody and nothing gets in until you resume it.", form.Get})
}

func (w *Web) resumeTenant(out http.ResponseWriter, r *http.Request, o overseen) error {
	err := w.o.Tenants.ResumeTenant(r.Context(), w.actor(r, o.Principal), o.tenant.ID)
	return w.operatedTo(out, r, o, outcome{err: err, text: "Resumed. Everybody gets in again."})
}

// allowPasswords is for a tenant that has locked itself out: its provider fails and passwords are turned off. It opens
// nothing to the operator, and stands in the tenant's own audit.
func (w *Web) allowPasswords(out http.ResponseWriter, r *http.Request, o overseen) error {
	err := w.o.Tenants.SwitchPasswords(r.Context(), w.actor(r, o.Principal), o.tenant.ID, false)
	return w.operatedTo(out, r, o, outcome{err: err, text: "Members with a password may sign in with it again. The tenant's audit says that you did this."})
}

func (w *Web) inviteOwner(out http.ResponseWriter, r *http.Request, o overseen) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	if w.o.Tenants.State().HasOwner(o.tenant.ID) {
		return tenants.ErrNotFound // whose owners decide who else is one
	}
	made, secret, err := w.o.Tenants.Invite(r.Context(), w.actor(r, o.Principal), o.tenant.ID, tenants.NewInvite{For: form.Get("for"), Role: tenants.Owner})
	if err != nil {
		return w.operatedTo(out, r, o, outcome{err, "", form.Get})
	}
	link := w.origin(r) + joinPath(secret)
	w.handover.put(w.slot(r, ownerSlot+string(o.tenant.ID)), link)
	w.done(out, r, "Invitation made.")
	w.mailInvite(out, r, o.Principal, invitation{tenant: o.tenant, whom: made.For, link: link})
	return see(out, r, operatedPath(o.tenant.ID))
}

func (w *Web) openSupport(out http.ResponseWriter, r *http.Request, o overseen) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	hours, err := strconv.Atoi(form.Get("hours"))
	if err != nil || hours < 1 || hours > 24 {
		return badQuery("Choose for how long.")
	}
	visit := tenants.Visit{Reason: form.Get("reason"), For: time.Duration(hours) * time.Hour}
	err = w.o.Tenants.OpenSupport(r.Context(), w.actor(r, o.Principal), o.tenant.ID, visit)
	return w.operatedTo(out, r, o, outcome{err, "You may look at its data for " + count(uint64(hours), "hour", "hours") + ".", form.Get})
}

func (w *Web) endOwnSupport(out http.ResponseWriter, r *http.Request, o overseen) error {
	err := w.o.Tenants.EndSupport(r.Context(), w.actor(r, o.Principal), o.tenant.ID, o.Person())
	return w.operatedTo(out, r, o, outcome{err: err, text: "Support access ended."})
}

// personNamed is somebody by the address of their password account, or by id. An address that a provider vouches for is
// not enough: a tenant's provider may vouch for any.
func (w *Web) personNamed(text string) (id.Person, bool) {
	text = strings.TrimSpace(text)
	st := w.o.Tenants.State()
	if p, ok := st.PersonByEmail(text); ok {
		return p.ID, true
	}
	p, ok := st.Person(id.Person(text))
	return p.ID, ok
}
