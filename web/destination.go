package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"longwave/processors/forward"
	"longwave/processors/forward/reach"
	"longwave/tenants"
	"longwave/views"
)

// shownAttempts is how many attempts a page lists; a person looks through them.
const shownAttempts = 50

func (w *Web) showDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	return w.renderDestination(out, r, p, tried{Destination: d})
}

// tried is a destination, and what a test of it answered.
type tried struct {
	tenants.Destination
	answer *views.TestAnswer
}

func (w *Web) renderDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal, d tried) error {
	path := destinationPath(d.Destination)
	page := views.Destination{
		Frame: w.frame(out, r, p, d.Name), Name: d.Name, Kind: destinationWord(d.Kind), ListHref: destinationsPath(p.Tenant()), Answer: d.answer,
		CanEdit: p.May(tenants.EditDestinations) == nil, Signs: d.Kind == tenants.Webhook, Disabled: d.Disabled,
		TestAction: path + "/test", EditHref: path + "/edit", SwitchAction: path + "/switch", SwitchLabel: switchLabel(d.Disabled),
		SecretAction: path + "/secret", DeleteHref: path + "/delete", RedriveAction: path + "/redrive",
	}
	page.Past = w.pastOf(p, string(d.ID))
	page.Secret = w.handover.take(w.slot(r, string(d.ID)))
	now := w.o.Now()
	states, err := w.o.Destinations.States(r.Context(), p.Tenant())
	attempts, err2 := w.o.Destinations.Attempts(r.Context(), p.Tenant(), d.ID, shownAttempts)
	groups, err3 := w.o.Destinations.Undelivered(r.Context(), p.Tenant(), d.ID)
	failed := errors.Join(err, err2, err3)
	if failed != nil && !errors.Is(failed, forward.ErrUnknown) { // one that was made a moment ago has nothing yet
		w.o.Log.WarnContext(r.Context(), "the page of a destination is not whole", "tenant", p.Tenant(), "destination", d.ID, "error", failed)
		page.Warning = statesUnknown
	}
	row := destinationRow(d.Destination, states, err == nil, now)
	page.State, page.Story, page.Facts = row.State, storyOf(d.Destination, states[d.ID], now), destinationFacts(d.Destination, row)
	for _, a := range attempts {
		page.Attempts = append(page.Attempts, attemptRow(a, path, page.CanEdit && !d.Disabled, now))
	}
	for _, g := range groups {
		page.Undelivered = append(page.Undelivered, undeliveredGroup(g, now))
	}
	return w.render(out, r, http.StatusOK, views.DestinationPage(page))
}

func switchLabel(disabled bool) string {
	if disabled {
		return "Enable"
	}
	return "Disable"
}

func (w *Web) switchDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	off := !d.Disabled
	if _, err := w.o.Tenants.ChangeDestination(r.Context(), w.actor(r, p), p.Tenant(), d.ID, tenants.DestinationChange{Disabled: &off}); err != nil {
		return err
	}
	text := "Enabled. What is queued is being delivered."
	if off {
		text = "Disabled. Nothing new is queued until it is enabled again."
	}
	w.undoable(out, r, text, destinationPath(d)+"/switch")
	return see(out, r, destinationPath(d))
}

// testDestination shows the answer at once: it is of this moment, and a reload asks before it sends another test.
func (w *Web) testDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	by := "a member"
	if person, ok := w.o.Tenants.State().Person(p.Person()); ok {
		by = person.Name
	}
	answer, err := w.o.Destinations.Test(r.Context(), p.Tenant(), d.ID, by)
	var failed *reach.Error
	if err != nil && !errors.As(err, &failed) {
		return err
	}
	return w.renderDestination(out, r, p, tried{d, testAnswer(answer, failed)})
}

func testAnswer(answer reach.Answer, failed *reach.Error) *views.TestAnswer {
	page := &views.TestAnswer{Good: failed == nil, Summary: "The test was delivered", Body: answer.Body, Header: headerText(answer.Header)}
	if answer.Status > 0 {
		page.Facts = append(page.Facts, views.Fact{Name: "Answer", Value: strings.TrimSpace(strconv.Itoa(answer.Status) + " " + http.StatusText(answer.Status))})
	}
	page.Facts = append(page.Facts, views.Fact{Name: "Took", Value: strconv.FormatInt(answer.Took.Milliseconds(), 10) + " ms"})
	if failed != nil {
		page.Summary = "The test was not delivered: " + causeWords(failed.Cause)
		page.Hint = failed.Err.Error()
		page.Facts = append(page.Facts, views.Fact{Name: "Cause", Value: failed.Cause})
	}
	return page
}

func headerText(h http.Header) string {
	var lines []string
	for name, values := range h {
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (w *Web) replaceSecret(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	secret, err := w.o.Tenants.ReplaceDestinationSecret(r.Context(), w.actor(r, p), p.Tenant(), d.ID)
	if err != nil {
		return err
	}
	w.handover.put(w.slot(r, string(d.ID)), secret)
	w.done(out, r, "Signing secret replaced. The old one signs beside it for a day.")
	return see(out, r, destinationPath(d))
}

func (w *Web) redrive(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	done, err := w.o.Destinations.Redrive(r.Context(), p.Tenant(), d.ID, form.Get("cause"))
	if err != nil {
		return err
	}
	text := count(uint64(done.Moved), "message is", "messages are") + " queued again."
	if done.Left > 0 {
		text += " " + count(uint64(done.Left), "is", "are") + " left: press again."
	}
	w.done(out, r, text)
	return see(out, r, destinationPath(d))
}

func (w *Web) resend(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	place, err := strconv.ParseUint(chi.URLParam(r, "attempt"), 10, 64)
	if err != nil {
		return tenants.ErrNotFound
	}
	if err := w.o.Destinations.Resend(r.Context(), p.Tenant(), d.ID, place); err != nil {
		return err
	}
	w.done(out, r, "The message is queued again, under the same id.")
	return see(out, r, destinationPath(d))
}

// showDeleteDestination says what is gone with a destination before it is deleted.
func (w *Web) showDeleteDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	lines := []string{"Rules that forward to " + d.Name + " go on without it. Its delivery log and its work list are removed. This cannot be undone."}
	if states, err := w.o.Destinations.States(r.Context(), p.Tenant()); err == nil {
		s := states[d.ID]
		lines = append(lines, count(s.Queued, "message waits", "messages wait")+" in its queue and "+count(s.Undelivered, "message is", "messages are")+" on its work list; they will not be delivered.")
	}
	page := views.Confirm{
		Frame: w.frame(out, r, p, "Delete "+d.Name), Heading: "Delete " + d.Name, Action: destinationPath(d) + "/delete", Submit: "Delete destination",
		Cancel: destinationPath(d), Back: d.Name, Lines: lines,
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(page))
}

func (w *Web) deleteDestination(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	d, err := w.destination(r, p)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.DeleteDestination(r.Context(), w.actor(r, p), p.Tenant(), d.ID); err != nil {
		return err
	}
	w.done(out, r, d.Name+" deleted.")
	return see(out, r, destinationsPath(p.Tenant()))
}
