package oidc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

func TestAnHonestProviderSaysWhoItIs(t *testing.T) {
	h := newHostile(t)
	c := here()
	who, err := h.signIn(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if who.Issuer != h.server.URL || who.Subject != "ada" || who.Session != "s1" || who.Claims["email"] != "ada@example.com" {
		t.Errorf("signed in as %+v", who)
	}
	if end, ok, err := c.EndSession(t.Context(), h.config(), "https://longwave.example/"); err != nil || !ok || !strings.HasPrefix(end, h.server.URL+"/end?client_id=longwave&") {
		t.Errorf("the session there ends at %q, %v, %v", end, ok, err)
	}
}

// Every lie is refused, each with words of its own, and none of them tells a secret.
func TestEveryLieIsRefusedInItsOwnWords(t *testing.T) {
	h := newHostile(t)
	past := func(ago time.Duration) int64 { return time.Now().Add(-ago).Unix() }
	claim := func(name string, value any) func() { return func() { h.claims = map[string]any{name: value} } }
	sign := func(f func(string) string) func() { return func() { h.sign = f } }
	told := map[string]string{}
	for _, lie := range []struct {
		name   string
		want   *Error
		lie    func()
		change func(url.Values, *Pending)
	}{
		{"wrong nonce", ErrNonce, claim("nonce", "other"), nil},
		{"no nonce", ErrNonce, claim("nonce", nil), nil},
		{"wrong state", ErrState, nil, func(a url.Values, _ *Pending) { a.Set("state", "other") }},
		{"no state", ErrState, nil, func(a url.Values, p *Pending) { a.Del("state"); p.State = "" }},
		{"issuer of another", ErrTokenIssuer, claim("iss", "https://login.example.com"), nil},
		{"audience of another", ErrAudience, claim("aud", "other"), nil},
		{"no audience", ErrAudience, claim("aud", nil), nil},
		{"several audiences without a party", ErrAudience, claim("aud", []string{"longwave", "other"}), nil},
		{"another party", ErrAudience, func() { h.claims = map[string]any{"aud": []string{"longwave", "other"}, "azp": "other"} }, nil},
		{"expired", ErrExpired, claim("exp", past(2*time.Minute)), nil},
		{"never expires", ErrExpired, claim("exp", nil), nil},
		{"from the future", ErrIssuedAt, claim("iat", past(-time.Hour)), nil},
		{"from long ago", ErrIssuedAt, claim("iat", past(time.Hour)), nil},
		{"issued at no time", ErrIssuedAt, claim("iat", nil), nil},
		{"nobody", ErrToken, claim("sub", nil), nil},
		{"another access token", ErrToken, claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), nil},
		{"alg none", ErrAlgorithm, sign(unsigned), nil},
		{"secret as the key", ErrAlgorithm, sign(symmetric), nil},
		{"unknown key", ErrSignature, sign(func(c string) string { return oidctest.SignIDToken(h.stolen, "two", "ES256", c) }), nil},
		{"stolen name of a key", ErrSignature, sign(func(c string) string { return oidctest.SignIDToken(h.stolen, "one", "ES256", c) }), nil},
		{"changed after signing", ErrSignature, sign(func(c string) string {
			return tamper(oidctest.SignIDToken(h.key, "one", "ES256", c))
		}), nil},
		{"no token", ErrNoToken, sign(func(string) string { return "" }), nil},
		{"mixed up", ErrMixedUp, nil, func(a url.Values, _ *Pending) { a.Set("iss", "https://login.example.com") }},
		{"silent about who answers", ErrMixedUp, nil, func(a url.Values, _ *Pending) { a.Del("iss") }},
		{"refused", ErrRefused, nil, func(a url.Values, _ *Pending) { a.Set("error", "access_denied") }},
		{"no code", ErrNoCode, nil, func(a url.Values, _ *Pending) { a.Del("code") }},
		{"made-up code", ErrCode, nil, func(a url.Values, _ *Pending) { a.Set("code", "other") }},
		{"details of another", ErrSubject, func() { h.details = map[string]any{"sub": "eve"} }, nil},
		{"asked for nothing new", ErrStale, claim("auth_time", past(time.Hour)), func(_ url.Values, p *Pending) { p.Fresh = true }},
	} {
		h.claims, h.details, h.sign = nil, nil, func(claims string) string { return oidctest.SignIDToken(h.key, "one", "ES256", claims) }
		if lie.lie != nil {
			lie.lie()
		}
		_, err := h.signIn(here(), lie.change)
		wantError(t, lie.name, err, lie.want)
		var worded *Error
		if !errors.As(err, &worded) {
			continue
		}
		if worded.Problem == "" || worded.Remedy == "" || strings.Contains(err.Error()+worded.Problem+worded.Remedy, "hunter2") {
			t.Errorf("%s: says %q, %q", lie.name, err, worded.Remedy)
		}
		if code, ok := told[worded.Problem]; ok && code != worded.Code {
			t.Errorf("%s has the words of %s", worded.Code, code)
		}
		told[worded.Problem] = worded.Code
	}
}

func symmetric(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256"}`)) + "." + encode([]byte(claims))
	sum := hmac.New(sha256.New, []byte("hunter2"))
	sum.Write([]byte(text))
	return text + "." + encode(sum.Sum(nil))
}

// tamper makes another person of the one that was signed.
func tamper(token string) string {
	parts := strings.Split(token, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), `"ada"`, `"eve"`, 1)))
	return strings.Join(parts, ".")
}

func TestACodeWorksOnce(t *testing.T) {
	h := newHostile(t)
	c := here()
	var again url.Values
	var same Pending
	if _, err := h.signIn(c, func(a url.Values, p *Pending) { again, same = a, *p }); err != nil {
		t.Fatal(err)
	}
	_, err := c.Finish(t.Context(), h.config(), same, again)
	wantError(t, "replayed", err, ErrCode)
}

func TestNewKeysAreFoundAndNotAskedForTooOften(t *testing.T) {
	h := newHostile(t)
	c := here()
	if _, err := h.signIn(c, nil); err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.key = newKey(t)
	h.mu.Unlock()
	if _, err := h.signIn(c, nil); err != nil {
		t.Errorf("after a change of keys: %v", err)
	}
	h.sign = func(claims string) string { return oidctest.SignIDToken(h.stolen, "two", "ES256", claims) }
	for range 20 {
		_, err := h.signIn(c, nil)
		wantError(t, "a flood of unknown keys", err, ErrSignature)
	}
	if h.keysRead > keysAtOnce {
		t.Errorf("keys were asked for %d times", h.keysRead)
	}
}

func TestNoticesOfLogout(t *testing.T) {
	h := newHostile(t)
	c := here()
	now := time.Now().Unix()
	base := func() map[string]any {
		return map[string]any{"iss": h.server.URL, "aud": "longwave", "sub": "ada", "sid": "s1", "jti": "1", "iat": now, "exp": now + 60,
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	}
	notice := func(change map[string]any) string { return h.sign(encode(t, overlay(base(), change))) }
	if got, err := c.Ended(t.Context(), h.config(), notice(nil)); err != nil || got != (Ended{h.server.URL, "ada", "s1"}) {
		t.Errorf("ended %+v, %v", got, err)
	}
	for name, raw := range map[string]string{
		"an id token": notice(map[string]any{"events": nil, "nonce": "n"}), "with a nonce": notice(map[string]any{"nonce": "n"}),
		"of another issuer": notice(map[string]any{"iss": "https://login.example.com"}), "for another": notice(map[string]any{"aud": "other"}),
		"expired": notice(map[string]any{"exp": now - 120}), "unsigned": unsigned(encode(t, base())), "garbage": "garbage",
		"of an unknown key": oidctest.SignIDToken(h.stolen, "two", "ES256", encode(t, base())),
	} {
		_, err := c.Ended(t.Context(), h.config(), raw)
		wantError(t, name, err, ErrLogout)
	}
}
