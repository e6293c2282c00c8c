package oidc

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDiscoverySaysWhatWasFound(t *testing.T) {
	h := newHostile(t)
	found, err := here().Discover(t.Context(), h.server.URL)
	if err != nil || found.Issuer != h.server.URL || !found.AnswersIssuer || !found.EndsSessions || !found.UserInfo || strings.Join(found.Algorithms, " ") != "ES256" {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestDiscoveryRefusesWhatCannotWork(t *testing.T) {
	h := newHostile(t)
	c := here()
	for name, change := range map[string]map[string]any{
		"another issuer":      {"issuer": "https://login.example.com"},
		"no token endpoint":   {"token_endpoint": nil},
		"a script for a page": {"authorization_endpoint": "javascript:alert(1)"},
		"implicit flow only":  {"response_types_supported": []string{"id_token"}},
		"no algorithm":        {"id_token_signing_alg_values_supported": []string{"none", "HS256"}},
	} {
		h.metadata = change
		want := ErrMetadata
		if name == "another issuer" {
			want = ErrIssuer
		}
		_, err := c.Discover(t.Context(), h.server.URL)
		wantError(t, name, err, want)
	}
	_, err := c.Discover(t.Context(), h.server.URL+"/nothing-here")
	wantError(t, "no document", err, ErrMetadata)
	for _, text := range []string{"", "login.example.com", "ftp://login.example.com", "https://a:b@login.example.com", "https://login.example.com#x"} {
		_, err := c.Discover(t.Context(), text)
		wantError(t, text, err, ErrIssuerText)
	}
}

func TestAnAnswerWithoutEndIsCutOff(t *testing.T) {
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for w != nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	if _, err := here().Discover(t.Context(), endless.URL); err == nil {
		t.Error("an endless answer was taken")
	}
}

func TestPrivateAddressesAreNotReached(t *testing.T) {
	reached := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	for _, address := range []string{server.URL, strings.Replace(server.URL, "https", "http", 1), "http://169.254.169.254/latest"} {
		_, err := New(Options{}).Discover(t.Context(), address)
		wantError(t, address, err, ErrPrivate)
	}
	if reached {
		t.Error("the server was asked")
	}
}
