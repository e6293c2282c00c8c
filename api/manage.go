package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/web/handler"
)

// managePrefix is where the management API lives. It is not /api/v1: that address belongs to foreign device protocols.
const managePrefix = "/manage/v1"

// maxManageBody bounds what a script may send: the largest command is a dashboard as YAML, which needs more room than JSON.
const maxManageBody = 2 * dashboard.MaxBytes

// management is the part of the API that scripts use.
type management struct {
	api  *API
	huma huma.API
}

// mountManagement puts every address of the management API on a router that stands at managePrefix.
func (a *API) mountManagement(r chi.Router) {
	m := &management{api: a}
	r.Use(noStore)
	keyed := r.With(a.requireKey, a.plainQuery)
	m.huma = huma.NewAPI(manageConfig(a.version), routes{keyed})

	m.mountDevices()
	m.mountProofs()
	m.mountPeople()
	m.mountProviders()
	m.mountReadings()
	m.mountExports()
	m.mountEvents()
	m.mountDestinations()
	m.mountRules()
	m.mountAlertRules()
	m.mountAlerts()
	m.mountSilences()
	m.mountDashboards()
	m.mountWalls()
	m.mountRejected()
	m.mountReplays()
	m.mountTenants()
	documentPackets(m.huma.OpenAPI())
	exampleAlertRules(m.huma.OpenAPI())
	exampleDashboards(m.huma.OpenAPI())
	describeAnswers(m.huma.OpenAPI())
	r.Get("/openapi.json", a.adapter.Handle(m.description()))
	r.Get("/openapi.yaml", a.adapter.Handle(m.descriptionYAML()))
}

// routes puts huma's operations, which know their whole paths, on a router that stands at managePrefix.
type routes struct{ chi.Router }

// Handle adds one operation.
func (r routes) Handle(op *huma.Operation, serve func(huma.Context)) {
	r.MethodFunc(op.Method, strings.TrimPrefix(op.Path, managePrefix), func(w http.ResponseWriter, req *http.Request) {
		serve(humachi.NewContext(op, req, w))
	})
}

// noStore keeps what belongs to one tenant out of caches.
func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// requireKey refuses callers without a valid key before anything they sent is looked at. The operation asks again for
// the principal, which costs a hash: handing it on would mean a tenant in a context value.
func (a *API) requireKey(next http.Handler) http.Handler {
	return a.adapter.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := a.principalOf(r); err != nil {
			return err
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// plainQuery refuses a query that could be read in two ways: with a name given twice, or with parts that cannot be decoded,
// which net/url leaves out in silence. A filter that is not applied answers with too much.
func (a *API) plainQuery(next http.Handler) http.Handler {
	return a.adapter.Handle(func(w http.ResponseWriter, r *http.Request) error {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return badParameter("query", "cannot be decoded, want name=value with & between and %XX for anything odd")
		}
		for name, values := range query {
			if len(values) > 1 {
				return badParameter(name, "is given more than once")
			}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// principalOf is the API key of a request, a tenant's or an operator's. It returns handler.ErrCredentials or tenants.ErrUnauthenticated.
func (a *API) principalOf(r *http.Request) (tenants.Principal, error) {
	token, err := bearer(r)
	if err != nil {
		return tenants.Principal{}, err
	}
	p, err := a.tenants.KeyByToken(token)
	if errors.Is(err, tenants.ErrUnauthenticated) { // the two kinds of keys begin differently
		p, err = a.tenants.OperatorByToken(token)
	}
	if err != nil {
		return tenants.Principal{}, fmt.Errorf("API key: %w", err)
	}
	return p, nil
}

// visitor is who asks, allowed to do what the operation does.
type visitor struct {
	principal tenants.Principal
	tenant    id.Tenant // the principal's
	actor     tenants.Actor
	request   *http.Request
}

// call is part of every operation's input: it brings the request.
type call struct{ request *http.Request }

// Resolve is called by huma before the operation.
func (c *call) Resolve(ctx huma.Context) []error {
	c.request, _ = humachi.Unwrap(ctx)
	return nil
}

func (c *call) origin() *http.Request { return c.request }

// operation says what an operation is and what one must be allowed to do to use it.
type operation struct {
	huma.Operation
	action tenants.Action
}

// register adds an operation: it finds the caller, asks whether it may, and describes what went wrong.
func register[I, O any, P interface {
	*I
	origin() *http.Request
}](m *management, op operation, serve func(context.Context, visitor, *I) (*O, error)) {
	op.MaxBodyBytes = maxManageBody
	op.Security = []map[string][]string{{scheme(op.action): {}}}
	m.addErrors(&op.Operation)
	huma.Register(m.huma, op.Operation, func(ctx context.Context, in *I) (*O, error) {
		r := P(in).origin()
		who, err := m.admit(r, op.action)
		if err != nil {
			return nil, m.problem(r, err)
		}
		out, err := serve(ctx, who, in)
		if err != nil {
			return nil, m.problem(r, err)
		}
		return out, nil
	})
}

// scheme names the kind of key that an action needs.
func scheme(a tenants.Action) string {
	switch a {
	case tenants.SeeTenants, tenants.OverseeTenants, tenants.OperatePlatform:
		return "operator"
	}
	return "key"
}

func (m *management) admit(r *http.Request, action tenants.Action) (visitor, error) {
	p, err := m.api.principalOf(r)
	if err != nil {
		return visitor{}, err
	}
	if err := p.May(action); err != nil {
		return visitor{}, err
	}
	return visitor{principal: p, tenant: p.Tenant(), actor: p.Actor(m.api.adapter.ClientAddress(r)), request: r}, nil
}

// noted writes down, before anything is shown, that a script takes what is sensitive.
func (m *management) noted(ctx context.Context, who visitor, what tenants.Sight) error {
	return m.api.tenants.NoteSight(ctx, who.principal, tenants.Look{What: what, Address: who.actor.Address})
}

// deviceOf finds a device that the visitor sees. A device of another tenant, one that the key is not for, one that never
// was, and text that is no id at all give the same tenants.ErrNotFound.
func (m *management) deviceOf(who visitor, text string) (tenants.Device, error) {
	d, err := id.Parse[id.Device](text)
	if err != nil {
		return tenants.Device{}, fmt.Errorf("device: %w", tenants.ErrNotFound)
	}
	device, ok := m.api.tenants.State().Device(who.tenant, d)
	if !ok || !who.principal.Sees(device) {
		return tenants.Device{}, fmt.Errorf("device: %w", tenants.ErrNotFound)
	}
	return device, nil
}

// refusal is a problem as huma writes it.
type refusal struct {
	handler.ProblemBody
	headers http.Header
}

// Error is never shown; huma asks for it.
func (r *refusal) Error() string { return r.Code }

// GetStatus is the HTTP status.
func (r *refusal) GetStatus() int { return r.Status }

// GetHeaders are the headers that belong to the problem.
func (r *refusal) GetHeaders() http.Header { return r.headers }

// ContentType makes JSON the JSON of problems.
func (r *refusal) ContentType(string) string { return handler.ProblemType }

func (m *management) problem(r *http.Request, err error) error {
	p := m.api.adapter.Explain(r, err)
	answer := &refusal{ProblemBody: p.Body(), headers: http.Header{}}
	p.SetHeaders(answer.headers)
	answer.headers.Del("Cache-Control") // noStore has set it; huma adds and does not replace
	return answer
}

// reword turns what huma itself finds wrong with a request into a problem of ours. It is a transformer of the answer
// and no replacement of huma.NewError, because that is a variable of the whole process.
func reword(_ huma.Context, _ string, v any) (any, error) {
	if model, ok := v.(*huma.ErrorModel); ok {
		return problemOf(model).Body(), nil
	}
	return v, nil
}

func problemOf(model *huma.ErrorModel) handler.Problem {
	p := handler.Problem{Status: model.Status, Code: "invalid", Title: "Invalid request", Detail: "The request is not valid: " + model.Detail + "."}
	switch model.Status {
	case http.StatusBadRequest:
		p.Code, p.Title = "body_unreadable", "The body cannot be read"
	case http.StatusRequestTimeout:
		p.Code, p.Title = "body_too_slow", "The body came too slowly"
	case http.StatusRequestEntityTooLarge:
		p.Code, p.Title = "body_too_large", "Too large"
		p.Limit = &handler.Limit{Name: "body_bytes", Scope: "request", Max: maxManageBody}
	case http.StatusUnsupportedMediaType:
		p.Code, p.Title = "media_type_unsupported", "Content-Type is not supported"
	case http.StatusInternalServerError:
		return handler.Describe(errors.New("huma"))
	}
	var words []string
	for _, e := range model.Errors {
		fault := faultOf(e, p.Code)
		p.Errors = append(p.Errors, fault)
		words = append(words, strings.TrimSpace(strings.TrimPrefix(fault.Pointer+fault.Parameter, "/")+": "+fault.Detail))
	}
	if len(words) > 0 {
		slices.Sort(words)
		p.Detail = "The request is not valid: " + strings.TrimPrefix(strings.Join(words, "; "), ": ") + "."
	}
	return p
}

// faultOf says where huma found something wrong in our words: body.labels.site is /labels/site, query.limit is limit.
// The value that was sent is not repeated.
func faultOf(e *huma.ErrorDetail, code string) handler.Fault {
	where, rest, _ := strings.Cut(e.Location, ".")
	fault := handler.Fault{Code: code, Detail: e.Message}
	switch {
	case where != "body":
		fault.Parameter = rest
	case rest != "":
		fault.Pointer = "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(rest)
	}
	return fault
}
