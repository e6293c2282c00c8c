package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"longwave/ingest/telemetry"
	"longwave/processors/forward"
	"longwave/processors/forward/reach"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// Deliverer is what pages need of package forward.
type Deliverer interface {
	States(context.Context, id.Tenant) (map[id.Destination]forward.State, error)
	Test(ctx context.Context, t id.Tenant, d id.Destination, by string) (reach.Answer, error)
	Attempts(ctx context.Context, t id.Tenant, d id.Destination, limit int) ([]forward.Attempt, error)
	Resend(ctx context.Context, t id.Tenant, d id.Destination, place uint64) error
	Undelivered(context.Context, id.Tenant, id.Destination) ([]forward.Group, error)
	Redrive(ctx context.Context, t id.Tenant, d id.Destination, cause string) (forward.Redriven, error)
}

// statesUnknown is what a page says when it cannot say how destinations are doing.
const statesUnknown = "How the destinations are doing is not known at the moment, because the queue does not answer. Reload the page to ask again."

// mountDestinations adds the pages about destinations.
func (w *Web) mountDestinations(r chi.Router) {
	const list, one = "/t/{tenant}/destinations", "/t/{tenant}/destinations/{destination}"
	r.Get(list, w.inTenant(tenants.View, w.listDestinations))
	r.Post(list, w.inTenant(tenants.EditDestinations, w.createDestination))
	r.Get(list+"/new", w.inTenant(tenants.EditDestinations, w.showNewDestination))
	r.Get(one, w.inTenant(tenants.View, w.showDestination))
	r.Get(one+"/edit", w.inTenant(tenants.EditDestinations, w.showEditDestination))
	r.Post(one+"/change", w.inTenant(tenants.EditDestinations, w.changeDestination))
	r.Post(one+"/switch", w.inTenant(tenants.EditDestinations, w.switchDestination))
	r.Post(one+"/test", w.inTenant(tenants.EditDestinations, w.testDestination))
	r.Post(one+"/secret", w.inTenant(tenants.EditDestinations, w.replaceSecret))
	r.Post(one+"/redrive", w.inTenant(tenants.EditDestinations, w.redrive))
	r.Post(one+"/attempts/{attempt}/resend", w.inTenant(tenants.EditDestinations, w.resend))
	r.Get(one+"/delete", w.inTenant(tenants.EditDestinations, w.showDeleteDestination))
	r.Post(one+"/delete", w.inTenant(tenants.EditDestinations, w.deleteDestination))
}

func destinationsPath(t id.Tenant) string { return tenantPath(t) + "/destinations" }

func destinationPath(d tenants.Destination) string {
	return destinationsPath(d.Tenant) + "/" + string(d.ID)
}

// destination is the one that the address names; tenants.ErrNotFound when the tenant has none of that id.
func (w *Web) destination(r *http.Request, p tenants.Principal) (tenants.Destination, error) {
	d, err := id.Parse[id.Destination](chi.URLParam(r, "destination"))
	if err != nil {
		return tenants.Destination{}, tenants.ErrNotFound
	}
	found, ok := w.o.Tenants.State().Destination(p.Tenant(), d)
	if !ok {
		return tenants.Destination{}, tenants.ErrNotFound
	}
	return found, nil
}

func (w *Web) listDestinations(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	page := views.Destinations{
		Frame: w.frame(out, r, p, "Destinations"), NewHref: destinationsPath(p.Tenant()) + "/new",
		CanEdit: p.May(tenants.EditDestinations) == nil,
	}
	states, err := w.o.Destinations.States(r.Context(), p.Tenant())
	if err != nil {
		w.o.Log.WarnContext(r.Context(), "the list of destinations comes without their states", "tenant", p.Tenant(), "error", err)
		page.Warning = statesUnknown
	}
	now := w.o.Now()
	for _, d := range w.o.Tenants.State().Destinations(p.Tenant()) {
		page.Rows = append(page.Rows, destinationRow(d, states, err == nil, now))
	}
	return w.render(out, r, http.StatusOK, views.DestinationsPage(page))
}

func destinationWord(k tenants.DestinationKind) string {
	switch k {
	case tenants.Webhook:
		return "Webhook"
	case tenants.Email:
		return "E-mail"
	case tenants.SlackHook:
		return "Slack-compatible"
	default:
		return "NATS subject"
	}
}

// whereOf says where a destination sends, as far as that is no secret.
func whereOf(d tenants.Destination) string {
	switch d.Kind {
	case tenants.Email:
		return strings.Join(d.To, ", ")
	case tenants.NATSSubject:
		return telemetry.OutSubject(d.Tenant, d.Slug)
	default:
		address, _, cut := strings.Cut(d.URL, "?")
		if cut {
			address += "?…"
		}
		return address
	}
}

// chosenKind reads the kind that a form or a link chose; a webhook when it is none.
func chosenKind(text string) tenants.DestinationKind {
	kind, err := tenants.ParseDestinationKind(text)
	if err != nil {
		return tenants.Webhook
	}
	return kind
}

func chosenLead(k tenants.DestinationKind) string {
	switch k {
	case tenants.Webhook:
		return "Every message is posted as JSON and signed with a secret that the next page shows once. What fails is tried again for a day."
	case tenants.Email:
		return "Every message becomes a mail of plain text, at most one in two seconds: meant for notifications rather than for packets."
	case tenants.SlackHook:
		return "Every message becomes a line in a chat, at most one a second. Any chat that takes {\"text\": …} will do: Slack, Mattermost, Rocket.Chat, Discord (with /slack behind the address)."
	default:
		return "Messages wait on a subject of this tenant for consumers of your own, which acknowledge what they have."
	}
}

// destinationForm is the form, with what was typed.
func destinationForm(kind tenants.DestinationKind, form url.Values) views.DestinationForm {
	page := views.DestinationForm{
		Kind: kind.String(), Lead: chosenLead(kind),
		Name: views.Field{ID: "name", Label: "Name", Type: "text", Value: form.Get("name"), MaxLength: "100", Autocomplete: "off", Focus: true, Help: "What rules and people call it: Ops webhook, say."},
	}
	switch kind {
	case tenants.Webhook, tenants.SlackHook:
		page.Reach = []views.Field{{
			ID: "url", Label: "Address", Type: "url", Value: form.Get("url"), MaxLength: "2000", Autocomplete: "off", Placeholder: "https://", Mode: "url",
			Help: "It must be reachable from the public Internet, unless the operator allows its network.",
		}}
	case tenants.Email:
		page.Reach = []views.Field{{
			ID: "to", Label: "Addresses", Type: "text", Value: form.Get("to"), Autocomplete: "off", Mode: "email", Help: "Up to 20, with commas between them.",
		}}
	}
	return page
}

// recipients are the addresses of a form.
func recipients(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
}

func (w *Web) showNewDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderNewDestination(out, r, p, destinationForm(chosenKind(r.URL.Query().Get("kind")), nil))
}

func (w *Web) renderNewDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal, page views.DestinationForm) error {
	list := destinationsPath(p.Tenant())
	page.Frame, page.Heading, page.Submit = w.frame(out, r, p, "Create destination"), "Create destination", "Create destination"
	page.Action, page.Cancel, page.ListHref = list, list, list
	for _, k := range tenants.DestinationKinds() {
		page.Kinds = append(page.Kinds, views.Link{Label: destinationWord(k), Href: list + "/new?kind=" + k.String(), Current: k.String() == page.Kind})
	}
	return w.render(out, r, statusOf(page.Problems), views.DestinationFormPage(page))
}

func statusOf(problems []views.Problem) int {
	if len(problems) > 0 {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// blameReach writes what is wrong beside the fields of a destination.
func blameReach(page *views.DestinationForm, problem views.Problem) {
	fields := []*views.Field{&page.Name}
	for i := range page.Reach {
		fields = append(fields, &page.Reach[i])
	}
	page.Problems = blame([]views.Problem{problem}, fields...)
}

func (w *Web) createDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	kind := chosenKind(form.Get("kind"))
	made, secret, err := w.o.Tenants.CreateDestination(r.Context(), w.actor(r, p), p.Tenant(), tenants.NewDestination{
		Name: form.Get("name"), Kind: kind, URL: form.Get("url"), To: recipients(form.Get("to")),
	})
	if problem, ok := fault(err); ok {
		page := destinationForm(kind, form)
		blameReach(&page, problem)
		return w.renderNewDestination(out, r, p, page)
	}
	if err != nil {
		return err
	}
	if secret != "" {
		w.handover.put(w.slot(r, string(made.ID)), secret)
	}
	w.done(out, r, made.Name+" created. Send a test to see whether it is reached.")
	return see(out, r, destinationPath(made))
}

func (w *Web) showEditDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	form := url.Values{"name": {d.Name}, "url": {d.URL}, "to": {strings.Join(d.To, ", ")}}
	if d.Kind == tenants.SlackHook {
		form.Del("url") // it is a secret: typed again, or left as it is
	}
	return w.renderEditDestination(out, r, p, editing{d, destinationForm(d.Kind, form)})
}

// editing is a destination and the form that changes it.
type editing struct {
	tenants.Destination
	page views.DestinationForm
}

func (w *Web) renderEditDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal, e editing) error {
	page := e.page
	page.Frame, page.Heading, page.Submit = w.frame(out, r, p, "Edit "+e.Name), "Edit "+e.Name, "Save"
	page.Action, page.Cancel, page.ListHref = destinationPath(e.Destination)+"/change", destinationPath(e.Destination), destinationsPath(p.Tenant())
	page.Lead = "What is queued goes where the destination points to by then."
	if e.Kind == tenants.SlackHook {
		page.Reach[0].Optional, page.Reach[0].Help = true, "It is kept sealed and not shown: "+e.URL+" Leave it empty to keep it."
	}
	if e.Kind == tenants.Webhook && strings.Contains(e.URL, "?") {
		page.Reach[0].Help = "What stands behind ? is kept sealed and not shown. Leave the address as it is to keep it."
	}
	return w.render(out, r, statusOf(page.Problems), views.DestinationFormPage(page))
}

func (w *Web) changeDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	name, address, to := form.Get("name"), form.Get("url"), recipients(form.Get("to"))
	change := tenants.DestinationChange{Name: &name, URL: &address, To: &to}
	if d.Kind == tenants.SlackHook && address == "" {
		change.URL = nil
	}
	changed, err := w.o.Tenants.ChangeDestination(r.Context(), w.actor(r, p), p.Tenant(), d.ID, change)
	if problem, ok := fault(err); ok {
		page := destinationForm(d.Kind, form)
		blameReach(&page, problem)
		return w.renderEditDestination(out, r, p, editing{d, page})
	}
	if err != nil {
		return err
	}
	w.done(out, r, changed.Name+" saved.")
	return see(out, r, destinationPath(changed))
}
