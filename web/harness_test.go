package web

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/processors/alert/notify"
	"longwave/processors/forward/outbound"
	"longwave/processors/forward/reach"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/picture"
	"longwave/tenants/rule"
	"longwave/tenants/seal"
	"longwave/tenants/session"
	"longwave/web/export"
	"longwave/web/handler"
	"longwave/web/live"
	"longwave/web/oidc"
)

// site is a whole server of pages over a real control log and real sessions; only the storage is a fake.
type site struct {
	t        testing.TB
	js       jetstream.JetStream
	tenants  *tenants.Service
	sessions *session.Store
	server   *httptest.Server
	token    string // of the first run
	storage  *storage
	past     *past
	rejected []telemetry.RejectedPacket
	recent   map[id.Tenant][]telemetry.Recent
	lanes    error // what reading the lanes answers
	counts   map[id.Rule]rule.Count
	met      []telemetry.Met
	usage    map[id.Tenant]tenants.Usage
	desk     *desk
	book     *alert.Book
	links    *notify.Links
	system   System
	deliver  *deliverer
	claimed  tenants.Claimed
	join     string       // address of an invitation
	forward  atomic.Int64 // what the site's clock is ahead, in nanoseconds
	demo     error        // what starting demo data answers
	mail     func(context.Context, string, reach.Message) error
}

const password = "copper lantern drifting 42"

func start(t testing.TB) *site { return startMailing(t, nil) }

// startMailing is start with a mail server, or without one.
func startMailing(t testing.TB, mail func(context.Context, string, reach.Message) error) *site {
	t.Helper()
	_, _, js := natstest.Start(t)
	log := slog.New(slog.DiscardHandler)
	ring, err := seal.Ensure(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, js: js, mail: mail, usage: map[id.Tenant]tenants.Usage{}, storage: newStorage(), past: &past{}, deliver: &deliverer{}, desk: newDesk(), demo: errors.New("not wanted")}
	if s.tenants, err = tenants.Open(t.Context(), tenants.Options{JS: js, Replicas: 1, Log: log, Now: time.Now, Secrets: ring}); err != nil {
		t.Fatal(err)
	}
	if s.sessions, err = session.Open(t.Context(), session.Options{JS: js, Replicas: 1, Log: log, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if s.book, err = alert.OpenBook(t.Context(), alert.BookOptions{JS: js, Log: log}); err != nil {
		t.Fatal(err)
	}
	s.links = &notify.Links{Ring: ring}
	background(t, s.book.Run)
	background(t, s.tenants.Run)
	background(t, s.sessions.Run)
	s.token = s.tenants.NewFirstRun()
	s.serve(log)
	return s
}

// background runs something until the end of the test, and waits for it.
func background(t testing.TB, run func(context.Context) error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var group sync.WaitGroup
	group.Go(func() { run(ctx) })
	t.Cleanup(func() {
		stop()
		group.Wait()
	})
}

func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.forward.Load())) }

func (s *site) serve(log *slog.Logger) {
	adapter, err := handler.New(handler.Options{Log: log, Registerer: prometheus.NewRegistry()})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, lane := range telemetry.Lanes() {
		config := jetstream.StreamConfig{Name: telemetry.LaneStream(lane), Subjects: []string{telemetry.LaneFilter(lane)}}
		if _, err := s.js.CreateStream(s.t.Context(), config); err != nil {
			s.t.Fatal(err)
		}
	}
	hub, err := live.New(live.Options{JS: s.js, Log: log})
	if err != nil {
		s.t.Fatal(err)
	}
	background(s.t, hub.Run)
	secrets, err := seal.Ensure(s.t.TempDir())
	if err != nil {
		s.t.Fatal(err)
	}
	exports, err := export.New(export.Options{Tenants: s.tenants, Now: s.now, Readings: func(t id.Tenant) export.Reader { return reader{s.storage, t} }})
	if err != nil {
		s.t.Fatal(err)
	}
	pages, err := New(Options{
		Pictures: s.pictures(),
		Exports:  exports,
		Hub:      hub, Providers: oidc.New(oidc.Options{Guard: outbound.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")})}), Secrets: secrets, Now: s.now,
		Tenants: s.tenants, Sessions: s.sessions, Handler: adapter, Log: log, Version: "test",
		Readings: func(t id.Tenant) Reader { return reader{s.storage, t} },
		Rejected: func(context.Context, id.Tenant, id.Device, int) ([]telemetry.RejectedPacket, error) {
			return s.rejected, nil
		},
		WorkList: s.desk, Jobs: s.desk, Alerts: s.book, Trials: s.past.trials(s.t), AlertLink: s.links.Open,
		Recent:    func(_ context.Context, t id.Tenant, _ int) ([]telemetry.Recent, error) { return s.recent[t], s.lanes },
		LimitsMet: func(id.Tenant) []telemetry.Met { return s.met }, LimitsMetBy: func(id.Tenant, id.Device) []telemetry.Met { return s.met }, Began: time.Now(),
		RuleCounts: func(id.Tenant) map[id.Rule]rule.Count { return s.counts },
		System:     func(context.Context) System { return s.system }, Operation: fakeOperation{usage: s.usage}, Destinations: s.deliver, Mail: s.mail,
		StartDemo: func(ctx context.Context, by tenants.Actor, t id.Tenant) error {
			if s.demo != nil {
				return s.demo
			}
			_, err := s.tenants.CreateDemo(ctx, by, t, []tenants.NewDevice{{Name: "demo pump"}})
			return err
		},
		AddressKey: func(address string) string { return address }, QueueRetention: 7 * 24 * time.Hour,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	root := chi.NewRouter()
	root.Use(adapter.Observe)
	pages.Mount(root)
	s.server = httptest.NewServer(root)
	s.t.Cleanup(s.server.Close)
}

// pictures are those of dashboards.
func (s *site) pictures() Pictures {
	s.t.Helper()
	store, err := picture.Open(s.t.Context(), picture.Options{JS: s.js})
	if err != nil {
		s.t.Fatal(err)
	}
	return store
}

// visitor is one person's cookies; it does not follow redirects.
type visitor struct {
	s      *site
	tenant id.Tenant // of a stranger
	client *http.Client
}

func (s *site) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &visitor{s: s, client: &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// owner is a browser of the operator, who owns the first tenant.
func (s *site) owner() *visitor {
	s.t.Helper()
	made, err := s.tenants.Claim(s.t.Context(), tenants.Actor{System: "setup"}, tenants.Claim{
		Email: "ada@example.com", Name: "Ada", Password: password, Tenant: "North plant",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.claimed = made
	b := s.visitor()
	answer := b.post("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {password}})
	if answer.status != http.StatusSeeOther {
		s.t.Fatalf("sign-in answers %d", answer.status)
	}
	return b
}

type answer struct {
	status int
	header http.Header
	body   string
	page   document
}

func (b *visitor) get(path string) answer {
	return b.do(http.MethodGet, path, nil, nil)
}

func (b *visitor) post(path string, form url.Values) answer {
	return b.do(http.MethodPost, path, form, nil)
}

func (b *visitor) do(method, path string, form url.Values, header http.Header) answer {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), method, b.s.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.s.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.s.server.URL)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	got, err := b.client.Do(r)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return answer{status: got.StatusCode, header: got.Header, body: string(body), page: parsePage(b.s.t, string(body))}
}

// follow gets the page that a form led to.
func (b *visitor) follow(a answer) answer {
	b.s.t.Helper()
	if a.status != http.StatusSeeOther {
		b.s.t.Fatalf("answer %d, want a redirect; the page says: %s", a.status, a.page.text("main"))
	}
	return b.get(a.header.Get("Location"))
}

// device makes a device without a browser.
func (s *site) device(name string, labels map[string]string) tenants.Device {
	s.t.Helper()
	d, _, err := s.tenants.CreateDevice(s.t.Context(), tenants.Actor{System: "test"}, s.claimed.Tenant.ID, tenants.NewDevice{Name: name, Labels: labels})
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *site) devices() string { return devicesPath(s.claimed.Tenant.ID) }

// after ties a message that is written directly to the log before it.
func (s *site) after(subject string) string {
	s.t.Helper()
	log, err := s.js.Stream(s.t.Context(), tenants.StreamName)
	if err != nil {
		s.t.Fatal(err)
	}
	own, err := log.GetLastMsgForSubject(s.t.Context(), subject)
	if err != nil {
		s.t.Fatal(err)
	}
	head := s.tenants.Head()
	hash, err := hex.DecodeString(head.Hash)
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf(`{"own":%d,"seen":%d,"head":%q}`, own.Sequence, head.Position, base64.StdEncoding.EncodeToString(hash))
}

// stranger is the owner of another tenant. The control log is written to directly: there is no form for this.
func (s *site) stranger() *visitor {
	s.t.Helper()
	person, tenant := id.New[id.Person](), id.New[id.Tenant]()
	at := time.Now().UTC().Format(time.RFC3339Nano)
	message := `{"v":1,"at":"` + at + `","actor":{"system":"test"},"after":` + s.after("ctl._platform") + `,"events":[` +
		`{"type":"person.created","v":1,"data":{"id":"` + string(person) + `","email":"eve@example.com","name":"Eve","password_hash":""}},` +
		`{"type":"tenant.created","v":1,"data":{"id":"` + string(tenant) + `","name":"South plant","retain_days":30,"owner":"` + string(person) + `"}}]}`
	changed := s.tenants.Changed()
	if _, err := s.js.Publish(s.t.Context(), "ctl._platform", []byte(message)); err != nil {
		s.t.Fatal(err)
	}
	<-changed
	token, err := s.sessions.Create(s.t.Context(), person, session.Meta{Proved: time.Now()})
	if err != nil {
		s.t.Fatal(err)
	}
	b := s.withSession(token)
	b.tenant = tenant
	return b
}

// withSession is a browser with the cookie of a session.
func (s *site) withSession(token string) *visitor {
	s.t.Helper()
	b := s.visitor()
	base, err := url.Parse(s.server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	b.client.Jar.SetCookies(base, []*http.Cookie{{Name: sessionCookie, Value: token, Path: "/"}})
	return b
}
