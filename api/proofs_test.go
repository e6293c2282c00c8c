package api_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"longwave/api"
	"longwave/api/proof"
	"longwave/processors/forward/outbound"
	"longwave/tenants"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	a := authority{key: newKey(t)}
	a.cert = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, a.key)
	return a
}

// sign signs a certificate for the key; an authority without one signs itself.
func (a authority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	parent := a.cert
	if parent == nil {
		parent = template
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert
}

func pemOf(cert *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

// leaf is a client certificate for a name, as a key pair for TLS.
func (a authority) leaf(t *testing.T, name string, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	key := newKey(t)
	cert := a.sign(t, template, key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// overTLS serves the rig on a TLS listener that asks for client certificates, as the program does.
func (r *rig) overTLS(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(r.router)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// client is one that shows a certificate.
func client(server *httptest.Server, shown ...tls.Certificate) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: shown}}}
}

func postOverTLS(t *testing.T, server *httptest.Server, tenant string, shown ...tls.Certificate) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/ingest/v1/packets?tenant="+url.QueryEscape(tenant), strings.NewReader(packet))
	must(t, err)
	res, err := client(server, shown...).Do(req)
	must(t, err)
	defer res.Body.Close()
	got := answer{status: res.StatusCode, header: res.Header}
	var body json.RawMessage
	must(t, json.NewDecoder(res.Body).Decode(&body))
	got.body = body
	return got
}

func TestADeviceShowsACertificate(t *testing.T) {
	r := newRig(t)
	server, actor := r.overTLS(t), tenants.Actor{System: "test"}
	plant, foreign, nobodys := newAuthority(t, "Plant CA"), newAuthority(t, "Their CA"), newAuthority(t, "Somebody")
	trust, err := r.tenants.AddTrust(t.Context(), actor, r.ours.id, tenants.NewTrust{Name: "Plant CA", PEM: pemOf(plant.cert), Names: tenants.Naming{Field: tenants.CommonName, Prefix: "urn:", By: tenants.ByName}})
	must(t, err)
	_, err = r.tenants.AddTrust(t.Context(), actor, r.theirs.id, tenants.NewTrust{Name: "Their CA", PEM: pemOf(foreign.cert), Names: tenants.Naming{Field: tenants.CommonName, Prefix: "urn:", By: tenants.ByID}})
	must(t, err)
	own := nobodys.leaf(t, "anything", nil)
	c, err := r.tenants.AddCertificate(t.Context(), actor, r.ours.id, r.ours.device.ID, pemOf(own.Leaf))
	must(t, err)
	expired := nobodys.leaf(t, "anything", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) })
	_, err = r.tenants.AddCertificate(t.Context(), actor, r.ours.id, r.ours.device.ID, tenants.Thumbprint(expired.Leaf.Raw))
	must(t, err)

	name, ours := "urn:"+r.ours.device.Name, string(r.ours.id)
	good := plant.leaf(t, name, nil)
	for what, shown := range map[string]tls.Certificate{"of an authority": good, "registered": own} {
		if got := postOverTLS(t, server, ours, shown); got.status != 200 {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
		if _, by := r.accept.last(t); by.Device != r.ours.device.ID || by.Tenant != r.ours.id {
			t.Errorf("%s: it is taken for %s of %s", what, by.Device, by.Tenant)
		}
	}
	usage := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	for what, refused := range map[string]struct {
		tenant, code string
		shown        tls.Certificate
	}{
		"wrong authority":          {ours, "certificate_not_trusted", nobodys.leaf(t, name, nil)},
		"other tenant's authority": {ours, "certificate_not_trusted", foreign.leaf(t, name, nil)},
		"ours in their tenant":     {string(r.theirs.id), "certificate_not_trusted", good},
		"registered, their tenant": {string(r.theirs.id), "certificate_not_trusted", own},
		"a tenant that is none":    {"t-0000000000000000", "certificate_not_trusted", good},
		"no id of a tenant":        {"*", "certificate_not_trusted", good},
		"not for clients":          {ours, "certificate_not_trusted", plant.leaf(t, name, usage)},
		"our device by their word": {string(r.theirs.id), "certificate_device_unknown", foreign.leaf(t, "urn:"+string(r.ours.device.ID), nil)},
		"expired":                  {ours, "certificate_expired", plant.leaf(t, name, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) })},
		"expired, registered":      {ours, "certificate_expired", expired},
		"not yet valid":            {ours, "certificate_not_yet_valid", plant.leaf(t, name, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour / 2) })},
		"no device":                {ours, "certificate_device_unknown", plant.leaf(t, "urn:nobody", nil)},
		"their device":             {ours, "certificate_device_unknown", plant.leaf(t, "urn:"+r.theirs.device.Name, nil)},
		"without the prefix":       {ours, "certificate_device_unknown", plant.leaf(t, r.ours.device.Name, nil)},
		"tenant not named":         {"", "tenant_missing", good},
	} {
		if got := postOverTLS(t, server, refused.tenant, refused.shown); got.status != 401 || got.problem(t).Code != refused.code {
			t.Errorf("%s: %d %s, want %s", what, got.status, got.body, refused.code)
		}
	}
	if got := postOverTLS(t, server, ours); got.status != 401 || got.problem(t).Code != "credentials_missing" {
		t.Errorf("no certificate: %d %s", got.status, got.body)
	}
	must(t, r.tenants.RemoveCertificate(t.Context(), actor, r.ours.id, c))
	must(t, r.tenants.RemoveTrust(t.Context(), actor, r.ours.id, trust.ID))
	for what, shown := range map[string]tls.Certificate{"of an authority": good, "registered": own} {
		if got := postOverTLS(t, server, ours, shown); got.status != 401 || got.problem(t).Code != "certificate_not_trusted" {
			t.Errorf("removed, %s: %d %s", what, got.status, got.body)
		}
	}
}

// issuer signs tokens and publishes its keys.
type issuer struct {
	*httptest.Server
	mu   sync.Mutex
	keys []jose.JSONWebKey // secret halves; the last one signs
	fail bool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		switch {
		case i.fail:
			w.WriteHeader(http.StatusBadGateway)
		case strings.HasSuffix(r.URL.Path, "openid-configuration"):
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
		default:
			_, _ = w.Write(i.set(t))
		}
	}))
	t.Cleanup(i.Close)
	i.add(t, "1", nil)
	return i
}

// add adds a key, a new one when it is nil; the lock is not held.
func (i *issuer) add(t *testing.T, kid string, key crypto.Signer) {
	t.Helper()
	if key == nil {
		key = newKey(t)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, jose.JSONWebKey{Key: key, KeyID: kid})
}

func (i *issuer) set(t *testing.T) []byte {
	t.Helper()
	var public jose.JSONWebKeySet
	for _, k := range i.keys {
		public.Keys = append(public.Keys, k.Public())
	}
	text, err := json.Marshal(public)
	must(t, err)
	return text
}

// token is one that names a device, changed.
func (i *issuer) token(t *testing.T, device string, change func(map[string]any)) string {
	t.Helper()
	now := time.Now()
	said := map[string]any{"iss": i.URL, "aud": []string{"other", "longwave"}, "device": map[string]any{"name": device}, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nbf": now.Unix()}
	if change != nil {
		change(said)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	key := i.keys[len(i.keys)-1]
	algorithm := jose.ES256
	if _, ok := key.Key.(ed25519.PrivateKey); ok {
		algorithm = jose.EdDSA
	}
	return signToken(t, jose.SigningKey{Algorithm: algorithm, Key: key}, said)
}

func signToken(t *testing.T, key jose.SigningKey, said map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, nil)
	must(t, err)
	payload, err := json.Marshal(said)
	must(t, err)
	signed, err := signer.Sign(payload)
	must(t, err)
	raw, err := signed.CompactSerialize()
	must(t, err)
	return raw
}

// insideAllowed lets issuers be on this machine.
func insideAllowed(t *testing.T) func(*api.Options) {
	return func(o *api.Options) {
		var err error
		o.Proofs, err = proof.New(proof.Options{Tenants: o.Tenants, Guard: outbound.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
		must(t, err)
	}
}
