package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"longwave/processors/forward/outbound"
)

// here is a client that reaches providers of this machine.
func here() *Client {
	return New(Options{Guard: outbound.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
}

// hostile is an identity provider that lies on demand. What it would say by itself is right.
type hostile struct {
	t      *testing.T
	server *httptest.Server
	key    *ecdsa.PrivateKey
	stolen *ecdsa.PrivateKey // not published

	mu       sync.Mutex
	codes    map[string]url.Values // to what was asked for with the code
	metadata map[string]any        // what discovery says otherwise
	claims   map[string]any        // what the token says otherwise; nil removes
	details  map[string]any        // what the userinfo says otherwise
	sign     func(claims string) string
	keysRead int
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{t: t, key: newKey(t), stolen: newKey(t), codes: map[string]url.Values{}}
	h.sign = func(claims string) string { return oidctest.SignIDToken(h.key, "one", "ES256", claims) }
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", h.discovery)
	mux.HandleFunc("/keys", h.keys)
	mux.HandleFunc("/token", h.token)
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.write(w, overlay(map[string]any{"sub": "ada", "email": "ada@example.com", "email_verified": true}, h.details))
	})
	h.server = httptest.NewServer(mux)
	t.Cleanup(h.server.Close)
	return h
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (h *hostile) discovery(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.server.URL
	h.write(w, overlay(map[string]any{
		"issuer": at, "authorization_endpoint": at + "/authorize", "token_endpoint": at + "/token", "jwks_uri": at + "/keys",
		"userinfo_endpoint": at + "/userinfo", "end_session_endpoint": at + "/end", "response_types_supported": []string{"code"},
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}, "authorization_response_iss_parameter_supported": true,
	}, h.metadata))
}

func (h *hostile) keys(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keysRead++
	server := oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: crypto.PublicKey(&h.key.PublicKey), KeyID: "one", Algorithm: "ES256"}}}
	server.SetIssuer(h.server.URL)
	r.URL.Path = "/keys"
	server.ServeHTTP(w, r)
}

// token takes a code once, and only with the verifier of its challenge.
func (h *hostile) token(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		h.t.Error(err)
	}
	asked, ok := h.codes[r.PostForm.Get("code")]
	delete(h.codes, r.PostForm.Get("code"))
	if !ok || r.PostForm.Get("redirect_uri") != asked.Get("redirect_uri") || r.PostForm.Get("code_verifier") == "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		h.write(w, map[string]any{"error": "invalid_grant", "error_description": "the secret is hunter2"})
		return
	}
	now := time.Now()
	claims, err := json.Marshal(overlay(map[string]any{
		"iss": h.server.URL, "sub": "ada", "aud": "longwave", "nonce": asked.Get("nonce"), "sid": "s1",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "auth_time": now.Unix(),
	}, h.claims))
	if err != nil {
		h.t.Error(err)
	}
	h.write(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": h.sign(string(claims))})
}

func (h *hostile) write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		h.t.Error(err)
	}
}

func overlay(base, other map[string]any) map[string]any {
	for name, value := range other {
		if base[name] = value; value == nil {
			delete(base, name)
		}
	}
	return base
}

func (h *hostile) config() Config {
	return Config{Issuer: h.server.URL, ClientID: "longwave", Secret: "hunter2", RedirectURL: "https://longwave.example/callback", Claims: []string{"email"}}
}

// authorize is what happens in the browser between Begin and Finish: the answer that the provider sends back.
func (h *hostile) authorize(address string) url.Values {
	h.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		h.t.Fatal(err)
	}
	asked := u.Query()
	if asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") == "" || asked.Get("nonce") == "" || asked.Get("response_type") != "code" {
		h.t.Fatalf("the browser is sent with %v", asked)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	code := random()
	h.codes[code] = asked
	return url.Values{"code": {code}, "state": {asked.Get("state")}, "iss": {h.server.URL}}
}

// signIn goes the whole way, with the answer changed on its way back.
func (h *hostile) signIn(c *Client, change func(url.Values, *Pending)) (Identity, error) {
	h.t.Helper()
	address, pending, err := c.Begin(h.t.Context(), h.config(), Ask{})
	if err != nil {
		return Identity{}, err
	}
	answer := h.authorize(address)
	if change != nil {
		change(answer, &pending)
	}
	return c.Finish(h.t.Context(), h.config(), pending, answer)
}

func unsigned(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
