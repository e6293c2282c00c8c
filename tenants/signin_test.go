package tenants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"longwave/ingest/natsd/natstest"
)

func TestSignIn(t *testing.T) {
	s, made, _ := claimed(t)
	who, err := s.SignIn(t.Context(), Credentials{Email: "ADA@example.org", Password: testPassword, Address: "192.0.2.1"})
	if err != nil || who.ID != made.Person.ID {
		t.Fatalf("signed in as %+v, %v", who, err)
	}
	_, wrong := s.SignIn(t.Context(), Credentials{Email: "ada@example.org", Password: "wrong horse battery", Address: "192.0.2.1"})
	_, unknown := s.SignIn(t.Context(), Credentials{Email: "bob@example.org", Password: testPassword, Address: "192.0.2.1"})
	_, endless := s.SignIn(t.Context(), Credentials{Email: "ada@example.org", Password: strings.Repeat("x", 1<<20), Address: "192.0.2.1"})
	for _, err := range []error{wrong, unknown, endless} {
		if !errors.Is(err, ErrUnauthenticated) || err.Error() != wrong.Error() {
			t.Errorf("a refusal tells more than that: %v, %v", err, wrong)
		}
	}
}

// TestSignInWorksTheSame measures that an unknown account costs what a known one does: the hash, which is nearly all of it.
func TestSignInWorksTheSame(t *testing.T) {
	s, _, _ := claimed(t)
	took := func(email string) time.Duration {
		best := time.Hour
		for i := range 4 {
			begin := time.Now()
			_, err := s.SignIn(t.Context(), Credentials{Email: email, Password: "not the password", Address: fmt.Sprint(i)})
			best = min(best, time.Since(begin))
			if !errors.Is(err, ErrUnauthenticated) {
				t.Fatal(err)
			}
		}
		return best
	}
	known, unknown := took("ada@example.org"), took("nobody@example.org")
	if unknown < known/8 || known < unknown/8 { // without the hash it would be a thousandth
		t.Errorf("known %s, unknown %s", known, unknown)
	}
}

func TestRepeatedFailuresWait(t *testing.T) {
	_, _, js := natstest.Start(t)
	c := newClock()
	s := start(t, Options{JS: js, Now: c.now})
	claim(t, s)
	try := func(password, address string) error {
		_, err := s.SignIn(t.Context(), Credentials{Email: "ada@example.org", Password: password, Address: address})
		return err
	}
	for range freeAttempts + 1 {
		if err := try("wrong", "192.0.2.1"); !errors.Is(err, ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	var wait *DelayError
	if err := try(testPassword, "192.0.2.1"); !errors.As(err, &wait) || wait.RetryAfter <= 0 || wait.RetryAfter > firstDelay {
		t.Errorf("right password too early: %v", err)
	}
	if err := try(testPassword, "198.51.100.1"); err != nil {
		t.Errorf("the owner, from elsewhere: %v", err)
	}
	c.forward(2 * firstDelay)
	if err := try("wrong", "192.0.2.1"); !errors.Is(err, ErrUnauthenticated) {
		t.Error(err)
	}
	c.forward(firstDelay + firstDelay/4)
	if err := try(testPassword, "192.0.2.1"); !errors.Is(err, ErrDelayed) {
		t.Errorf("the second wait is not longer: %v", err)
	}
	c.forward(2 * firstDelay)
	if err := try(testPassword, "192.0.2.1"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestSuccessIsNoFailure(t *testing.T) {
	th, now := newThrottle(), time.Now()
	for i := range 500 { // an office behind one address, on a Monday
		who := subjects(fmt.Sprint(i%30), "office")
		if wait := th.wait(now, who); wait > 0 {
			t.Fatalf("sign-in %d has to wait %s", i, wait)
		}
		th.failed(now, who)
		th.succeeded(who)
	}
	if len(th.entries) != 0 || th.recent.Len() != 0 {
		t.Errorf("%d entries are left", len(th.entries))
	}
	mallory := subjects("victim", "there")
	for range 100 {
		th.failed(now, mallory)
		own := subjects("mallory", "there")
		th.failed(now, own)
		th.succeeded(own)
	}
	if th.wait(now, subjects("another", "there")) == 0 {
		t.Error("signing in with an account of one's own clears the address")
	}
}

func TestThrottleIsBounded(t *testing.T) {
	th, now := newThrottle(), time.Now()
	for i := range maxThrottled {
		th.failed(now, subjects("ada@example.org", fmt.Sprint(i)))
	}
	if len(th.entries) > maxThrottled || th.recent.Len() != len(th.entries) {
		t.Errorf("%d entries, %d in the list", len(th.entries), th.recent.Len())
	}
	who := subjects("ada@example.org", "x")
	for range 200 {
		th.failed(now, who)
	}
	if wait := th.wait(now, who); wait != longestDelay {
		t.Errorf("after 200 failures the wait is %s", wait)
	}
	for i := range 200 {
		th.failed(now, subjects(fmt.Sprint(i), "sprayer"))
	}
	if wait := th.wait(now, subjects("fresh", "sprayer")); wait != longestDelay {
		t.Errorf("200 accounts from one address: the wait is %s", wait)
	}
}

func TestHashingIsBounded(t *testing.T) {
	h := newHasher()
	for range hashSlots {
		h.slots <- struct{}{} // all at work
	}
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for range hashQueue {
		waiting.Go(func() {
			if _, err := h.hash(ctx, "x"); !errors.Is(err, context.Canceled) {
				t.Errorf("a waiting one: %v", err)
			}
		})
	}
	for len(h.queue) < hashQueue { // they only have to be scheduled
		runtime.Gosched()
	}
	if _, err := h.hash(t.Context(), "x"); !errors.Is(err, ErrDelayed) {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	waiting.Wait()
}

func TestPHC(t *testing.T) {
	p := newPHC(testPassword)
	text := p.encode()
	if !strings.HasPrefix(text, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("not the recommended parameters: %s", text)
	}
	back, err := parsePHC(text)
	if err != nil || !back.matches(testPassword) || back.matches(testPassword+"x") || newPHC(testPassword).encode() == text {
		t.Errorf("round trip: %v", err)
	}
	old := phc{memory: 64, passes: 1, lanes: 1, salt: []byte("0123456789abcdef")}
	old.tag = old.derive(testPassword, tagBytes)
	if back, err := parsePHC(old.encode()); err != nil || !back.matches(testPassword) {
		t.Errorf("other parameters: %v", err)
	}
	for _, bad := range []string{
		"", "$", strings.Replace(text, "argon2id", "argon2i", 1), strings.Replace(text, "v=19", "v=16", 1), text + "$x",
		strings.Replace(text, "m=19456", "m=99999999", 1), strings.Replace(text, "t=2", "t=0", 1), text[:len(text)-20],
	} {
		if _, err := parsePHC(bad); !errors.Is(err, errPHC) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestPasswordRules(t *testing.T) {
	for password, ok := range map[string]bool{
		testPassword: true, "Tr0ub4dor&3 xkcd": true, "пароль из слов": true, strings.Repeat("abcdef", 21): true,
		"short": false, "elevenchars": false, strings.Repeat("abcde", 26): false, "aaaaaaaaaaaaaa": false,
		"ADA@example.org": false, "Password1234": false, "abcdefgh\xff\xfeijkl": false,
	} {
		if err := checkPassword(password, "ada@example.org", "ada"); (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		}
	}
}

// TestNoSecretLeaks looks for every secret in whatever this package logs, prints or returns as an error.
func TestNoSecretLeaks(t *testing.T) {
	_, _, js := natstest.Start(t)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := start(t, Options{JS: js, Log: log})
	c := Claim{Email: "ada@example.org", Password: testPassword, Tenant: "Plant"}
	credentials := Credentials{Email: c.Email, Password: testPassword + "!", Address: "192.0.2.1"}
	firstRun := s.NewFirstRun()
	made := claim(t, s)
	d, token := mustCreate(t, s, made.Tenant.ID, "pump-7")
	k, secret, err := s.CreateKey(t.Context(), testActor, made.Tenant.ID, NewKey{Name: "ci", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	_, wrongPassword := s.SignIn(t.Context(), credentials)
	_, wrongToken := s.DeviceByToken(swap(token))
	_, wrongKey := s.KeyByToken(swap(secret))
	_, again := s.Claim(t.Context(), testActor, c)
	weak := c
	weak.Password = "ada@example.org"
	_, _ = c.check()
	_, weakErr := weak.check()
	log.Info("all", "claim", c, "made", made, "device", d, "key", k, "credentials", credentials, "person", made.Person,
		"errors", []error{wrongPassword, wrongToken, wrongKey, again, weakErr, s.CheckFirstRun(firstRun)})
	fmt.Fprintf(&out, "%v %+v %#v %v %+v %#v %v", c, c, c, credentials, credentials, credentials, made)
	account, _ := s.State().accounts.Get(string(made.Person.ID))
	for name, text := range map[string]string{
		"password": testPassword, "hash": account.hash, "token": token[20:], "key": secret[20:], "first run": firstRun,
		"typo": swap(token)[21:],
	} {
		if strings.Contains(out.String(), text) {
			t.Errorf("the %s is in the output", name)
		}
	}
}
