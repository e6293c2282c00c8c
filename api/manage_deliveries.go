package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"longwave/processors/forward"
	"longwave/processors/forward/reach"
	"longwave/tenants"
)

type (
	testDestinationOut struct {
		Body struct {
			Delivered bool              `json:"delivered" example:"true"`
			Status    int               `json:"status,omitempty" doc:"What was answered: a status of HTTP, or a reply code of a mail server" example:"200"`
			TookMS    int64             `json:"took_ms" example:"84"`
			Headers   map[string]string `json:"headers,omitempty" doc:"Of the answer" example:"{\"Content-Type\":\"text/plain\"}"`
			Answer    string            `json:"answer" doc:"At most 64 KiB of the body of the answer" example:"ok"`
			Cause     string            `json:"cause,omitempty" doc:"Why it was not delivered, in one stable word" example:"address_refused"`
			Detail    string            `json:"detail,omitempty" doc:"The same in a sentence"`
		}
	}
	attemptsIn struct {
		call
		DestinationPath
		Limit int `query:"limit" doc:"How many at most" minimum:"1" maximum:"500" default:"50"`
	}
	attemptsOut struct {
		Body struct {
			Items []attemptBody `json:"items" doc:"Newest first. Of many in a second some are left out"`
		}
	}
	attemptBody struct {
		ID        string          `json:"id" doc:"For sending its message again; empty when that is not kept" example:"1042"`
		At        time.Time       `json:"at"`
		Outcome   string          `json:"outcome" doc:"delivered, failed (it is tried again), undelivered (it is on the work list) or discarded (never queued)" example:"delivered"`
		Message   string          `json:"message,omitempty" doc:"The webhook-id, the same in every attempt" example:"msg_0123456789abcdef"`
		Type      string          `json:"type,omitempty" example:"telemetry.packet"`
		Tries     uint64          `json:"tries,omitempty" doc:"Attempts so far" example:"1"`
		Status    int             `json:"status,omitempty" example:"200"`
		TookMS    int64           `json:"took_ms" example:"84"`
		Cause     string          `json:"cause,omitempty" example:"timeout"`
		Detail    string          `json:"detail,omitempty"`
		Answer    string          `json:"answer,omitempty" doc:"The beginning of the body of the answer"`
		Next      *time.Time      `json:"next,omitempty" doc:"When it is tried again"`
		OpenUntil *time.Time      `json:"open_until,omitempty" doc:"The circuit is open until then"`
		Count     int             `json:"count,omitempty" doc:"How many were discarded"`
		Body      json.RawMessage `json:"body,omitempty" doc:"What was sent; missing when it is large"`
	}
	resendIn struct {
		call
		DestinationPath
		Attempt string `path:"attempt" doc:"Id of the attempt" example:"1042"`
	}
	undeliveredOut struct {
		Body struct {
			Groups []undeliveredBody `json:"groups" doc:"By cause, the largest first"`
		}
	}
	undeliveredBody struct {
		Cause   string            `json:"cause" example:"answer_404"`
		Detail  string            `json:"detail"`
		Count   int               `json:"count" example:"412"`
		First   time.Time         `json:"first"`
		Last    time.Time         `json:"last"`
		Samples []json.RawMessage `json:"samples" doc:"The newest messages"`
	}
	redriveIn struct {
		call
		DestinationPath
		Body *struct {
			Cause string `json:"cause,omitempty" doc:"Only what failed for this; everything when missing" example:"answer_404"`
		} `required:"false"`
	}
	redriveOut struct {
		Body struct {
			Moved int `json:"moved" doc:"Messages that are queued again" example:"412"`
			Left  int `json:"left" doc:"Messages of the cause that are still on the list: ask again" example:"0"`
		}
	}
)

// mountDeliveries is what concerns the messages of one destination.
func (m *management) mountDeliveries(one string) {
	register(m, describe(http.MethodPost, one+"/test", "test-destination", "Send a test at once, and see the whole answer", tenants.EditDestinations), m.testDestination)
	register(m, describe(http.MethodGet, one+"/attempts", "list-attempts", "What was tried, and what came of it", tenants.View), m.listAttempts)
	resend := describe(http.MethodPost, one+"/attempts/{attempt}/resend", "resend", "Send the message of an attempt again", tenants.EditDestinations)
	resend.DefaultStatus = http.StatusNoContent
	register(m, resend, m.resend)
	register(m, describe(http.MethodGet, one+"/undelivered", "list-undelivered", "What could not be delivered, by cause", tenants.View), m.listUndelivered)
	register(m, describe(http.MethodPost, one+"/redrive", "redrive", "Queue again what could not be delivered", tenants.EditDestinations), m.redrive)
}

func (m *management) testDestination(ctx context.Context, who visitor, in *oneDestinationIn) (*testDestinationOut, error) {
	d, err := m.destinationOf(who, in.Destination)
	if err != nil {
		return nil, err
	}
	answer, err := m.api.destinations.Test(ctx, who.tenant, d.ID, "an API key")
	var failed *reach.Error
	if err != nil && !errors.As(err, &failed) {
		return nil, err
	}
	out := &testDestinationOut{}
	out.Body.Delivered, out.Body.Status, out.Body.TookMS, out.Body.Answer = err == nil, answer.Status, answer.Took.Milliseconds(), answer.Body
	out.Body.Headers = map[string]string{}
	for name := range answer.Header {
		out.Body.Headers[name] = answer.Header.Get(name)
	}
	if failed != nil {
		out.Body.Cause, out.Body.Detail = failed.Cause, failed.Err.Error()
	}
	return out, nil
}

func (m *management) listAttempts(ctx context.Context, who visitor, in *attemptsIn) (*attemptsOut, error) {
	d, err := m.destinationOf(who, in.Destination)
	if err != nil {
		return nil, err
	}
	list, err := m.api.destinations.Attempts(ctx, who.tenant, d.ID, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &attemptsOut{}
	out.Body.Items = make([]attemptBody, len(list))
	for i, a := range list {
		out.Body.Items[i] = bodyOfAttempt(a)
	}
	return out, nil
}

func bodyOfAttempt(a forward.Attempt) attemptBody {
	body := attemptBody{
		At: a.At, Outcome: string(a.Outcome), Message: a.Message, Type: a.Type, Tries: a.Tries, Status: a.Status, TookMS: a.Took.Milliseconds(),
		Cause: a.Cause, Detail: a.Detail, Answer: a.Answer, Next: a.Next, OpenUntil: a.OpenUntil, Count: a.Count, Body: a.Body,
	}
	if len(a.Body) > 0 {
		body.ID = strconv.FormatUint(a.Place, 10)
	}
	return body
}

func (m *management) resend(ctx context.Context, who visitor, in *resendIn) (*struct{}, error) {
	d, err := m.destinationOf(who, in.Destination)
	if err != nil {
		return nil, err
	}
	place, err := strconv.ParseUint(in.Attempt, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("attempt: %w", tenants.ErrNotFound)
	}
	return nil, m.api.destinations.Resend(ctx, who.tenant, d.ID, place)
}

func (m *management) listUndelivered(ctx context.Context, who visitor, in *oneDestinationIn) (*undeliveredOut, error) {
	d, err := m.destinationOf(who, in.Destination)
	if err != nil {
		return nil, err
	}
	groups, err := m.api.destinations.Undelivered(ctx, who.tenant, d.ID)
	if err != nil {
		return nil, err
	}
	out := &undeliveredOut{}
	out.Body.Groups = make([]undeliveredBody, len(groups))
	for i, g := range groups {
		body := undeliveredBody{Cause: g.Cause, Detail: g.Detail, Count: g.Count, First: g.First, Last: g.Last, Samples: []json.RawMessage{}}
		for _, s := range g.Samples {
			if text, err := json.Marshal(s.Message); err == nil {
				body.Samples = append(body.Samples, text)
			}
		}
		out.Body.Groups[i] = body
	}
	return out, nil
}

func (m *management) redrive(ctx context.Context, who visitor, in *redriveIn) (*redriveOut, error) {
	d, err := m.destinationOf(who, in.Destination)
	if err != nil {
		return nil, err
	}
	cause := ""
	if in.Body != nil {
		cause = in.Body.Cause
	}
	done, err := m.api.destinations.Redrive(ctx, who.tenant, d.ID, cause)
	if err != nil {
		return nil, err
	}
	out := &redriveOut{}
	out.Body.Moved, out.Body.Left = done.Moved, done.Left
	return out, nil
}
