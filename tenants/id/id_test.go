package id_test

import (
	"errors"
	"strings"
	"testing"

	"longwave/tenants/id"
)

func TestParse(t *testing.T) {
	for _, good := range []string{"a", "0", "t-7k3m", "a-", strings.Repeat("x", 63)} {
		if got, err := id.Parse[id.Tenant](good); err != nil || string(got) != good {
			t.Errorf("%q: %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{"", "-a", "A", "a.b", "*", ">", "a b", "ä", "a_b", "a\x00", "a\n", "a/b", strings.Repeat("x", 64)} {
		if got, err := id.Parse[id.Tenant](bad); !errors.Is(err, id.ErrInvalid) || got != "" {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
}

func TestNewIsValidAndNamesItsKind(t *testing.T) {
	tenant, device, person, key := id.New[id.Tenant](), id.New[id.Device](), id.New[id.Person](), id.New[id.Key]()
	rule, destination := id.New[id.Rule](), id.New[id.Destination]()
	for prefix, made := range map[string]string{"t-": string(tenant), "d-": string(device), "p-": string(person), "k-": string(key),
		"r-": string(rule), "o-": string(destination)} {
		if _, err := id.Parse[id.Tenant](made); err != nil || !strings.HasPrefix(made, prefix) || len(made) != 18 {
			t.Errorf("%q: %v", made, err)
		}
	}
	seen := map[id.Device]bool{}
	for range 10_000 {
		seen[id.New[id.Device]()] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("only %d of 10000 names were different", len(seen))
	}
}

// FuzzParseID checks the promise of the package: what Parse lets through is one NATS token that means nothing else.
func FuzzParseID(f *testing.F) {
	for _, text := range []string{"t-7k3m", "", "*", ">", "a.b", "-", "a\x00b", "ﬀ", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := id.Parse[id.Device](text)
		if err != nil {
			if !errors.Is(err, id.ErrInvalid) || got != "" {
				t.Fatalf("%q: %q, %v", text, got, err)
			}
			return
		}
		if string(got) != text || text == "" || len(text) > 63 || text[0] == '-' || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Fatalf("%q was let through as %q", text, got)
		}
	})
}
