package notify

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/seal"
)

func newLinks(t *testing.T, now func() time.Time) *Links {
	t.Helper()
	ring, err := seal.Ensure(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &Links{Ring: ring, Base: "https://longwave.example/", Now: now}
}

func token(t *testing.T, l *Links, k Link) string {
	t.Helper()
	address, err := l.URL(k)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(address, "https://longwave.example"+LinkPath)
	text, err := url.PathUnescape(rest)
	if !ok || err != nil {
		t.Fatal(address, err)
	}
	return text
}

func TestLinks(t *testing.T) {
	now := time.Now()
	l := newLinks(t, func() time.Time { return now })
	k := Link{Tenant: id.New[id.Tenant](), Alert: id.New[id.Alert](), Purpose: Acknowledge}
	good := token(t, l, k)
	if got, err := l.Open(good); err != nil || got != k {
		t.Errorf("%+v, %v", got, err)
	}
	other := id.New[id.Tenant]()
	for name, bad := range map[string]string{
		"nothing": "", "another purpose": strings.Replace(good, string(Acknowledge), string(Snooze), 1),
		"no purpose": strings.Replace(good, string(Acknowledge), "delete", 1), "another tenant": strings.Replace(good, string(k.Tenant), string(other), 1),
		"changed": good[:len(good)-1] + "A" + good[len(good)-1:], "cut": good[:len(good)-4], "of another installation": token(t, newLinks(t, l.Now), k),
		"too long": good + strings.Repeat("A", maxToken), "many parts": good + "~x",
	} {
		if got, err := l.Open(bad); !errors.Is(err, ErrLink) || got != (Link{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	now = now.Add(linkTime + time.Second)
	if _, err := l.Open(good); !errors.Is(err, ErrLink) {
		t.Errorf("expired: %v", err)
	}
}
