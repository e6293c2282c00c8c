package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"longwave/processors/replay"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// Jobs starts, lists and cancels work on packets that are here already.
type Jobs interface {
	Start(context.Context, tenants.Actor, id.Tenant, replay.Order) (replay.Job, error)
	Cancel(context.Context, id.Tenant, id.Job) (replay.Job, error)
	Jobs(context.Context, id.Tenant) ([]replay.Job, error)
	Job(ctx context.Context, t id.Tenant, job string) (replay.Job, error)
}

// confirmFrom is how many packets a dismissal must be about for a text to have to be typed.
const confirmFrom = 20

// showRedrive tries what the filter selects and says what it would come to.
func (w *Web) showRedrive(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderRedrive(out, r, p, r.URL.Query(), nil)
}

func (w *Web) renderRedrive(out http.ResponseWriter, r *http.Request, p tenants.Principal, form url.Values, problems []views.Problem) error {
	q, err := workQueryOf(form, w.o.Now())
	if err != nil {
		return err
	}
	trial, err := w.o.WorkList.Try(r.Context(), p.Tenant(), q.filter)
	if err != nil {
		return err
	}
	packets := count(uint64(trial.Packets), "packet", "packets")
	page := views.Redrive{
		Heading: "Re-drive " + packets, Submit: "Re-drive these " + grouped(uint64(trial.Packets)), Can: trial.Accepted > 0,
		Action: rejectedPath(p.Tenant()) + "/redrive", Cancel: q.address(rejectedPath(p.Tenant()), "cause"), Of: w.filterFacts(q, p),
		Accepted: grouped(uint64(trial.Accepted)), Refused: grouped(uint64(trial.Refused)), Hidden: q.settled(trial.Through),
		Rate: views.Field{ID: "rate", Label: "Packets per second", Type: "text", Mode: "numeric", Autocomplete: "off", Optional: true, Value: form.Get("rate"),
			Help: "At most " + grouped(replay.MaxRedriveRate) + "; " + grouped(replay.DefaultRedriveRate) + " when left empty. The limits of the devices count these packets, too."},
	}
	look := workLook{state: w.o.Tenants.State(), tenant: p.Tenant(), now: w.o.Now()}
	for _, reason := range trial.Reasons {
		page.Reasons = append(page.Reasons, views.RedriveReason{Count: grouped(uint64(reason.Count)), Code: reason.Code, Detail: capital(reason.Detail),
			Sample: workSamples([]replay.Sample{reason.Sample}, look)[0]})
	}
	status := http.StatusOK
	if len(problems) > 0 {
		status, page.Problems = http.StatusUnprocessableEntity, blame(problems, &page.Rate)
	}
	page.Frame = w.frame(out, r, p, page.Heading)
	return w.render(out, r, status, views.RedrivePage(page))
}

// settled are the fields of a form that means exactly what its page was about: not what comes later, and not another
// stretch of time than a moment ago.
func (q workQuery) settled(through uint64) []views.Hidden {
	var list []views.Hidden
	for _, pair := range q.pairs() {
		if pair.Name != "range" && pair.Name != "by" {
			list = append(list, pair)
		}
	}
	if q.filter.From != 0 {
		list = append(list, views.Hidden{Name: "from", Value: strconv.FormatInt(int64(q.filter.From), 10)})
	}
	return append(list, views.Hidden{Name: "through", Value: strconv.FormatUint(through, 10)})
}

// filterFacts says which packets are meant.
func (w *Web) filterFacts(q workQuery, p tenants.Principal) []views.Fact {
	var list []views.Fact
	f := q.filter
	if f.Device != "" {
		name := "deleted"
		if d, ok := w.o.Tenants.State().Device(p.Tenant(), f.Device); ok {
			name = d.Name
		}
		list = append(list, views.Fact{Name: "Device", Value: name})
	}
	if f.Label != "" {
		list = append(list, views.Fact{Name: "Devices", Value: labelText(f.Label, f.Value)})
	}
	if f.Site != nil {
		list = append(list, views.Fact{Name: "Site", Value: namedText("site", *f.Site)})
	}
	if f.Profile != nil {
		list = append(list, views.Fact{Name: "Profile", Value: namedText("profile", *f.Profile)})
	}
	for _, fact := range []views.Fact{{Name: "Cause", Value: strings.TrimSpace(f.Cause)}, {Name: "Code", Value: f.Code}} {
		if fact.Value != "" {
			list = append(list, fact)
		}
	}
	if f.From != 0 {
		list = append(list, views.Fact{Name: "Rejected since", Value: f.From.Time().Format("2006-01-02 15:04:05 MST")})
	}
	return list
}

// parseWork reads a form about packets of the work list, and which they are.
func (w *Web) parseWork(out http.ResponseWriter, r *http.Request) (form url.Values, q workQuery, err error) {
	if form, err = parse(out, r); err == nil {
		q, err = workQueryOf(form, w.o.Now())
	}
	return form, q, err
}

func (w *Web) startRedrive(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, q, err := w.parseWork(out, r)
	if err != nil {
		return err
	}
	rate, problem := rateOf(form)
	if problem != nil {
		return w.renderRedrive(out, r, p, form, []views.Problem{*problem})
	}
	order := replay.Order{Kind: replay.Redrive, Filter: q.filter, Rate: rate}
	return w.startJob(out, r, p, order, func(problem views.Problem) error {
		return w.renderRedrive(out, r, p, form, []views.Problem{problem})
	})
}

func rateOf(form url.Values) (int, *views.Problem) {
	text := strings.ReplaceAll(strings.TrimSpace(form.Get("rate")), ",", "")
	if text == "" {
		return 0, nil
	}
	rate, err := strconv.Atoi(text)
	if err != nil || rate < 1 {
		return 0, &views.Problem{Field: "rate", Text: "is not a number of packets"}
	}
	return rate, nil
}

// startJob begins the job and leads to its page.
func (w *Web) startJob(out http.ResponseWriter, r *http.Request, p tenants.Principal, order replay.Order, wrong func(views.Problem) error) error {
	if person, ok := w.o.Tenants.State().Person(p.Person()); ok {
		order.By = person.Name
	}
	job, err := w.o.Jobs.Start(r.Context(), w.actor(r, p), p.Tenant(), order)
	if problem, ok := fault(err); ok {
		return wrong(problem)
	}
	if err != nil {
		return err
	}
	return see(out, r, jobPath(p.Tenant(), job.ID))
}

func (w *Web) showDismiss(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderDismiss(out, r, p, r.URL.Query(), false)
}

func (w *Web) renderDismiss(out http.ResponseWriter, r *http.Request, p tenants.Principal, form url.Values, wrong bool) error {
	q, err := workQueryOf(form, w.o.Now())
	if err != nil {
		return err
	}
	list, err := w.o.WorkList.Groups(r.Context(), p.Tenant(), q.filter, replay.ByCause)
	if err != nil {
		return err
	}
	packets := count(uint64(list.Packets), "packet", "packets")
	page := views.Dismiss{
		Heading: "Dismiss " + packets, Submit: "Dismiss these " + grouped(uint64(list.Packets)), Action: rejectedPath(p.Tenant()) + "/dismiss",
		Cancel: q.address(rejectedPath(p.Tenant()), "cause"), Of: w.filterFacts(q, p), Hidden: q.settled(list.Through), Confirm: dismissText(list.Packets),
		ConfirmAs: views.Field{ID: "confirm", Label: "Confirmation", Value: form.Get("confirm")},
		Lines: []string{"This removes " + packets + " with " + count(uint64(len(list.Groups)), "cause", "causes") +
			" from the work list, for good. They were never stored, so no reading is lost that anybody could see; they cannot be re-driven any more."},
	}
	status := http.StatusOK
	if wrong {
		status, page.ConfirmAs.Error = http.StatusUnprocessableEntity, "This is not the text that is asked for. Nothing was dismissed."
		page.Problems = []views.Problem{{Field: "confirm", Text: page.ConfirmAs.Error}}
	}
	page.Frame = w.frame(out, r, p, page.Heading)
	return w.render(out, r, status, views.DismissPage(page))
}

// dismissText is what must be typed to dismiss so many; nothing for few.
func dismissText(packets int) string {
	if packets < confirmFrom {
		return ""
	}
	return "dismiss " + count(uint64(packets), "packet", "packets")
}

// startDismiss counts again: what must be typed follows from what will be gone, whatever the form says.
func (w *Web) startDismiss(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, q, err := w.parseWork(out, r)
	if err != nil {
		return err
	}
	list, err := w.o.WorkList.Groups(r.Context(), p.Tenant(), q.filter, replay.ByCause)
	if err != nil {
		return err
	}
	if want := dismissText(list.Packets); want != "" && strings.TrimSpace(form.Get("confirm")) != want {
		return w.renderDismiss(out, r, p, form, true)
	}
	order := replay.Order{Kind: replay.Dismiss, Filter: q.filter, Rate: replay.MaxRedriveRate}
	return w.startJob(out, r, p, order, func(problem views.Problem) error { return badQuery(capital(problem.Text)) })
}
