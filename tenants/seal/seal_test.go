package seal

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longwave/tenants/id"
)

var here = Place{Tenant: id.New[id.Tenant](), Thing: "d-1", Field: "secret"}

func ring(t *testing.T, keys ...byte) *Ring {
	t.Helper()
	var lines []string
	for _, b := range keys {
		lines = append(lines, base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(b)), keyBytes))))
	}
	r, err := read(strings.NewReader(strings.Join(lines, "\n\n# a note\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealed(t *testing.T, r *Ring, secret string) Sealed {
	t.Helper()
	s, err := r.Seal(here, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpensWhatWasSealed(t *testing.T) {
	r := ring(t, 'a')
	for _, secret := range []string{"", "whsec_hunter2", strings.Repeat("x", maxSecret)} {
		s := sealed(t, r, secret)
		if secret != "" && strings.Contains(string(s), secret) {
			t.Error("the secret can be read")
		}
		if back, err := r.Open(here, s); err != nil || string(back) != secret {
			t.Errorf("%.20q: %v", secret, err)
		}
		if s == sealed(t, r, secret) {
			t.Error("equal secrets can be told from what is sealed")
		}
	}
	if _, err := r.Seal(here, make([]byte, maxSecret+1)); err == nil {
		t.Error("a secret without bound is sealed")
	}
}

func TestOpensNowhereElse(t *testing.T) {
	r := ring(t, 'a')
	s := sealed(t, r, "x")
	other := here
	other.Tenant = id.New[id.Tenant]()
	for _, place := range []Place{
		{}, other,
		{Tenant: here.Tenant, Thing: "d-2", Field: "secret"},
		{Tenant: here.Tenant, Thing: "d-1", Field: "password"},
		{Tenant: here.Tenant, Thing: "d-1s", Field: "ecret"},
	} {
		if _, err := r.Open(place, s); !errors.Is(err, ErrSealed) {
			t.Errorf("opened at %+v: %v", place, err)
		}
	}
}

func TestEveryChangeShows(t *testing.T) {
	r := ring(t, 'a')
	s := string(sealed(t, r, "some secret"))
	for i := range s {
		for _, c := range []byte{'A', 'z', '.', '0'} {
			changed := s[:i] + string(c) + s[i+1:]
			if changed == s {
				continue
			}
			if _, err := r.Open(here, Sealed(changed)); !errors.Is(err, ErrSealed) && !errors.Is(err, ErrKey) {
				t.Errorf("byte %d changed to %c: %v", i, c, err)
			}
		}
		if _, err := r.Open(here, Sealed(s[:i])); !errors.Is(err, ErrSealed) && !errors.Is(err, ErrKey) {
			t.Errorf("cut off at %d: %v", i, err)
		}
	}
}

func TestKeysRotate(t *testing.T) {
	old := ring(t, 'a')
	s := sealed(t, old, "x")
	both := ring(t, 'b', 'a')
	if back, err := both.Open(here, s); err != nil || string(back) != "x" {
		t.Error("the old key does not open any more", err)
	}
	if both.Current() == old.Current() {
		t.Error("the first line does not seal")
	}
	_, err := ring(t, 'b').Open(here, s)
	var missing *KeyError
	if !errors.As(err, &missing) || !errors.Is(err, ErrKey) || missing.Need != old.Current() || missing.Have[0] != both.Current() {
		t.Errorf("the missing key is not named: %v", err)
	}
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	made, err := Ensure(dir)
	if err != nil || !made.Fresh() {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, File))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	again, err := Ensure(dir)
	if err != nil || again.Fresh() || again.Current() != made.Current() {
		t.Errorf("the key of the second start is another: %v", err)
	}
	if back, err := again.Open(here, sealed(t, made, "x")); err != nil || string(back) != "x" {
		t.Error(err)
	}
}

func TestBadKeyFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "only notes": "# nothing\n", "too short": "c2VjcmV0\n", "no base64": strings.Repeat("?", 44) + "\n",
		"hunter2": "hunter2",
	} {
		path := filepath.Join(t.TempDir(), File)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(strings.TrimPrefix(err.Error(), path), "hunter2") {
			t.Error("what stands in a key file is in an error")
		}
		if _, err := Ensure(filepath.Dir(path)); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: a damaged key file was passed over: %v", name, err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, ErrKeyFile) {
		t.Error(err)
	}
}
