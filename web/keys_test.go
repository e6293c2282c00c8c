package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/tenants"
)

func TestAKeyIsShownOnceAndRevoked(t *testing.T) {
	s := start(t)
	b := s.owner()
	path := keysPath(s.claimed.Tenant.ID)
	made := b.follow(b.post(path, url.Values{"name": {"report"}, "role": {"viewer"}}))
	secret := made.page.text("#new-key")
	if key, err := s.tenants.KeyByToken(secret); err != nil || key.Role() != tenants.Viewer {
		t.Fatalf("key %q: %v", secret, err)
	}
	if again := b.get(path); strings.Contains(again.body, secret) {
		t.Error("the key is shown twice")
	}
	asked := b.get(made.page.attr("#main table a", "href"))
	if !strings.Contains(asked.page.text("main"), "stops working") {
		t.Errorf("revoking is not explained: %s", asked.page.text("main"))
	}
	if _, err := s.tenants.KeyByToken(secret); err != nil {
		t.Errorf("looking at the page revoked the key: %v", err)
	}
	b.follow(b.post(asked.page.attr("#main form", "action"), url.Values{}))
	if _, err := s.tenants.KeyByToken(secret); err == nil {
		t.Error("the revoked key still works")
	}
}

func TestAKeyIsLimitedAndEnds(t *testing.T) {
	s := start(t)
	b := s.owner()
	path := keysPath(s.claimed.Tenant.ID)
	made := b.follow(b.post(path, url.Values{
		"name": {"report"}, "role": {"viewer"}, "expires": {"30"}, "sites": {"plant-2, plant-3/line-1"}, "profiles": {"pump"}, "labels": {"customer=acme"},
	}))
	key := s.tenants.State().Keys(s.claimed.Tenant.ID)[0]
	if days := time.Until(key.Expires).Hours() / 24; days < 29 || days > 30 {
		t.Errorf("valid for %.1f days", days)
	}
	for _, want := range []string{"Site plant-2 or plant-3/line-1, profile pump, label customer=acme", "never", key.Prefix(), key.Expires.Format("2006-01-02 15:04")} {
		if !strings.Contains(made.page.text("#main table"), want) {
			t.Errorf("%q is missing: %s", want, made.page.text("#main table"))
		}
	}
	if _, err := s.tenants.KeyByToken(made.page.text("#new-key")); err != nil {
		t.Fatal(err)
	}
	if got := b.get(path).page.text("#main table"); strings.Contains(got, "never") {
		t.Errorf("its use does not show: %s", got)
	}

	for _, form := range []url.Values{{"name": {"x"}, "role": {"viewer"}, "labels": {"customer"}}, {"name": {"x"}, "role": {"viewer"}, "sites": {"a//b"}}} {

		if got := b.post(path, form); got.status != http.StatusUnprocessableEntity || !got.page.has("[aria-invalid]") {
			t.Errorf("%v answers %d", form, got.status)
		}
	}
}

func TestAKeyNeedsANameAndARole(t *testing.T) {
	s := start(t)
	b := s.owner()
	for _, form := range []url.Values{{"name": {""}, "role": {"viewer"}}, {"name": {"x"}, "role": {"king"}}} {
		got := b.post(keysPath(s.claimed.Tenant.ID), form)
		if got.status != http.StatusUnprocessableEntity || !got.page.has("[role=alert]") {
			t.Errorf("%v answers %d", form, got.status)
		}
	}
}

func TestSystemIsForOperators(t *testing.T) {
	s, b, _ := full(t)
	page := b.get("/system")
	for _, want := range []string{"0.1.0", "fsync", "/var/lib/longwave", "3.2 GB", "Embedded, 2.15.2", "97 % full", "about 48,160 packets", "3.1 million rows", "48,211", "The disk is nearly full", "48 MiB are free", "Critical", "Warning", "was started again"} {
		if !strings.Contains(page.page.text("main"), want) {
			t.Errorf("%q is missing: %s", want, page.page.text("main"))
		}
	}
	if got := s.stranger().get("/system"); got.status != http.StatusForbidden {
		t.Errorf("a person who is no operator is answered %d", got.status)
	}
}

func TestASecretWaitsForItsOwnSessionOnly(t *testing.T) {
	now := time.Unix(0, 0)
	h := newHandover(func() time.Time { return now })
	h.put(slot{"mine", "d"}, "secret")
	if got := h.take(slot{"theirs", "d"}); got != "" {
		t.Errorf("another session got %q", got)
	}
	if got := h.take(slot{"mine", "d"}); got != "secret" {
		t.Errorf("got %q", got)
	}
	h.put(slot{"mine", "d"}, "secret")
	now = now.Add(handoverFor + time.Second)
	if got := h.take(slot{"mine", "d"}); got != "" {
		t.Errorf("an old secret is still there: %q", got)
	}
	for i := range maxHandover + 10 {
		h.put(slot{"mine", string(rune(i + 1000))}, "secret")
	}
	if len(h.slots) > maxHandover {
		t.Errorf("%d secrets wait", len(h.slots))
	}
}
