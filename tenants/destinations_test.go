package tenants

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
	"longwave/tenants/seal"
)

const hookURL = "https://hooks.example/ops?token=zmxncb"

// sealing is a claimed installation with a master key.
func sealing(t *testing.T) (*Service, id.Tenant, jetstream.JetStream) {
	t.Helper()
	ring, err := seal.Ensure(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, _, js := natstest.Start(t)
	s := start(t, Options{JS: js, Secrets: ring})
	return s, claim(t, s).Tenant.ID, js
}

func mustDestination(t *testing.T, s *Service, tenant id.Tenant, n NewDestination) (Destination, string) {
	t.Helper()
	d, secret, err := s.CreateDestination(t.Context(), testActor, tenant, n)
	if err != nil {
		t.Fatal(err)
	}
	return d, secret
}

func TestDestinations(t *testing.T) {
	s, tenant, js := sealing(t)
	hook, secret := mustDestination(t, s, tenant, NewDestination{Name: "Ops: webhook!", Kind: Webhook, URL: hookURL})
	slack, none := mustDestination(t, s, tenant, NewDestination{Name: "ops webhook", Kind: SlackHook, URL: "https://slack.example/services/qwerty"})
	mail, _ := mustDestination(t, s, tenant, NewDestination{Name: "Night shift", Kind: Email, To: []string{"night@example.org"}})
	subject, _ := mustDestination(t, s, tenant, NewDestination{Name: "Ünïcode 漢字", Kind: NATSSubject})
	if hook.Slug != "ops-webhook" || slack.Slug != "ops-webhook-2" || subject.Slug != "n-code" || none != "" || mail.To[0] != "night@example.org" {
		t.Errorf("slugs %s, %s, %s", hook.Slug, slack.Slug, subject.Slug)
	}
	if slack.URL != "https://slack.example/…" {
		t.Errorf("the address of a Slack webhook, which is a secret, is shown: %s", slack.URL)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	opened, err2 := s.DestinationSecrets(hook)
	if err := errors.Join(err, err2); err != nil || len(opened.Keys) != 1 || !bytes.Equal(opened.Keys[0], key) || len(key) < 24 {
		t.Errorf("%v, %v", opened, err)
	}
	if opened, err := s.DestinationSecrets(slack); err != nil || opened.Address != "https://slack.example/services/qwerty" {
		t.Error(err)
	}
	if opened.Address != hookURL || hook.URL != "https://hooks.example/ops?…" {
		t.Errorf("the query of a webhook, which may be a token: %s is shown, %v opened", hook.URL, opened.Address == hookURL)
	}
	name, off := "Operations", true
	changed, err := s.ChangeDestination(t.Context(), testActor, tenant, hook.ID, DestinationChange{Name: &name, Disabled: &off})
	if err != nil || changed.Name != name || changed.Slug != hook.Slug || !changed.Disabled {
		t.Errorf("%+v, %v", changed, err)
	}
	if err := s.DeleteDestination(t.Context(), testActor, tenant, mail.ID); err != nil {
		t.Error(err)
	}
	if list := s.State().Destinations(tenant); len(list) != 3 || list[0].Name != name {
		t.Errorf("%+v", list)
	}
	noSecretIn(t, js, tenant, secret, "qwerty", "zmxncb", string(key))
	dir := t.TempDir()
	if err := writeSnapshot(dir, s.State()); err != nil {
		t.Fatal(err)
	}
	again := opened2(t, js, dir)
	sameState(t, s.State(), again.State())
	sameState(t, s.State(), start(t, Options{JS: js}).State())
}

func opened2(t *testing.T, js jetstream.JetStream, dir string) *Service {
	t.Helper()
	s := opened(t, Options{JS: js, SnapshotDir: dir})
	if s.recalled == 0 {
		t.Error("the snapshot was not used")
	}
	return s
}

// noSecretIn reads everything that was logged of a tenant, and everything that its history tells.
func noSecretIn(t *testing.T, js jetstream.JetStream, tenant id.Tenant, secrets ...string) {
	t.Helper()
	s := start(t, Options{JS: js})
	page, err := s.History(t.Context(), tenant, HistoryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, past := range page.Past {
		for _, change := range past.Changes {
			for _, secret := range append(secrets, "zmxncb") {
				if strings.Contains(change.Before+change.After+past.Name, secret) {
					t.Errorf("the history tells a secret: %+v", change)
				}
			}
		}
	}
	stream, err := js.Stream(t.Context(), StreamName)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= s.State().Position(); seq++ {
		message, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			if strings.Contains(string(message.Data), secret) {
				t.Errorf("message %d holds a secret", seq)
			}
		}
	}
}

func TestQueryOfAnAddressStaysSealed(t *testing.T) {
	s, tenant, js := sealing(t)
	hook, _ := mustDestination(t, s, tenant, NewDestination{Name: "Ops", Kind: Webhook, URL: hookURL})
	move := func(url string) (Destination, error) {
		return s.ChangeDestination(t.Context(), testActor, tenant, hook.ID, DestinationChange{URL: &url})
	}
	address := func(d Destination) string {
		opened, err := s.DestinationSecrets(d)
		if err != nil {
			t.Fatal(err)
		}
		return opened.Address
	}
	if same, err := move(hook.URL); err != nil || !same.Changed.Equal(hook.Changed) || address(same) != hookURL {
		t.Errorf("as it is shown: %+v, %v", same, err)
	}
	if _, err := move("https://hooks.example/other?…"); !errors.Is(err, ErrInvalid) {
		t.Errorf("a part of what is not shown: %v", err)
	}
	if other, err := move("https://hooks.example/other?token=poiuyt"); err != nil || address(other) != "https://hooks.example/other?token=poiuyt" {
		t.Errorf("%+v, %v", other, err)
	}
	if plain, err := move("https://hooks.example/plain"); err != nil || plain.URL != "https://hooks.example/plain" || address(plain) != "" {
		t.Errorf("%+v, %v", plain, err)
	}
	noSecretIn(t, js, tenant, "zmxncb", "poiuyt")
}

// Before queries were sealed they stood in the address, and work as they did.
func TestOldAddressIsReached(t *testing.T) {
	d := destinationCreated{ID: "o-1", Kind: Webhook, Reach: reach{URL: hookURL}}.destination(stamp{})
	opened, err := (&Service{}).DestinationSecrets(*d)
	if err != nil || d.URL != hookURL || opened.Address != "" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestDestinationsRefuseWhatIsWrong(t *testing.T) {
	s, tenant, _ := sealing(t)
	mustDestination(t, s, tenant, NewDestination{Name: "Taken", Kind: NATSSubject})
	for name, c := range map[string]struct {
		field string
		new   NewDestination
	}{
		"no name":       {"name", NewDestination{Kind: NATSSubject}},
		"name taken":    {"name", NewDestination{Name: "taken", Kind: NATSSubject}},
		"no kind":       {"kind", NewDestination{Name: "x"}},
		"no address":    {"url", NewDestination{Name: "x", Kind: Webhook}},
		"plain HTTP":    {"url", NewDestination{Name: "x", Kind: Webhook, URL: "http://a.example/"}},
		"other scheme":  {"url", NewDestination{Name: "x", Kind: Webhook, URL: "file:///etc/passwd"}},
		"password":      {"url", NewDestination{Name: "x", Kind: SlackHook, URL: "https://a:b@a.example/"}},
		"fragment":      {"url", NewDestination{Name: "x", Kind: Webhook, URL: "https://a.example/#b"}},
		"line break":    {"url", NewDestination{Name: "x", Kind: Webhook, URL: "https://a.example/\r\nHost: b"}},
		"nobody":        {"to", NewDestination{Name: "x", Kind: Email}},
		"header inside": {"to", NewDestination{Name: "x", Kind: Email, To: []string{"a@example.org\r\nBcc: b@example.org"}}},
		"two in one":    {"to", NewDestination{Name: "x", Kind: Email, To: []string{"a@example.org, b@example.org"}}},
		"too many":      {"to", NewDestination{Name: "x", Kind: Email, To: make([]string, maxRecipients+1)}},
	} {
		_, _, err := s.CreateDestination(t.Context(), testActor, tenant, c.new)
		var wrong *InvalidError
		if !errors.As(err, &wrong) || wrong.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := s.CreateDestination(t.Context(), testActor, id.New[id.Tenant](), NewDestination{Name: "x", Kind: NATSSubject}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.ChangeDestination(t.Context(), testActor, tenant, id.New[id.Destination](), DestinationChange{}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.ReplaceDestinationSecret(t.Context(), testActor, tenant, s.State().Destinations(tenant)[0].ID); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

func TestNoMasterKeyNoSecret(t *testing.T) {
	s, made, _ := claimed(t)
	_, _, err := s.CreateDestination(t.Context(), testActor, made.Tenant.ID, NewDestination{Name: "x", Kind: Webhook, URL: hookURL})
	if !errors.Is(err, ErrNoMasterKey) {
		t.Error(err)
	}
}

func TestReplacedSecretSignsForADay(t *testing.T) {
	s, tenant, _ := sealing(t)
	hook, _ := mustDestination(t, s, tenant, NewDestination{Name: "Ops", Kind: Webhook, URL: hookURL})
	if _, err := s.ReplaceDestinationSecret(t.Context(), testActor, tenant, hook.ID); err != nil {
		t.Fatal(err)
	}
	now, _ := s.State().Destination(tenant, hook.ID)
	both, err := s.DestinationSecrets(now)
	if err != nil || len(both.Keys) != 2 || bytes.Equal(both.Keys[0], both.Keys[1]) {
		t.Errorf("%d keys, %v", len(both.Keys), err)
	}
	later := &Service{secrets: s.secrets, now: func() time.Time { return both.Until }}
	if one, err := later.DestinationSecrets(now); err != nil || len(one.Keys) != 1 || !bytes.Equal(one.Keys[0], both.Keys[0]) {
		t.Errorf("%d keys, %v", len(one.Keys), err)
	}
}
