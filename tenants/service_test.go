package tenants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/tidwall/btree"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
)

const testPassword = "correct horse battery staple"

var testActor = Actor{System: "test", Address: "192.0.2.7"}

// start opens a service and runs it until the test ends.
func start(t testing.TB, o Options) *Service {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// claimed is a service with its first tenant.
func claimed(t testing.TB) (*Service, Claimed, jetstream.JetStream) {
	t.Helper()
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js})
	return s, claim(t, s), js
}

func claim(t testing.TB, s *Service) Claimed {
	t.Helper()
	made, err := s.Claim(t.Context(), testActor, Claim{Email: "Ada@example.org", Name: "Ada", Password: testPassword, Tenant: "Plant"})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func mustCreate(t testing.TB, s *Service, tenant id.Tenant, name string) (Device, string) {
	t.Helper()
	d, token, err := s.CreateDevice(t.Context(), testActor, tenant, NewDevice{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return d, token
}

// dump writes down everything that is in a state.
func dump(s *State) []string {
	lines := []string{fmt.Sprint("seq ", s.seq, " operators ", s.operators)}
	add(&lines, "subjects", &s.subjects)
	add(&lines, "tenants", &s.tenants)
	add(&lines, "accounts", &s.accounts)
	add(&lines, "emails", &s.emails)
	add(&lines, "members", &s.people.members)
	add(&lines, "staff", &s.people.staff)
	add(&lines, "providers", &s.people.providers)
	add(&lines, "byProvider", &s.people.byProvider)
	add(&lines, "domains", &s.people.domains)
	add(&lines, "identities", &s.people.identities)
	add(&lines, "ofPerson", &s.people.ofPerson)
	add(&lines, "invites", &s.people.invites)
	add(&lines, "byInvite", &s.people.byInvite)
	add(&lines, "trusts", &s.proofs.all)
	add(&lines, "certificates", &s.proofs.certificates)
	add(&lines, "certificatesOf", &s.proofs.ofDevice)
	add(&lines, "keys", &s.keys)
	add(&lines, "keyIndex", &s.keyIndex)
	add(&lines, "devices", &s.devices)
	add(&lines, "byName", &s.byName)
	add(&lines, "byCreated", &s.byCreated)
	for h := range s.byToken.all() {
		lines = append(lines, fmt.Sprintf("byToken %x %x %v %v", h.index, h.sum, h.expires, h.device.ID))
	}
	slices.Sort(lines)
	add(&lines, "metrics", &s.metrics)
	add(&lines, "erasing", &s.erasing)
	add(&lines, "destinations", &s.destinations)
	add(&lines, "outNames", &s.outNames)
	add(&lines, "outSlugs", &s.outSlugs)
	add(&lines, "support", &s.support)
	add(&lines, "endings", &s.endings)
	s.rules.Scan(func(t string, b *ruleBook) bool {
		text, err := json.Marshal(b.values()) // follows the pointers
		lines = append(lines, fmt.Sprintf("rules %s %s %v", t, text, err))
		return true
	})
	s.alertRules.Scan(func(t string, b *alertBook) bool {
		text, err := json.Marshal(b.values())
		lines = append(lines, fmt.Sprintf("alert rules %s %s %v", t, text, err))
		return true
	})
	add(&lines, "silences", &s.silences)
	s.walls.all.Scan(func(key string, w *wall) bool {
		found, ok := s.walls.byID.Get(string(w.ID))
		lines = append(lines, fmt.Sprintf("walls %q %+v %x %v", key, w.Wall, w.sum, ok && found.sum == w.sum))
		return true
	})
	s.dashboards.Scan(func(key string, d *Dashboard) bool {
		text, err := json.Marshal(d)
		lines = append(lines, fmt.Sprintf("dashboards %q %s %v", key, text, err))
		return true
	})
	return lines
}

func add[V any](lines *[]string, name string, m *btree.Map[string, V]) {
	m.Scan(func(key string, v V) bool {
		*lines = append(*lines, fmt.Sprintf("%s %#v %+v", name, key, v))
		return true
	})
	*lines = append(*lines, fmt.Sprint(name, " ", m.Len()))
}

func sameState(t *testing.T, a, b *State) {
	t.Helper()
	x, y := dump(a), dump(b)
	if slices.Equal(x, y) {
		return
	}
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			t.Fatalf("states differ:\n%s\n%s", x[i], y[i])
		}
	}
	t.Fatalf("states differ: %d and %d lines", len(x), len(y))
}

func TestClaim(t *testing.T) {
	s, made, _ := claimed(t)
	if made.Person.Email != "Ada@example.org" || !made.Person.Operator || made.Tenant.Name != "Plant" || made.Tenant.RetainDays == 0 {
		t.Errorf("claimed %+v", made)
	}
	if !s.State().Claimed() {
		t.Error("the installation is not claimed")
	}
	list := s.State().TenantsOf(made.Person.ID)
	if len(list) != 1 || list[0].Role != Owner || list[0].Tenant != made.Tenant {
		t.Errorf("tenants of the operator: %+v", list)
	}
	if _, err := s.Claim(t.Context(), testActor, Claim{Email: "b@example.org", Password: testPassword, Tenant: "B"}); !errors.Is(err, ErrClaimed) {
		t.Errorf("second claim: %v", err)
	}
}

func TestClaimRefusesWhatIsWrong(t *testing.T) {
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js})
	good := Claim{Email: "ada@example.org", Name: "Ada", Password: testPassword, Tenant: "Plant"}
	for field, spoil := range map[string]func(*Claim){
		"email":    func(c *Claim) { c.Email = "Ada <ada@example.org>" },
		"name":     func(c *Claim) { c.Name = "A\x00da" },
		"tenant":   func(c *Claim) { c.Tenant = "  " },
		"password": func(c *Claim) { c.Password = "ada@example.org" },
	} {
		c := good
		spoil(&c)
		_, err := s.Claim(t.Context(), testActor, c)
		var wrong *InvalidError
		if !errors.As(err, &wrong) || wrong.Field != field || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if s.State().Claimed() || s.State().Position() != 0 {
		t.Error("a refused claim left something behind")
	}
}

func TestClaimRaceHasOneWinner(t *testing.T) {
	_, _, js := natstest.Start(t)
	services := []*Service{start(t, Options{JS: js}), start(t, Options{JS: js})}
	results := make(chan error)
	const racers = 6
	for i := range racers {
		go func() {
			_, err := services[i%2].Claim(t.Context(), testActor, Claim{
				Email: fmt.Sprintf("p%d@example.org", i), Password: testPassword, Tenant: fmt.Sprint("T", i),
			})
			results <- err
		}()
	}
	var won int
	for range racers {
		if err := <-results; err == nil {
			won++
		} else if !errors.Is(err, ErrClaimed) {
			t.Errorf("a loser got %v", err)
		}
	}
	if tenants, persons, _ := services[0].State().Totals(); won != 1 || tenants != 1 || persons != 1 {
		t.Errorf("%d winners, %d tenants, %d persons", won, tenants, persons)
	}
}

func TestReopenAfterCrash(t *testing.T) {
	dir := t.TempDir()
	server, _, js := natstest.StartIn(t, natsd.Options{Dir: dir, SyncAlways: true})
	s := start(t, Options{JS: js})
	made := claim(t, s)
	d, token := mustCreate(t, s, made.Tenant.ID, "pump-7")
	before := s.State()
	if err := server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := s.CreateKey(soon, testActor, made.Tenant.ID, NewKey{Name: "k", Role: Viewer}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a command without a broker: %v", err)
	}
	if _, err := s.DeviceByToken(token); err != nil {
		t.Errorf("reading without a broker: %v", err)
	}

	_, _, js = natstest.StartIn(t, natsd.Options{Dir: dir, SyncAlways: true})
	again := start(t, Options{JS: js})
	sameState(t, before, again.State())
	if found, err := again.DeviceByToken(token); err != nil || found.ID != d.ID {
		t.Errorf("token after the restart: %v %v", found, err)
	}
	if _, err := again.Claim(t.Context(), testActor, Claim{}); !errors.Is(err, ErrClaimed) {
		t.Errorf("claim after the restart: %v", err)
	}
}

func TestLogCannotBeShortened(t *testing.T) {
	_, made, js := claimed(t)
	stream, err := js.Stream(t.Context(), StreamName)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err == nil {
		t.Error("the log was purged")
	}
	if err := stream.DeleteMsg(t.Context(), 1); err == nil {
		t.Error("a message was deleted")
	}
	open := streamConfig(1)
	open.DenyDelete, open.DenyPurge = false, false
	if _, err := js.UpdateStream(t.Context(), open); err == nil {
		t.Error("the protection was taken off")
	}
	again := start(t, Options{JS: js})
	if _, ok := again.State().Tenant(made.Tenant.ID); !ok {
		t.Error("the tenant is gone")
	}
}

func TestOpenRefusesAnotherStream(t *testing.T) {
	_, _, js := natstest.Start(t)
	config := streamConfig(1)
	config.DenyPurge, config.MaxAge = false, time.Hour
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{JS: js, Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, ErrStreamDiffers) {
		t.Errorf("Open: %v", err)
	}
}

func TestRunIsCalledOnce(t *testing.T) {
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js})
	claim(t, s) // a command returned, so it runs
	if err := s.Run(t.Context()); err == nil {
		t.Error("a second Run was let in")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	_, _, js := natstest.Start(t)
	log := slog.New(slog.DiscardHandler)
	for _, o := range []Options{{}, {JS: js}, {Log: log}, {JS: js, Log: log, Replicas: 6}} {
		if _, err := Open(t.Context(), o); !errors.Is(err, ErrInvalid) {
			t.Errorf("%d replicas: %v", o.Replicas, err)
		}
	}
}
