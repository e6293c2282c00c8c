package tenants

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longwave/tenants/id"
)

func TestHistory(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	ada := Actor{Person: made.Person.ID, Address: "203.0.113.9"}
	d, token, err := s.CreateDevice(t.Context(), ada, tenant, NewDevice{Name: "pump-7", Labels: map[string]string{"site": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	k, secret, err := s.CreateKey(t.Context(), ada, tenant, NewKey{Name: "ci", Role: Editor})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ChangeDevice(t.Context(), Actor{Key: k.ID}, tenant, d.ID, DeviceChange{
		Name: ptr("pump-8"), Labels: &map[string]string{"line": "4"}, Interval: ptr(time.Minute), Disabled: ptr(true),
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteDevice(t.Context(), ada, tenant, d.ID); err != nil {
		t.Fatal(err)
	}
	page, err := s.History(t.Context(), tenant, HistoryQuery{})
	if err != nil || page.Next != "" {
		t.Fatal(err, page.Next)
	}
	var lines []string
	for _, p := range page.Past {
		lines = append(lines, fmt.Sprint(p.By, " ", p.Actor.Address, " ", p.Did, " ", p.Name, " ", p.Changes))
		if p.At.IsZero() || p.Position == 0 || p.Subject == "" {
			t.Errorf("incomplete: %+v", p)
		}
	}
	all := strings.Join(lines, "\n")
	want := []string{
		"Ada 203.0.113.9 deleted the device pump-8 []",
		"API key ci  disabled the device  [{state enabled disabled}]",
		"API key ci  changed the expected interval of the device  [{interval learned 1m0s}]",
		"API key ci  changed the labels of the device  [{label line  4} {label site a }]",
		"API key ci  renamed the device pump-8 [{name pump-7 pump-8}]",
		"Ada 203.0.113.9 made the API key ci [{role  editor}]",
	}
	if !slices.Equal(lines[:len(want)], want) || len(lines) != len(want)+1 {
		t.Errorf("history:\n%s", all)
	}
	if strings.Contains(all, token) || strings.Contains(all, secret) || !strings.Contains(lines[6], d.Tokens[0].Prefix()) {
		t.Errorf("tokens in the history:\n%s", all)
	}
	platform, err := s.PlatformHistory(t.Context(), HistoryQuery{})
	if err != nil || len(platform.Past) != 3 || strings.Contains(fmt.Sprint(platform), "argon2") {
		t.Errorf("platform: %+v, %v", platform, err)
	}
}

// TestHistoryPages walks a history in pages of every size, and sees all of it once, newest first.
func TestHistoryPages(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	var devices []Created
	for i := range 4 {
		list := make([]NewDevice, 1+i*2)
		for j := range list {
			list[j].Name = fmt.Sprint("pump-", i, "-", j)
		}
		created, err := s.CreateDevices(t.Context(), testActor, tenant, list)
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, created...)
	}
	walk := func(q HistoryQuery) (names []string) {
		for {
			page, err := s.History(t.Context(), tenant, q)
			if err != nil || len(page.Past) > q.Limit {
				t.Fatalf("%+v: %d, %v", q, len(page.Past), err)
			}
			for _, p := range page.Past {
				names = append(names, p.Name)
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return names
			}
		}
	}
	for limit := 1; limit <= len(devices)+1; limit++ {
		names := walk(HistoryQuery{Limit: limit})
		slices.Reverse(names)
		if !slices.EqualFunc(names, devices, func(name string, c Created) bool { return name == c.Device.Name }) {
			t.Errorf("pages of %d: %v", limit, names)
		}
	}
	if names := walk(HistoryQuery{Limit: 1, Device: devices[3].Device.ID}); !slices.Equal(names, []string{devices[3].Device.Name}) {
		t.Errorf("of one device: %v", names)
	}
}

func TestHistoryOfATenantIsItsOwn(t *testing.T) {
	s, made, _ := claimed(t)
	mustCreate(t, s, made.Tenant.ID, "pump-7")
	foreign := secondTenant(t, s)
	for _, tenant := range []id.Tenant{foreign, "t-none"} {
		if page, err := s.History(t.Context(), tenant, HistoryQuery{}); err != nil || len(page.Past) != 0 {
			t.Errorf("%s: %+v, %v", tenant, page, err)
		}
		for _, cursor := range []string{"2.1", "1.1", "x", "2", "99.1", "2.0", "-1.1", "2.1 "} {
			if _, err := s.History(t.Context(), tenant, HistoryQuery{Cursor: cursor}); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s, cursor %q: %v", tenant, cursor, err)
			}
		}
	}
	if _, err := s.History(t.Context(), foreign, HistoryQuery{Limit: MaxPage + 1}); !errors.Is(err, ErrInvalid) {
		t.Errorf("limit: %v", err)
	}
}

// TestEveryEventTells: no event is without words.
func TestEveryEventTells(t *testing.T) {
	for name, e := range everyEvent() {
		var p Past
		if e.tell(&p); p.Did == "" || p.Subject == "" {
			t.Errorf("%s says %+v", name, p)
		}
		if strings.Contains(fmt.Sprint(p), "argon2") {
			t.Errorf("%s shows a hash", name)
		}
	}
}
