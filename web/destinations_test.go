package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/processors/forward"
	"longwave/processors/forward/reach"
	"longwave/tenants"
	"longwave/tenants/id"
)

// deliverer answers what a test tells it to.
type deliverer struct {
	states   map[id.Destination]forward.State
	attempts []forward.Attempt
	groups   []forward.Group
	answer   reach.Answer
	err      error
	redriven string
	resent   uint64
}

func (d *deliverer) States(context.Context, id.Tenant) (map[id.Destination]forward.State, error) {
	if errors.Is(d.err, forward.ErrUnavailable) {
		return nil, d.err
	}
	return d.states, nil
}

func (d *deliverer) Test(context.Context, id.Tenant, id.Destination, string) (reach.Answer, error) {
	return d.answer, d.err
}

func (d *deliverer) Attempts(context.Context, id.Tenant, id.Destination, int) ([]forward.Attempt, error) {
	return d.attempts, nil
}

func (d *deliverer) Resend(_ context.Context, _ id.Tenant, _ id.Destination, place uint64) error {
	d.resent = place
	return d.err
}

func (d *deliverer) Undelivered(context.Context, id.Tenant, id.Destination) ([]forward.Group, error) {
	return d.groups, nil
}

func (d *deliverer) Redrive(_ context.Context, _ id.Tenant, _ id.Destination, cause string) (forward.Redriven, error) {
	d.redriven = cause
	return forward.Redriven{Moved: 412}, d.err
}

// destination makes a webhook of the first tenant.
func (s *site) destination(name string) tenants.Destination {
	s.t.Helper()
	made, _, err := s.tenants.CreateDestination(s.t.Context(), tenants.Actor{System: "test"}, s.claimed.Tenant.ID, tenants.NewDestination{
		Name: name, Kind: tenants.Webhook, URL: "https://hooks.example/" + name + "?token=hidden",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// busy gives a destination a past with everything that a page can show.
func (s *site) busy(d tenants.Destination) {
	now := time.Now()
	next := now.Add(time.Minute)
	bad := forward.Attempt{Place: 9, At: now.Add(-time.Minute), Message: "msg_5f0c1d2e3a4b", Outcome: forward.Failed, Tries: 3, Status: 500, Took: 84 * time.Millisecond, Cause: "answer_500", Detail: "it answered 500", Answer: "no space left", Next: &next, Body: []byte(`{"id":"msg_5f0c1d2e3a4b"}`)}
	good := forward.Attempt{Place: 8, At: now.Add(-time.Hour), Message: "msg_0", Outcome: forward.Delivered, Status: 200, Took: 12 * time.Millisecond, Body: []byte(`{"id":"msg_0"}`)}
	s.deliver.attempts = []forward.Attempt{bad, {At: now.Add(-2 * time.Minute), Outcome: forward.Undelivered, Status: 404, Cause: "answer_404", Message: "msg_7"}, {At: now.Add(-3 * time.Minute), Outcome: forward.Discarded, Cause: "queue_full", Count: 17}, good}
	s.deliver.states = map[id.Destination]forward.State{d.ID: {
		Condition: forward.Broken, Queued: 1204, Oldest: now.Add(-time.Hour), Undelivered: 412, Success: &good, Failure: &bad,
		Discard: &forward.Attempt{At: now.Add(-3 * time.Minute), Count: 17},
	}}
	s.deliver.groups = []forward.Group{{
		Cause: "answer_404", Detail: "it answered 404 Not Found", Count: 412, First: now.Add(-time.Hour), Last: now.Add(-2 * time.Minute),
		Samples: []forward.Sample{{Message: forward.Message{At: now, Text: "pump-7: temp 21.5, state idle"}}},
	}}
}

func TestADestinationIsCreatedTestedAndDeleted(t *testing.T) {
	s := start(t)
	b := s.owner()
	list := destinationsPath(s.claimed.Tenant.ID)
	if got := b.get(list); got.status != http.StatusOK || !strings.Contains(got.page.text("main"), "No destinations yet") {
		t.Errorf("%d %s", got.status, got.page.text("main"))
	}
	if got := b.get(list + "/new?kind=email"); !got.page.has("#to") || got.page.has("#url") {
		t.Error("the form of an e-mail destination asks for something else")
	}
	wrong := b.post(list, url.Values{"name": {"Ops"}, "kind": {"webhook"}, "url": {"http://hooks.example/"}})
	if wrong.status != http.StatusUnprocessableEntity || !wrong.page.has("#url[aria-invalid]") {
		t.Errorf("plain HTTP answers %d", wrong.status)
	}
	made := b.follow(b.post(list, url.Values{"name": {"Ops"}, "kind": {"webhook"}, "url": {"https://hooks.example/ops"}}))
	if !strings.HasPrefix(made.page.text("#signing-secret"), "whsec_") {
		t.Fatalf("no secret is shown: %s", made.page.text("main"))
	}
	d := s.tenants.State().Destinations(s.claimed.Tenant.ID)[0]
	if again := b.get(destinationPath(d)); again.page.has("#signing-secret") {
		t.Error("the secret is shown twice")
	}
	s.deliver.answer, s.deliver.err = reach.Answer{Status: 418, Body: "<b>short</b> and stout", Header: http.Header{"X-Tea": {"yes"}}}, &reach.Error{Cause: "answer_418", Err: errors.New("it answered 418")}
	got := b.post(destinationPath(d)+"/test", url.Values{})
	for _, want := range []string{"418", "<b>short</b> and stout", "X-Tea: yes", "answer_418"} {
		if !strings.Contains(got.page.text("#answer"), want) {
			t.Errorf("a test does not show %q: %s", want, got.page.text("#answer"))
		}
	}
	s.deliver.err = nil
	b.follow(b.post(destinationPath(d)+"/switch", url.Values{}))
	if now, _ := s.tenants.State().Destination(d.Tenant, d.ID); !now.Disabled {
		t.Error("it is not disabled")
	}
	b.follow(b.post(destinationPath(d)+"/change", url.Values{"name": {"Operations"}, "url": {"https://hooks.example/two"}}))
	if now, _ := s.tenants.State().Destination(d.Tenant, d.ID); now.Name != "Operations" || now.URL != "https://hooks.example/two" {
		t.Errorf("%+v", now)
	}
	if asked := b.get(destinationPath(d) + "/delete"); !strings.Contains(asked.page.text("main"), "cannot be undone") {
		t.Errorf("%s", asked.page.text("main"))
	}
	b.follow(b.post(destinationPath(d)+"/delete", url.Values{}))
	if len(s.tenants.State().Destinations(d.Tenant)) != 0 {
		t.Error("it is not deleted")
	}
}

func TestADestinationInTroubleSaysSo(t *testing.T) {
	s := start(t)
	b := s.owner()
	d := s.destination("ops")
	s.busy(d)
	list := b.get(destinationsPath(d.Tenant)).page.text("#destinations")
	for _, want := range []string{"Circuit open", "1,204", "412", "hooks.example/ops?…"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list does not say %q: %s", want, list)
		}
	}
	page := b.get(destinationPath(d))
	for _, want := range []string{"from time to time only", "it answered 500 Internal Server Error", "17 messages were not queued", "Send these 412 again", "pump-7: temp 21.5", "(attempt 3)", "Delivered"} {
		if !strings.Contains(page.page.text("main"), want) {
			t.Errorf("the page does not say %q: %s", want, page.page.text("main"))
		}
	}
	if strings.Contains(page.body+list, "hidden") && strings.Contains(page.page.text("main"), "token=hidden") {
		t.Error("the query of the address is shown")
	}
	b.follow(b.post(destinationPath(d)+"/redrive", url.Values{"cause": {"answer_404"}}))
	b.follow(b.post(destinationPath(d)+"/attempts/9/resend", url.Values{}))
	if s.deliver.redriven != "answer_404" || s.deliver.resent != 9 {
		t.Errorf("re-driven %q, sent again %d", s.deliver.redriven, s.deliver.resent)
	}
	s.deliver.err = forward.ErrUnavailable
	if got := b.get(destinationsPath(d.Tenant)); got.status != http.StatusOK || !strings.Contains(got.page.text("main"), "not known at the moment") || !strings.Contains(got.page.text("#destinations"), "Unknown") {
		t.Errorf("without the queue: %d %s", got.status, got.page.text("main"))
	}
}

func TestEveryCauseHasWords(t *testing.T) {
	for cause, want := range map[string]string{
		"answer_404": "it answered 404 Not Found", "mail_550": "the mail server answered 550", "mail_timeout": "the mail server: no answer within 10 s",
		"mail_not_set_up": "the operator has set up no mail server", "address_refused": "the address is not public", "something_new": "something new",
	} {
		if got := causeWords(cause); got != want {
			t.Errorf("%s: %s, want %s", cause, got, want)
		}
	}
}
