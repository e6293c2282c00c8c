package tenants

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
)

// clock is a time for the parts of a service that ask for it. It stands until it is put forward, however slow the machine is.
type clock struct {
	start  time.Time
	offset atomic.Int64
}

func newClock() *clock { return &clock{start: time.Now()} }

func (c *clock) now() time.Time                 { return c.start.Add(time.Duration(c.offset.Load())) }
func (c *clock) forward(d time.Duration)        { c.offset.Add(int64(d)) }
func refusal(err error) (refused *UnknownToken) { errors.As(err, &refused); return refused }

func TestDeviceByToken(t *testing.T) {
	s, made, _ := claimed(t)
	d, token := mustCreate(t, s, made.Tenant.ID, "pump-7")
	other, _, _ := mintToken(devicePrefix)
	key, _, _ := mintToken(keyPrefix)
	forged := forge(token)

	if found, err := s.DeviceByToken(token); err != nil || found.ID != d.ID || found.Tenant != made.Tenant.ID {
		t.Fatalf("right token: %+v, %v", found, err)
	}
	for name, c := range map[string]struct {
		token  string
		reason Refusal
		known  bool
	}{
		"empty":           {"", RefusedMalformed, false},
		"an API key":      {key, RefusedMalformed, false},
		"too long":        {token + "x", RefusedMalformed, false},
		"cut off":         {token[:len(token)-1], RefusedMalformed, false},
		"mistyped":        {swap(token), RefusedTypo, true},
		"wrong secret":    {forged, RefusedUnknown, true},
		"nobody's":        {other, RefusedUnknown, false},
		"nobody's, typo":  {swap(other), RefusedTypo, false},
		"long nonsense":   {strings.Repeat("lwd_", 5000), RefusedMalformed, false},
		"other upper bit": {devicePrefix + strings.ToUpper(token[4:]), RefusedTypo, false},
	} {
		found, err := s.DeviceByToken(c.token)
		refused := refusal(err)
		if refused == nil || !errors.Is(err, ErrUnauthenticated) || refused.Reason != c.reason || refused.Known != c.known || found.ID != "" {
			t.Errorf("%s: %+v, %#v", name, found, err)
			continue
		}
		if c.known && (refused.Device != d.ID || refused.Tenant != made.Tenant.ID) {
			t.Errorf("%s: attributed to %+v", name, refused)
		}
		if err.Error() != "unknown token" {
			t.Errorf("%s: the error tells the caller %q", name, err)
		}
	}
}

// forge keeps the public half and gives a wrong secret sound check characters.
func forge(token string) string {
	body := token[:len(devicePrefix)+publicLength+1] + randomBase62(secretLength)
	check := checkOf(body)
	return body + string(check[:])
}

// swap exchanges two different neighbours within the secret: the commonest typo.
func swap(token string) string {
	b := []byte(token)
	for i := len(devicePrefix) + publicLength + 1; i < len(b)-checkLength-1; i++ {
		if b[i] != b[i+1] {
			b[i], b[i+1] = b[i+1], b[i]
			break
		}
	}
	return string(b)
}

func TestRotateToken(t *testing.T) {
	_, _, js := natstest.Start(t)
	c := newClock()
	s := start(t, Options{JS: js, Now: c.now})
	tenant := claim(t, s).Tenant.ID
	d, first := mustCreate(t, s, tenant, "pump-7")
	second, err := s.RotateToken(t.Context(), testActor, tenant, d.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	accepted(t, s, first, second)
	c.forward(time.Hour + time.Second)
	accepted(t, s, second)
	refusedAs(t, s, first, RefusedExpired, true)

	third, err := s.RotateToken(t.Context(), testActor, tenant, d.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	accepted(t, s, second, third)
	refusedAs(t, s, first, RefusedUnknown, false)

	fourth, err := s.RotateToken(t.Context(), testActor, tenant, d.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	accepted(t, s, fourth)
	refusedAs(t, s, third, RefusedExpired, true)
	found, _ := s.State().Device(tenant, d.ID)
	if len(found.Tokens) != 2 || !strings.HasPrefix(fourth, found.Tokens[0].Prefix()) {
		t.Errorf("tokens %+v", found.Tokens)
	}
	for _, overlap := range []time.Duration{-1, MaxOverlap + 1} {
		if _, err := s.RotateToken(t.Context(), testActor, tenant, d.ID, overlap); !errors.Is(err, ErrInvalid) {
			t.Errorf("overlap %s: %v", overlap, err)
		}
	}
}

func accepted(t *testing.T, s *Service, tokens ...string) {
	t.Helper()
	for i, token := range tokens {
		if _, err := s.DeviceByToken(token); err != nil {
			t.Errorf("token %d: %v", i, refusal(err))
		}
	}
}

func refusedAs(t *testing.T, s *Service, token string, reason Refusal, known bool) {
	t.Helper()
	_, err := s.DeviceByToken(token)
	if refused := refusal(err); refused == nil || refused.Reason != reason || refused.Known != known {
		t.Errorf("token: %#v, want %s", err, reason)
	}
}

func TestDisabledDevice(t *testing.T) {
	s, made, _ := claimed(t)
	d, token := mustCreate(t, s, made.Tenant.ID, "pump-7")
	if changed, err := s.DisableDevice(t.Context(), testActor, made.Tenant.ID, d.ID); err != nil || !changed.Disabled {
		t.Fatalf("disable: %+v %v", changed, err)
	}
	if found, err := s.DeviceByToken(token); !errors.Is(err, ErrDisabled) || found.ID != d.ID {
		t.Errorf("disabled: %v, %v", found, err)
	}
	if _, err := s.DeviceByToken(forge(token)); errors.Is(err, ErrDisabled) {
		t.Error("a wrong secret is told that the device is disabled")
	}
	if changed, err := s.EnableDevice(t.Context(), testActor, made.Tenant.ID, d.ID); err != nil || changed.Disabled {
		t.Fatalf("enable: %+v %v", changed, err)
	}
	accepted(t, s, token)
}

func TestKeys(t *testing.T) {
	s, made, _ := claimed(t)
	k, secret, err := s.CreateKey(t.Context(), testActor, made.Tenant.ID, NewKey{Name: "ci", Role: Editor})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.KeyByToken(secret)
	if err != nil || p.Tenant() != made.Tenant.ID || p.Role() != Editor || p.Key() != k.ID || p.Person() != "" || p.Operator() {
		t.Errorf("principal %+v, %v", p, err)
	}
	_, device := mustCreate(t, s, made.Tenant.ID, "pump-7")
	for _, wrong := range []string{"", device, swap(secret), "lwk_" + forge("lwd_" + secret[4:])[4:]} {
		if p, err := s.KeyByToken(wrong); !errors.Is(err, ErrUnauthenticated) || p != (Principal{}) {
			t.Errorf("wrong key: %+v, %v", p, err)
		}
	}
	if list := s.State().Keys(made.Tenant.ID); len(list) != 1 || list[0].ID != k.ID {
		t.Errorf("keys %+v", list)
	}
	if err := s.RevokeKey(t.Context(), testActor, made.Tenant.ID, k.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.KeyByToken(secret); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("revoked key: %v", err)
	}
	if err := s.RevokeKey(t.Context(), testActor, made.Tenant.ID, k.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
	if _, _, err := s.CreateKey(t.Context(), testActor, made.Tenant.ID, NewKey{Name: "none"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("key without a role: %v", err)
	}
}

func TestFirstRun(t *testing.T) {
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js})
	if err := s.CheckFirstRun(""); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("before there is one: %v", err)
	}
	old, token := s.NewFirstRun(), s.NewFirstRun()
	for name, c := range map[string]struct {
		token string
		want  error
	}{"right": {token, nil}, "old": {old, ErrUnauthenticated}, "none": {"", ErrUnauthenticated}, "wrong": {token + "0", ErrUnauthenticated}} {
		if err := s.CheckFirstRun(c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	claim(t, s)
	if err := s.CheckFirstRun(token); !errors.Is(err, ErrClaimed) {
		t.Errorf("after the claim: %v", err)
	}
}

func TestTokensDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for range 2000 {
		text, public, _ := mintToken(devicePrefix)
		if got, well, sound := splitToken(text, devicePrefix); got != public || !well || !sound || seen[text] || seen[public] {
			t.Fatalf("token %q", text)
		}
		seen[text], seen[public] = true, true
	}
}

func FuzzSplitToken(f *testing.F) {
	token, _, _ := mintToken(devicePrefix)
	f.Add(token)
	f.Add("lwd_")
	f.Fuzz(func(t *testing.T, text string) {
		public, well, sound := splitToken(text, devicePrefix)
		if sound && !well || well && (len(text) != tokenLength || len(public) != publicLength) {
			t.Errorf("%q: %q %v %v", text, public, well, sound)
		}
	})
}

// draftOf folds n devices of one tenant into a state without a broker.
func draftOf(tb testing.TB, n int) (*State, []string) {
	tb.Helper()
	s, tenant, owner := new(State), id.New[id.Tenant](), id.New[id.Person]()
	at := stamp{at: time.Now().UTC()}
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	must(tenantCreated{ID: tenant, Name: "Plant", Owner: owner}.apply(s, at))
	at.tenant = tenant
	tokens := make([]string, n)
	for i := range n {
		text, public, sum := mintToken(devicePrefix)
		tokens[i] = text
		must(deviceCreated{
			ID: id.New[id.Device](), Name: fmt.Sprintf("pump-%06d", (i*7919)%n),
			Labels: map[string]string{"site": fmt.Sprint("hall-", i%50)}, Token: tokenIssued{ID: public, Sum: sum[:]},
		}.apply(s, at))
	}
	return s, tokens
}
