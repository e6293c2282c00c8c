package alert

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"longwave/tenants/id"
)

const (
	maxComment = 2000
	maxPerson  = 200
	// MaxSnooze bounds how long nobody is notified because one person wants it.
	MaxSnooze = 30 * 24 * time.Hour
)

// Doing is what a person does to an alert.
type Doing struct {
	Tenant id.Tenant
	Alert  id.Alert
	By     string // who, in words
}

// Acknowledge says that somebody takes care: nobody else is called any more. It returns ErrUnknown, ErrInvalid for a comment
// that is too long, and ErrUnavailable.
func (b *Book) Acknowledge(ctx context.Context, d Doing, comment string) error {
	return b.do(ctx, d, Entry{Kind: Acknowledged, Text: comment})
}

// Assign says who shall take care; empty for nobody. It returns what Acknowledge returns.
func (b *Book) Assign(ctx context.Context, d Doing, to string) error {
	return b.do(ctx, d, Entry{Kind: Assigned, To: to})
}

// Comment keeps what somebody says. It returns what Acknowledge returns.
func (b *Book) Comment(ctx context.Context, d Doing, text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%w: a comment must say something", ErrInvalid)
	}
	return b.do(ctx, d, Entry{Kind: Commented, Text: text})
}

// Snooze has nobody notified of the alert until a time, at most MaxSnooze away; one that is past ends it. It returns what
// Acknowledge returns.
func (b *Book) Snooze(ctx context.Context, d Doing, until time.Time) error {
	if until.Sub(b.o.Now()) > MaxSnooze {
		return fmt.Errorf("%w: at most %d days", ErrInvalid, MaxSnooze/(24*time.Hour))
	}
	until = until.UTC()
	return b.do(ctx, d, Entry{Kind: Snoozed, Until: &until})
}

// do writes what a person did, and returns when the Book knows it.
func (b *Book) do(ctx context.Context, d Doing, e Entry) error {
	if len(e.Text) > maxComment || len(e.To) > maxPerson || !utf8.ValidString(e.Text+e.To) {
		return fmt.Errorf("%w: at most %d bytes of text", ErrInvalid, maxComment)
	}
	if _, err := b.Alert(d.Tenant, d.Alert); err != nil {
		return err
	}
	return b.write(ctx, d, e)
}

// NoticeOf is a notice about one alert.
type NoticeOf struct {
	Alert  id.Alert
	Notice Notice
}

// Notify writes down whether people were notified of some alerts of a tenant, and returns when the Book knows it. It returns
// ErrUnavailable; some of the notices may stand in the log then.
func (b *Book) Notify(ctx context.Context, t id.Tenant, notices []NoticeOf) error {
	now, last := b.o.Now().UTC(), uint64(0)
	for len(notices) > 0 {
		some := notices[:min(len(notices), mostBatch)]
		notices = notices[len(some):]
		list := make([]*nats.Msg, len(some))
		for i := range some {
			e := Entry{Kind: Notified, At: now, Alert: some[i].Alert, Notice: &some[i].Notice}
			data, err := e.encode()
			if err != nil {
				return err
			}
			list[i] = newMsg(e.subject(t), data)
		}
		place, err := together(ctx, b.o.JS.Conn(), list)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		last = place
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return b.await(ctx, last)
}

// write puts an entry about an alert into the log, and returns when the Book knows it.
func (b *Book) write(ctx context.Context, d Doing, e Entry) error {
	e.At, e.Alert, e.By = b.o.Now().UTC(), d.Alert, d.By
	place, err := write(ctx, b.o.JS, d.Tenant, &e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return b.await(ctx, place)
}
