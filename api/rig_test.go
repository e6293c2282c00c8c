package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/api"
	"longwave/api/proof"
	"longwave/ingest"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/tenants/seal"
	"longwave/web/export"
	"longwave/web/handler"
)

// patience is how long a test waits for what must happen; it is never waited for in full unless the test fails.
const patience = 20 * time.Second

// rig is a server with the real control plane; the data plane is a fake unless the test brings the real one.
type rig struct {
	server    *httptest.Server
	router    chi.Router
	api       *api.API
	tenants   *tenants.Service
	providers *discoverer
	js        jetstream.JetStream
	conn      *nats.Conn
	owner     id.Person
	accept    *accepter
	reader    *reader
	desk      *desk
	deliverer *deliverer
	metrics   *prometheus.Registry

	ours, theirs tenantRig
}

// tenantRig is one tenant with a device and a key of every role.
type tenantRig struct {
	id          id.Tenant
	device      tenants.Device
	destination tenants.Destination
	token       string
	rule        id.Rule
	trust       id.Trust
	alertRule   id.AlertRule
	dashboard   id.Dashboard
	silence     id.Silence
	board       id.Dashboard // of the wall
	wall        id.Wall
	person      id.Person // a member who is no owner
	keys        map[tenants.Role]string
}

func newRig(t *testing.T, change ...func(*api.Options)) *rig {
	t.Helper()
	_, conn, js := natstest.Start(t)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	ring, err := seal.Ensure(t.TempDir())
	must(t, err)
	service, err := tenants.Open(t.Context(), tenants.Options{JS: js, Log: log, Secrets: ring})
	must(t, err)
	run(t, service.Run)

	r := &rig{tenants: service, providers: &discoverer{}, js: js, conn: conn, accept: &accepter{}, deliverer: &deliverer{}, reader: &reader{}, desk: newDesk(), metrics: prometheus.NewRegistry(), router: chi.NewRouter()}
	r.ours, r.theirs = r.tenant(t, "ours", true), r.tenant(t, "theirs", false)
	adapter, err := handler.New(handler.Options{Log: log, Registerer: r.metrics})
	must(t, err)
	proofs, err := proof.New(proof.Options{Tenants: service})
	must(t, err)
	book, err := alert.OpenBook(t.Context(), alert.BookOptions{JS: js, Log: log})
	must(t, err)
	runBook(t, book)
	exports, err := export.New(export.Options{Tenants: service, Readings: func(t id.Tenant) export.Reader { return tenantReader{r.reader, t} }})
	must(t, err)
	o := api.Options{
		Exports: exports,
		Proofs:  proofs,
		Handler: adapter, Tenants: service, Accept: r.accept, WorkList: r.desk, Jobs: r.desk, Alerts: book, Operation: operation{}, Trials: tryAll(t), Gatherer: r.metrics, Registerer: r.metrics, Log: log, Version: "test",
		Readings:     func(t id.Tenant) api.Reader { return r.reader.of(t) },
		Destinations: r.deliverer, Providers: r.providers,
		Ready: func(context.Context) []api.Check { return []api.Check{{Name: "nats", OK: true}} },
	}
	for _, c := range change {
		c(&o)
	}
	r.api, err = api.New(o)
	must(t, err)
	r.router.Use(adapter.Observe)
	r.api.Mount(r.router)
	r.server = httptest.NewServer(r.router)
	t.Cleanup(r.server.Close)
	t.Cleanup(func() { r.drain(t) })
	return r
}

func (r *rig) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r.api.Drain(ctx)
	if ctx.Err() != nil {
		t.Error("the sockets did not end")
	}
}

// tenant makes a tenant; the first one comes with the claim of the installation.
func (r *rig) tenant(t *testing.T, name string, first bool) tenantRig {
	t.Helper()
	made := tenantRig{keys: map[tenants.Role]string{}}
	if first {
		claimed, err := r.tenants.Claim(t.Context(), tenants.Actor{System: "test"}, tenants.Claim{
			Email: "operator@example.com", Name: "Operator", Password: "correct horse battery", Tenant: name,
		})
		must(t, err)
		made.id, r.owner = claimed.Tenant.ID, claimed.Person.ID
	} else {
		second, err := r.tenants.CreateTenant(t.Context(), tenants.Actor{Person: r.owner}, name)
		must(t, err)
		made.id = second.ID
	}
	for _, role := range tenants.Roles() {
		_, secret, err := r.tenants.CreateKey(t.Context(), tenants.Actor{System: "test"}, made.id, tenants.NewKey{Name: role.String(), Role: role})
		must(t, err)
		made.keys[role] = secret
	}
	drafted, err := r.tenants.DraftRule(t.Context(), tenants.Actor{System: "test"}, made.id, rule.Rule{Name: "rule of " + name})
	must(t, err)
	made.rule = drafted.ID
	noData := alertrule.Rule{Name: "alert of " + name, Kind: alertrule.NoData, Levels: []alertrule.Level{{Severity: alertrule.Warning}}}
	alert, err := r.tenants.DraftAlertRule(t.Context(), tenants.Actor{System: "test"}, made.id, noData)
	must(t, err)
	silence, err := r.tenants.StartSilence(t.Context(), tenants.Actor{System: "test"}, made.id, alertrule.Silence{Everything: true, Until: time.Now().Add(time.Hour), Reason: "silence of " + name})
	must(t, err)
	made.alertRule, made.silence = alert.ID, silence.ID
	board, err := r.tenants.SaveDashboard(t.Context(), tenants.Actor{System: "test"}, made.id, tenants.SaveDashboard{Name: "dashboard of " + name})
	must(t, err)
	made.dashboard = board.ID
	hung, err := r.tenants.SaveDashboard(t.Context(), tenants.Actor{System: "test"}, made.id, tenants.SaveDashboard{Name: "board of " + name})
	must(t, err)
	code, err := r.tenants.NewWallCode(t.Context(), "192.0.2.1")
	must(t, err)
	wall, err := r.tenants.PairWall(t.Context(), tenants.Actor{System: "test"}, made.id, code.Code, tenants.WallSettings{Name: "wall of " + name, Dashboards: []id.Dashboard{hung.ID}})
	must(t, err)
	made.board, made.wall = hung.ID, wall.ID
	made.device, made.token, err = r.tenants.CreateDevice(t.Context(), tenants.Actor{System: "test"}, made.id, tenants.NewDevice{Name: "pump of " + name})
	must(t, err)
	made.destination, _, err = r.tenants.CreateDestination(t.Context(), tenants.Actor{System: "test"}, made.id, tenants.NewDestination{
		Name: "hook of " + name, Kind: tenants.Webhook, URL: "https://hooks.example/" + name,
	})
	must(t, err)
	trust, err := r.tenants.AddTrust(t.Context(), tenants.Actor{System: "test"}, made.id, tenants.NewTrust{
		Name: "issuer of " + name, Issuer: "https://" + name + ".example", Audience: "x", Names: tenants.Naming{Field: "sub", By: tenants.ByID},
	})
	must(t, err)
	made.trust = trust.ID
	made.person = r.member(t, made.id, name)
	return made
}

// member is a person from a tenant's identity provider.
func (r *rig) member(t *testing.T, of id.Tenant, name string) id.Person {
	t.Helper()
	p, err := r.tenants.SetProvider(t.Context(), tenants.Actor{System: "test"}, tenants.NewProvider{
		ID: id.New[id.Provider](), Tenant: of, Name: "provider of " + name, Issuer: "https://login.example/" + name, ClientID: "x",
		Rows: []tenants.RoleRow{{Claim: "sub", Value: name, Role: tenants.Viewer}},
	})
	must(t, err)
	made, _, err := r.tenants.Arrive(t.Context(), tenants.Arrival{Provider: p.ID, Issuer: p.Issuer, Subject: name, Claims: map[string]any{"sub": name, "name": "member of " + name}})
	must(t, err)
	return made.ID
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v in %d %s", err, a.status, a.body)
	}
}

func (a answer) problem(t *testing.T) handler.ProblemBody {
	t.Helper()
	var p handler.ProblemBody
	a.json(t, &p)
	if a.header.Get("Content-Type") != handler.ProblemType || p.Status != a.status || p.Title == "" || p.Detail == "" {
		t.Errorf("no proper problem: %d %s %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	return p
}

// ask is one request: "METHOD /path", a token, a body and headers in pairs.
func (r *rig) ask(t *testing.T, what, token, body string, headers ...string) answer {
	t.Helper()
	method, path, _ := strings.Cut(what, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, r.server.URL+path, strings.NewReader(body))
	must(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	return answer{status: res.StatusCode, header: res.Header, body: bytes.TrimSpace(text)}
}

// accepter is an ingest that keeps what it is given and answers what it is told.
type accepter struct {
	mu       sync.Mutex
	requests []ingest.Request
	callers  []ingest.Principal
	attempts []attempt
	met      []telemetry.Met
	rejected []telemetry.RejectedPacket
	recent   map[id.Tenant][]telemetry.Recent
	answer   func(context.Context, ingest.Request) (ingest.Receipt, error)
}

type attempt struct {
	tenant  id.Tenant
	device  id.Device
	address string
	telemetry.Attempt
}

func (a *accepter) Accept(ctx context.Context, p ingest.Principal, r ingest.Request) (ingest.Receipt, error) {
	kept := r
	kept.Body = bytes.Clone(r.Body)
	a.mu.Lock()
	a.requests, a.callers = append(a.requests, kept), append(a.callers, p)
	answer := a.answer
	a.mu.Unlock()
	if answer != nil {
		return answer(ctx, kept)
	}
	return ingest.Receipt{Accepted: 1, PacketIDs: []string{"p-1"}}, nil
}

// begun is a request that is answered by a goroutine of its own.
type begun struct {
	done    chan struct{}
	receipt ingest.Receipt
	err     error
	paniced any
}

func (a *accepter) Begin(p ingest.Principal, r ingest.Request, told func()) ingest.Pending {
	b := &begun{done: make(chan struct{})}
	r.Body = bytes.Clone(r.Body)
	go func() {
		defer told()
		defer close(b.done)
		defer func() { b.paniced = recover() }()
		b.receipt, b.err = a.Accept(context.Background(), p, r)
	}()
	return b
}

func (b *begun) Ready(time.Time) bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

func (b *begun) Finish(context.Context) (ingest.Receipt, error) {
	<-b.done
	if b.paniced != nil {
		panic(b.paniced)
	}
	return b.receipt, b.err
}

func (a *accepter) Refused(t id.Tenant, d id.Device, at telemetry.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attempts = append(a.attempts, attempt{tenant: t, device: d, Attempt: at})
}

func (a *accepter) RefusedUnknown(key string, at telemetry.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attempts = append(a.attempts, attempt{address: key, Attempt: at})
}

func (a *accepter) Rejected(_ context.Context, t id.Tenant, d id.Device, limit int) ([]telemetry.RejectedPacket, error) {
	var found []telemetry.RejectedPacket
	for _, p := range a.rejected {
		if p.Device == d && len(found) < limit {
			found = append(found, p)
		}
	}
	return found, nil
}

// take returns the attempts so far and forgets them.
func (a *accepter) Recent(_ context.Context, t id.Tenant, _ int) ([]telemetry.Recent, error) {
	return a.recent[t], nil
}

func (a *accepter) RuleCounts(id.Tenant) map[id.Rule]rule.Count { return nil }

func (a *accepter) take() []attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.attempts
	a.attempts = nil
	return taken
}

func (a *accepter) answers(f func(context.Context, ingest.Request) (ingest.Receipt, error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

// last is the newest request that reached ingest.
func (a *accepter) last(t *testing.T) (ingest.Request, ingest.Principal) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.requests) == 0 {
		t.Fatal("nothing reached ingest")
	}
	return a.requests[len(a.requests)-1], a.callers[len(a.callers)-1]
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run keeps f going until the test ends and fails the test when it ends with an error before.
func run(t testing.TB, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
}

// runBook follows the log of alerts until the end of the test.
func runBook(t *testing.T, book *alert.Book) {
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var group sync.WaitGroup
	group.Go(func() { _ = book.Run(ctx) })
	t.Cleanup(func() {
		stop()
		group.Wait()
	})
}

// alert is an open alert of a tenant, written into the log as whoever evaluates does.
func (r *rig) alert(t *testing.T, of tenantRig) string {
	t.Helper()
	name := "a-" + string(of.alertRule)
	entry := fmt.Sprintf(`{"v":1,"kind":"change","at":"2026-11-20T10:00:00Z","alert":%q,"rule":%q,"version":1,"name":"hot","device":%q,"message":"too hot","change":{"number":1,"to":2,"severity":"warning","at":1,"cause":"condition"}}`,
		name, of.alertRule, of.device.ID)
	_, err := r.js.Publish(t.Context(), telemetry.AlertSubject(of.id), []byte(entry))
	must(t, err)
	for {
		if got := r.ask(t, "GET /manage/v1/alerts/"+name, of.keys[tenants.Owner], ""); got.status == 200 {
			return name
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the alert does not appear")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (a *accepter) LimitMet(t id.Tenant, d id.Device, m telemetry.Met) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m.Device = d
	a.met = append(a.met, m)
}

// operation is what an installation says of its tenants.
type operation struct{}

func (operation) Usage(context.Context) (map[id.Tenant]tenants.Usage, error) {
	return map[id.Tenant]tenants.Usage{}, nil
}

func (operation) Contents(context.Context, id.Tenant) ([]tenants.Count, error) {
	return []tenants.Count{{Name: "devices", Number: 1}, {Name: "rows", Number: 12}}, nil
}
