package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/forward"
	"longwave/processors/forward/reach"
	"longwave/tenants"
	"longwave/tenants/id"
)

// Deliverer is what the API needs of package forward.
type Deliverer interface {
	States(context.Context, id.Tenant) (map[id.Destination]forward.State, error)
	Test(ctx context.Context, t id.Tenant, d id.Destination, by string) (reach.Answer, error)
	Attempts(ctx context.Context, t id.Tenant, d id.Destination, limit int) ([]forward.Attempt, error)
	Resend(ctx context.Context, t id.Tenant, d id.Destination, place uint64) error
	Undelivered(context.Context, id.Tenant, id.Destination) ([]forward.Group, error)
	Redrive(ctx context.Context, t id.Tenant, d id.Destination, cause string) (forward.Redriven, error)
}

// DestinationBody is a destination as scripts see it. It is exported because huma passes over embedded types that are not.
type DestinationBody struct {
	ID       string            `json:"id" doc:"Unique within the installation" example:"o-7k3m9c2p5v8x1z4b"`
	Name     string            `json:"name" example:"Ops webhook"`
	Kind     string            `json:"kind" doc:"webhook, email, slack or nats" example:"webhook"`
	URL      string            `json:"url,omitempty" doc:"Of a webhook; of a Slack webhook without the part that is secret" example:"https://hooks.example/ops"`
	To       []string          `json:"to,omitempty" doc:"E-mail addresses" example:"[\"night@example.org\"]"`
	Subject  string            `json:"subject" doc:"The NATS subject that its messages wait on; it stays when the name changes" example:"out.t-7k3m9c2p5v8x1z4b.ops-webhook"`
	Disabled bool              `json:"disabled" doc:"Nothing new is queued for a disabled destination, and its queue waits"`
	Created  time.Time         `json:"created"`
	State    *destinationState `json:"state,omitempty" doc:"How it is doing; missing right after it was made"`
}

type destinationState struct {
	Condition   string     `json:"condition" doc:"ok, untried, failing, open (so many attempts failed that they are made from time to time only) or disabled" example:"ok"`
	Queued      uint64     `json:"queued" doc:"Messages that wait" example:"0"`
	Oldest      *time.Time `json:"oldest,omitempty" doc:"When the oldest of them was queued"`
	Undelivered uint64     `json:"undelivered" doc:"Messages on the work list"`
	LastSuccess *time.Time `json:"last_success,omitempty"`
	LastFailure *time.Time `json:"last_failure,omitempty"`
	Cause       string     `json:"cause,omitempty" doc:"Of the last failure" example:"answer_500"`
	LastDiscard *time.Time `json:"last_discard,omitempty" doc:"When a message was last not queued because there was no room"`
}

type newDestinationBody struct {
	DestinationBody
	Secret string `json:"secret,omitempty" doc:"What the requests of a webhook are signed with, as Standard Webhooks says. Shown this once and never again" example:"whsec_…"`
}

// DestinationPath is the part of an address that names a destination. It is exported because huma looks at nothing else.
type DestinationPath struct {
	Destination string `path:"destination" doc:"Id of the destination" example:"o-7k3m9c2p5v8x1z4b"`
}

type (
	createDestinationIn struct {
		call
		Body struct {
			Name string   `json:"name" doc:"Unique in the tenant, 1 to 100 characters" minLength:"1" example:"Ops webhook"`
			Kind string   `json:"kind" doc:"How it is reached" enum:"webhook,email,slack,nats" example:"webhook"`
			URL  string   `json:"url,omitempty" doc:"For webhook and slack: https://…" example:"https://hooks.example/ops"`
			To   []string `json:"to,omitempty" doc:"For email: 1 to 20 addresses" example:"[\"night@example.org\"]"`
		}
	}
	createDestinationOut struct {
		Location string `header:"Location"`
		Body     newDestinationBody
	}
	listDestinationsIn  struct{ call }
	listDestinationsOut struct {
		Body struct {
			Items []DestinationBody `json:"items" doc:"By name"`
		}
	}
	oneDestinationIn struct {
		call
		DestinationPath
	}
	oneDestinationOut   struct{ Body DestinationBody }
	changeDestinationIn struct {
		call
		DestinationPath
		Body struct {
			Name     *string   `json:"name,omitempty" doc:"The new name" minLength:"1" example:"Operations"`
			URL      *string   `json:"url,omitempty" doc:"The new address" example:"https://hooks.example/operations"`
			To       *[]string `json:"to,omitempty" doc:"All addresses" example:"[\"day@example.org\"]"`
			Disabled *bool     `json:"disabled,omitempty" doc:"Whether nothing is sent to it" example:"true"`
		} `contentType:"application/merge-patch+json"`
	}
	replaceSecretOut struct {
		Body struct {
			Secret string `json:"secret" doc:"Shown this once and never again. The one before goes on signing beside it for a day" example:"whsec_…"`
		}
	}
)

func (m *management) mountDestinations() {
	create := describe(http.MethodPost, "/destinations", "create-destination", "Make a destination", tenants.EditDestinations)
	create.DefaultStatus = http.StatusCreated
	const one = "/destinations/{destination}"
	register(m, create, m.createDestination)
	register(m, describe(http.MethodGet, "/destinations", "list-destinations", "List destinations by name, and how they are doing", tenants.View), m.listDestinations)
	register(m, describe(http.MethodGet, one, "get-destination", "Look at a destination", tenants.View), m.getDestination)
	register(m, describe(http.MethodPatch, one, "change-destination", "Change a destination", tenants.EditDestinations), m.changeDestination)
	register(m, describe(http.MethodDelete, one, "delete-destination", "Delete a destination and what is queued for it", tenants.EditDestinations), m.deleteDestination)
	register(m, describe(http.MethodPost, one+"/secret", "replace-destination-secret", "Replace the secret that a webhook is signed with", tenants.EditDestinations), m.replaceSecret)
	m.mountDeliveries(one)
}

// destinationOf finds a destination of the visitor's tenant. One of another tenant, one that never was, and text that is no
// id at all give the same tenants.ErrNotFound.
func (m *management) destinationOf(who visitor, text string) (tenants.Destination, error) {
	d, err := id.Parse[id.Destination](text)
	if err != nil {
		return tenants.Destination{}, fmt.Errorf("destination: %w", tenants.ErrNotFound)
	}
	found, ok := m.api.tenants.State().Destination(who.tenant, d)
	if !ok {
		return tenants.Destination{}, fmt.Errorf("destination: %w", tenants.ErrNotFound)
	}
	return found, nil
}

func (m *management) createDestination(ctx context.Context, who visitor, in *createDestinationIn) (*createDestinationOut, error) {
	kind, err := tenants.ParseDestinationKind(in.Body.Kind)
	if err != nil {
		return nil, err
	}
	made, secret, err := m.api.tenants.CreateDestination(ctx, who.actor, who.tenant, tenants.NewDestination{
		Name: in.Body.Name, Kind: kind, URL: in.Body.URL, To: in.Body.To,
	})
	if err != nil {
		return nil, err
	}
	return &createDestinationOut{
		Location: managePrefix + "/destinations/" + string(made.ID),
		Body:     newDestinationBody{DestinationBody: destinationBody(made, nil), Secret: secret},
	}, nil
}

func (m *management) listDestinations(ctx context.Context, who visitor, _ *listDestinationsIn) (*listDestinationsOut, error) {
	list := m.api.tenants.State().Destinations(who.tenant)
	states, err := m.api.destinations.States(ctx, who.tenant)
	if err != nil {
		return nil, err
	}
	out := &listDestinationsOut{}
	out.Body.Items = make([]DestinationBody, len(list))
	for i, d := range list {
		out.Body.Items[i] = destinationBody(d, stateBody(states, d.ID))
	}
	return out, nil
}

func (m *management) getDestination(ctx context.Context, who visitor, in *oneDestinationIn) (*oneDestinationOut, error) {
	d, err := m.destinationOf(who, in.Destination)
	if err != nil {
		return nil, err
	}
	states, err := m.api.destinations.States(ctx, who.tenant)
	if err != nil {
		return nil, err
	}
	return &oneDestinationOut{Body: destinationBody(d, stateBody(states, d.ID))}, nil
}

// changeDestination makes all changes that are asked for, or none.
func (m *management) changeDestination(ctx context.Context, who visitor, in *changeDestinationIn) (*oneDestinationOut, error) {
	d, err := m.destinationOf(who, in.Destination)
	if err != nil {
		return nil, err
	}
	d, err = m.api.tenants.ChangeDestination(ctx, who.actor, who.tenant, d.ID, tenants.DestinationChange{
		Name: in.Body.Name, URL: in.Body.URL, To: in.Body.To, Disabled: in.Body.Disabled,
	})
	if err != nil {
		return nil, err
	}
	return &oneDestinationOut{Body: destinationBody(d, nil)}, nil
}

func (m *management) deleteDestination(ctx context.Context, who visitor, in *oneDestinationIn) (*struct{}, error) {
	d, err := m.destinationOf(who, in.Destination)
	if err == nil {
		err = m.api.tenants.DeleteDestination(ctx, who.actor, who.tenant, d.ID)
	}
	return nil, err
}

func (m *management) replaceSecret(ctx context.Context, who visitor, in *oneDestinationIn) (*replaceSecretOut, error) {
	d, err := m.destinationOf(who, in.Destination)
	if err != nil {
		return nil, err
	}
	secret, err := m.api.tenants.ReplaceDestinationSecret(ctx, who.actor, who.tenant, d.ID)
	if err != nil {
		return nil, err
	}
	out := &replaceSecretOut{}
	out.Body.Secret = secret
	return out, nil
}

func destinationBody(d tenants.Destination, state *destinationState) DestinationBody {
	return DestinationBody{
		ID: string(d.ID), Name: d.Name, Kind: d.Kind.String(), URL: d.URL, To: d.To, Subject: telemetry.OutSubject(d.Tenant, d.Slug),
		Disabled: d.Disabled, Created: d.Created.UTC(), State: state,
	}
}

func stateBody(states map[id.Destination]forward.State, d id.Destination) *destinationState {
	s, ok := states[d]
	if !ok {
		return nil
	}
	body := &destinationState{Condition: string(s.Condition), Queued: s.Queued, Undelivered: s.Undelivered}
	if !s.Oldest.IsZero() {
		body.Oldest = &s.Oldest
	}
	if s.Success != nil {
		body.LastSuccess = &s.Success.At
	}
	if s.Failure != nil {
		body.LastFailure, body.Cause = &s.Failure.At, s.Failure.Cause
	}
	if s.Discard != nil {
		body.LastDiscard = &s.Discard.At
	}
	return body
}
