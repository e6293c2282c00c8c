package tenants

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// TestReplayIsTheLiveState does random things and compares what grew with what a fresh replay makes of the log. It also
// holds on to old states and sees that they never change.
func TestReplayIsTheLiveState(t *testing.T) {
	s, made, js := claimed(t)
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	type kept struct {
		state *State
		dump  []string
	}
	var old []kept
	for step := range 300 {
		if err := randomStep(t.Context(), s, made.Tenant.ID, random); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if step%60 == 0 {
			st := s.State()
			old = append(old, kept{st, dump(st)})
		}
	}
	for _, k := range old {
		if !slices.Equal(k.dump, dump(k.state)) {
			t.Errorf("the state at %d changed after it was given out", k.state.seq)
		}
	}
	sameState(t, s.State(), start(t, Options{JS: js}).State())
}

func randomStep(ctx context.Context, s *Service, t id.Tenant, random *rand.Rand) error {
	st := s.State()
	devices := slices.Collect(st.Devices(t, ""))
	name := fmt.Sprintf("Device-%d", random.IntN(60))
	var err error
	switch n := random.IntN(10); {
	case n < 3 || len(devices) == 0:
		_, _, err = s.CreateDevice(ctx, testActor, t, NewDevice{Name: name, Labels: map[string]string{"site": name}})
	case n == 3:
		_, err = s.CreateDemo(ctx, testActor, t, []NewDevice{{Name: "demo " + name}, {Name: "demo2 " + name, Interval: time.Minute}})
	case n == 4 && random.IntN(4) == 0:
		_, err = s.RemoveDemo(ctx, testActor, t)
	case n == 5:
		_, _, err = s.CreateKey(ctx, testActor, t, NewKey{Name: name, Role: Editor, Scope: KeyScope{Sites: []string{"plant"}}})
	case n == 8 && random.IntN(2) == 0:
		err = randomDashboard(ctx, s, t, random)
	case n == 8 && random.IntN(3) == 0:
		err = randomWall(ctx, s, t, random)
	case n == 7 && random.IntN(2) == 0:
		err = randomRule(ctx, s, t, random)
	case n == 8 && random.IntN(2) == 0:
		err = randomAlertRule(ctx, s, t, random)
	case n == 6 && random.IntN(2) == 0:
		err = randomProof(ctx, s, devices[random.IntN(len(devices))], random)
	case n == 6:
		err = s.DescribeMetric(ctx, testActor, t, MetricDescription{Name: name, Unit: []string{"", "°C", "bar"}[random.IntN(3)]})
	case n == 8 && random.IntN(2) == 0:
		err = randomOperation(ctx, s, t, random)
	case n == 7:
		err = randomPeople(ctx, s, t, random)
	default:
		err = randomChange(ctx, s, devices[random.IntN(len(devices))], random)
	}
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}

// randomOperation does what an operator does, to the tenant and to another one that it makes and deletes.
func randomOperation(ctx context.Context, s *Service, t id.Tenant, random *rand.Rand) error {
	operator := Actor{Person: s.State().Operators()[0].ID}
	switch random.IntN(6) {
	case 0:
		return s.SetLimits(ctx, operator, t, Limits{Packets: random.IntN(3), Request: random.Int64N(3)})
	case 1:
		return s.SwitchConsent(ctx, operator, t, random.IntN(2) == 0)
	case 2:
		return s.OpenSupport(ctx, operator, t, Visit{"look", time.Hour})
	case 3:
		return errors.Join(s.SuspendTenant(ctx, operator, t, "unpaid"), s.RenameTenant(ctx, operator, t, fmt.Sprint("Plant ", random.IntN(9))))
	case 4:
		return s.ResumeTenant(ctx, operator, t)
	}
	made, _, err := s.CreateTenantFor(ctx, operator, "Short", "Bo")
	if err != nil {
		return err
	}
	_, _, err = s.CreateDevice(ctx, operator, made.ID, NewDevice{Name: "d"})
	err = errors.Join(err, s.OrderDeletion(ctx, operator, made.ID, []Count{{"devices", 1}}))
	if random.IntN(2) == 0 {
		err = errors.Join(err, s.EmptyTenant(ctx, made.ID))
	}
	return err
}

func randomRule(ctx context.Context, s *Service, t id.Tenant, random *rand.Rand) (err error) {
	rules := s.State().Rules(t)
	r := rule.Rule{Name: "r", When: fmt.Sprintf("temp > %d", random.IntN(3)), Then: rule.Then{Lane: "bulk", Labels: map[string]string{"a": "b"}}}
	if len(rules) == 0 || random.IntN(3) == 0 {
		_, err = s.DraftRule(ctx, testActor, t, r)
		return err
	}
	r.ID = rules[random.IntN(len(rules))].ID
	switch random.IntN(6) {
	case 0:
		_, err = s.DraftRule(ctx, testActor, t, r)
	case 1, 2:
		_, err = s.EnableRule(ctx, testActor, t, r.ID, "because")
	case 3:
		_, err = s.DisableRule(ctx, testActor, t, r.ID, "")
	case 4:
		_, err = s.MoveRule(ctx, testActor, t, r.ID, 1+random.IntN(len(rules)))
	default:
		err = s.DeleteRule(ctx, testActor, t, r.ID, "")
	}
	return err
}

func randomChange(ctx context.Context, s *Service, d Device, random *rand.Rand) (err error) {
	switch random.IntN(6) {
	case 0:
		name, site, profile := strings.ToUpper(d.Name), fmt.Sprint("plant/line-", random.IntN(3)), []string{"", "pump"}[random.IntN(2)]
		_, err = s.ChangeDevice(ctx, testActor, d.Tenant, d.ID, DeviceChange{Name: &name, Site: &site, Profile: &profile})
	case 1:
		_, err = s.DisableDevice(ctx, testActor, d.Tenant, d.ID)
	case 2:
		_, err = s.EnableDevice(ctx, testActor, d.Tenant, d.ID)
	case 3:
		_, err = s.RotateToken(ctx, testActor, d.Tenant, d.ID, time.Hour)
	case 4:
		err = s.DeleteDevice(ctx, testActor, d.Tenant, d.ID)
	default:
		if waiting := s.State().Erasing(); len(waiting) > 0 {
			err = s.FinishErasure(ctx, d.Tenant, waiting[0].Device, Erased{Readings: 3})
		}
	}
	return err
}

// TestConcurrentCommands lets two processes and eight goroutines each fight over the same names.
func TestConcurrentCommands(t *testing.T) {
	a, made, js := claimed(t)
	b := start(t, Options{JS: js})
	const writers, each, names = 8, 12, 40
	var wins [writers]int
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			s := []*Service{a, b}[w%2]
			for i := range each {
				name := fmt.Sprintf("pump-%d", (w*7+i*5)%names)
				if i%2 == 1 {
					name = strings.ToUpper(name)
				}
				d, _, err := s.CreateDevice(t.Context(), testActor, made.Tenant.ID, NewDevice{Name: name})
				switch {
				case err == nil:
					wins[w]++
					if _, ok := s.State().Device(made.Tenant.ID, d.ID); !ok {
						t.Error("a device is not visible after its command returned")
					}
				case !errors.Is(err, ErrExists):
					t.Errorf("create %s: %v", name, err)
				}
			}
		})
	}
	readWhile(t, a, made.Tenant.ID, wg.Wait)
	waitFor(t, a, b.State().Position())
	total := 0
	for _, n := range wins {
		total += n
	}
	if got := a.State().DeviceCount(made.Tenant.ID); got != total || got > names {
		t.Errorf("%d devices, %d creations succeeded, %d names", got, total, names)
	}
	waitFor(t, b, a.State().Position())
	sameState(t, a.State(), b.State())
}

// readWhile reads states all the time until work returns: the race detector must have nothing to say.
func readWhile(t *testing.T, s *Service, tenant id.Tenant, work func()) {
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				st := s.State()
				if n := len(slices.Collect(st.Devices(tenant, ""))); n != st.DeviceCount(tenant) {
					t.Errorf("a state counts %d devices and lists %d", st.DeviceCount(tenant), n)
				}
				select {
				case <-stop:
					return
				case <-st.changed:
				}
			}
		})
	}
	work()
	close(stop)
	readers.Wait()
}

func waitFor(t *testing.T, s *Service, position uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for changed := s.Changed(); s.State().Position() < position; changed = s.Changed() {
		if s.State().Position() >= position {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("position %d was not reached", position)
		}
	}
}

// origin is the hash of an empty log, as a link carries it.
var origin = base64.StdEncoding.EncodeToString(make([]byte, len(digest{})))

func TestOpenRefusesWhatItCannotKnow(t *testing.T) {
	wrap := func(events string) string {
		return `{"v":1,"at":"2026-11-20T10:00:00Z","actor":{},"after":{"own":0,"seen":0,"head":"` + origin + `"},"events":[` + events + `]}`
	}
	for name, c := range map[string]struct {
		subject, data string
		want          error
	}{
		"event of a newer program":   {platformSubject, wrap(`{"type":"site.created","v":1,"data":{}}`), ErrNewer},
		"newer version of an event":  {platformSubject, wrap(`{"type":"person.created","v":2,"data":{}}`), ErrNewer},
		"newer envelope":             {platformSubject, `{"v":2}`, ErrNewer},
		"no link":                    {platformSubject, `{"v":1,"events":[]}`, ErrLog},
		"no JSON":                    {platformSubject, `{`, ErrLog},
		"no such tenant":             {"ctl.t-none", wrap(`{"type":"device.deleted","v":1,"data":{"id":"d-1"}}`), ErrLog},
		"no tenant name":             {"ctl.T-UPPER", wrap(``), ErrLog},
		"platform event of a tenant": {"ctl.t-1", wrap(`{"type":"person.created","v":1,"data":{"id":"p-1","email":"x@y"}}`), ErrLog},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, js := natstest.Start(t)
			if _, err := js.CreateStream(t.Context(), streamConfig(1)); err != nil {
				t.Fatal(err)
			}
			if _, err := js.Publish(t.Context(), c.subject, []byte(c.data)); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), Options{JS: js, Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, c.want) {
				t.Errorf("Open: %v, want %v", err, c.want)
			}
		})
	}
}

func TestRunEndsOnANewerEvent(t *testing.T) {
	_, _, js := natstest.Start(t)
	s, err := Open(t.Context(), Options{JS: js, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), platformSubject, []byte(`{"v":9}`), jetstream.WithExpectStream(StreamName)); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); !errors.Is(err, ErrNewer) {
		t.Errorf("Run: %v", err)
	}
}

func TestOldVersionsAreUpgraded(t *testing.T) {
	rename := func(data json.RawMessage) (json.RawMessage, error) {
		return []byte(strings.Replace(string(data), `"label"`, `"name"`, 1)), nil
	}
	describe := func(data json.RawMessage) (json.RawMessage, error) {
		return []byte(strings.Replace(string(data), `}`, `,"unit":"bar"}`, 1)), nil
	}
	for version, data := range map[int]string{1: `{"label":"p"}`, 2: `{"name":"p"}`, 3: `{"name":"p","unit":"bar"}`} {
		e, err := decode[metricDescribed](record{Type: "x", V: version, Data: []byte(data)}, rename, describe)
		if err != nil || e != (metricDescribed{Name: "p", Unit: "bar"}) {
			t.Errorf("version %d: %+v, %v", version, e, err)
		}
	}
	if _, err := decode[metricDescribed](record{V: 4}, rename, describe); !errors.Is(err, ErrNewer) {
		t.Errorf("version 4: %v", err)
	}
}
