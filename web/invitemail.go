package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	netmail "net/mail"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"longwave/processors/forward/reach"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// Whoever may invite could send mail to anybody: mailBurst invitations of a tenant in a row and one every mailEvery are sent,
// the others are handed over by hand.
const (
	mailBurst = 20
	mailEvery = 3 * time.Minute
)

// invitation is a link that was just made, and whom it is for in the words of who made it.
type invitation struct {
	tenant tenants.Tenant
	whom   string
	link   string
}

// forHelp says what happens to the link of an invitation.
func (w *Web) forHelp() string {
	if w.o.Mail == nil {
		return "Whom the link is meant for, so that you recognise it in the list. You send it yourself."
	}
	return "Whom the link is meant for. To an e-mail address it is sent at once; for a name, you send it yourself."
}

// mailInvite sends the link of an invitation that is for an e-mail address, and says what became of it. The link is shown in
// any case.
func (w *Web) mailInvite(out http.ResponseWriter, r *http.Request, p tenants.Principal, i invitation) {
	if w.o.Mail == nil || !plainAddress(i.whom) {
		return
	}
	if !w.mails.allow(i.tenant.ID, w.o.Now()) {
		w.flash(out, r, views.Flash{Failed: true, Text: "Too many invitations were sent by mail in a short time, so this one was not. The link below works: send it yourself."})
		return
	}
	person, _ := w.o.Tenants.State().Person(p.Person())
	message := reach.Message{
		ID: "invitation-" + rand.Text(), At: w.o.Now(), Title: "Invitation to " + i.tenant.Name,
		Text: person.Name + " invites you to " + i.tenant.Name + " on Longwave.\n\n" + i.link + "\n\nThe link works once, for seven days. If you do not know what this is about, ignore it.\n",
	}
	err := w.o.Mail(r.Context(), i.whom, message)
	if err == nil {
		w.done(out, r, "The link was sent to "+i.whom+".")
		return
	}
	w.o.Log.WarnContext(r.Context(), "an invitation could not be sent by mail", "tenant", i.tenant.ID, "error", err)
	cause := "the mail server did not answer"
	var failed *reach.Error
	if errors.As(err, &failed) {
		cause = failed.Cause
	}
	w.flash(out, r, views.Flash{Failed: true, Text: "The mail to " + i.whom + " could not be sent (" + cause + "). The link below works all the same: send it yourself."})
}

// plainAddress says whether a text is one e-mail address and nothing else.
func plainAddress(text string) bool {
	found, err := netmail.ParseAddress(text)
	return err == nil && found.Address == text
}

// mailBudget counts the invitations that a tenant sends by mail, in this process.
type mailBudget struct {
	mu  sync.Mutex
	all map[id.Tenant]*rate.Limiter // of tenants that exist, so there are no more of them
}

func newMailBudget() *mailBudget { return &mailBudget{all: map[id.Tenant]*rate.Limiter{}} }

func (b *mailBudget) allow(t id.Tenant, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	of, ok := b.all[t]
	if !ok {
		of = rate.NewLimiter(rate.Every(mailEvery), mailBurst)
		b.all[t] = of
	}
	return of.AllowN(now, 1)
}
