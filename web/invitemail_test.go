package web

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"longwave/processors/forward/reach"
	"longwave/tenants"
)

// posted is a mail that the pages wanted to send.
type posted struct {
	to      string
	message reach.Message
}

// mailing is a site with a mail server that answers with an error, or takes everything.
func mailing(t *testing.T, refuse error) (*site, *[]posted) {
	t.Helper()
	var sent []posted
	s := startMailing(t, func(_ context.Context, to string, m reach.Message) error {
		sent = append(sent, posted{to, m})
		return refuse
	})
	return s, &sent
}

func TestAnInvitationIsSentByMail(t *testing.T) {
	s, sent := mailing(t, nil)
	owner := s.owner()
	link := s.invited(owner, "bo@example.com", tenants.Viewer)
	if len(*sent) != 1 || (*sent)[0].to != "bo@example.com" || !strings.Contains((*sent)[0].message.Text, s.server.URL+link) || !strings.Contains((*sent)[0].message.Title, "North plant") {
		t.Fatalf("sent %+v", *sent)
	}
	s.invited(owner, "Bo of the night shift", tenants.Viewer)
	for _, odd := range []string{"Bo <bo@example.com>", "bo@example.com, cy@example.com", "a b@example.com"} {
		s.invited(owner, odd, tenants.Viewer)
	}
	if len(*sent) != 1 {
		t.Errorf("what is no plain address got a mail: %+v", (*sent)[1:])
	}
	for _, attack := range []string{"bo@example.com\r\nBcc: cy@example.com", "bo@example.com\n\nbody"} {
		owner.post(membersPath(s.claimed.Tenant.ID)+"/invites", url.Values{"for": {attack}, "role": {"viewer"}})
	}
	if len(*sent) != 1 {
		t.Errorf("a header was added: %+v", (*sent)[1:])
	}
	for range mailBurst + 5 {
		owner.post(membersPath(s.claimed.Tenant.ID)+"/invites", url.Values{"for": {"bo@example.com"}, "role": {"viewer"}})
	}
	if len(*sent) != mailBurst {
		t.Errorf("%d mails were sent", len(*sent))
	}
}

func TestAFailedMailIsShownAndTheLinkWorks(t *testing.T) {
	s, _ := mailing(t, &reach.Error{Cause: "mail_550"})
	owner := s.owner()
	page := owner.follow(owner.post(membersPath(s.claimed.Tenant.ID)+"/invites", url.Values{"for": {"bo@example.com"}, "role": {"viewer"}}))
	if text := page.page.text("main"); !strings.Contains(text, "could not be sent (mail_550)") {
		t.Errorf("the page says %s", text)
	}
	link := strings.TrimPrefix(page.page.text("#invite-link"), s.server.URL)
	if form := s.visitor().get(link); !strings.Contains(form.page.text("main"), "Join North plant") {
		t.Errorf("the link leads to %d", form.status)
	}
}
