package reach

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"longwave/processors/forward/outbound"
)

// Timeout is how long one attempt may take: long enough for a receiver that stores before it answers, short enough that
// one that hangs holds a place for seconds only.
const Timeout = 10 * time.Second

// Kind says how a target is reached.
type Kind uint8

// The kinds of targets.
const (
	Webhook Kind = iota
	Slack
	Email
)

// Target is where one attempt goes, with its secrets. Nothing may log or store it.
type Target struct {
	Kind Kind
	URL  string   // of a webhook of either kind
	Keys [][]byte // each signs the request of a webhook
	To   []string // of an e-mail
}

// String leaves everything out.
func (Target) String() string { return "(target)" }

// GoString leaves everything out.
func (Target) GoString() string { return "(target)" }

// Message is what is handed over.
type Message struct {
	ID    string    // the same in every attempt: the receiver knows a repetition by it
	At    time.Time // when it was made
	Title string    // one line
	Text  string    // for people
	Body  []byte    // JSON, for programs
}

// Answer is what the other side said.
type Answer struct {
	Status int         // of HTTP, or the reply code of a mail server; 0 if there was none
	Header http.Header // of HTTP
	Body   string      // at most 64 KiB
	Took   time.Duration
}

// Options are what a Reacher needs.
type Options struct {
	Guard *outbound.Guard // required
	SMTP  *SMTP           // nil when the operator has set up no mail server
	Agent string          // the name that requests carry
	TLS   *tls.Config     // nil for the system's roots
	Now   func() time.Time
}

// Reacher makes attempts. Make it with New.
type Reacher struct {
	client *http.Client
	mail   *SMTP
	agent  string
	now    func() time.Time
}

// New makes a Reacher. It returns an error when the guard is missing.
func New(o Options) (*Reacher, error) {
	if o.Guard == nil {
		return nil, errors.New("reach: Guard is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	client := &http.Client{
		Transport:     o.Guard.Transport(o.TLS),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Reacher{client: client, mail: o.SMTP, agent: o.Agent, now: o.Now}, nil
}

// Close closes the connections that wait for another request.
func (r *Reacher) Close() { r.client.CloseIdleConnections() }

// Reach makes one attempt. The error is an *Error, or the context's when that ended first.
func (r *Reacher) Reach(ctx context.Context, to Target, m Message) (Answer, error) {
	attempt, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	begun := time.Now()
	answer, err := r.attempt(attempt, to, m)
	answer.Took = time.Since(begun)
	if err != nil && ctx.Err() != nil {
		return answer, ctx.Err()
	}
	return answer, err
}

func (r *Reacher) attempt(ctx context.Context, to Target, m Message) (Answer, error) {
	switch to.Kind {
	case Webhook:
		return r.webhook(ctx, to, m)
	case Slack:
		return r.slack(ctx, to, m)
	default:
		return r.email(ctx, to, m)
	}
}

// Error says why an attempt failed.
type Error struct {
	Cause string        // stable: "timeout", "answer_500", "mail_550"
	Final bool          // the same message would be refused again
	After time.Duration // how long the other side asked to wait; 0 if it did not
	Err   error
}

// Error is the cause with what happened.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Cause, e.Err) }

// Unwrap is what happened.
func (e *Error) Unwrap() error { return e.Err }

// withoutURL takes the address, which may be a secret, out of an error of the HTTP client.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
