package tenants

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"strings"
	"testing"
	"time"

	"longwave/tenants/id"
)

// selfSigned is a certificate in PEM.
func selfSigned(t testing.TB, authority bool, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Plant CA"}, NotBefore: until.Add(-time.Hour), NotAfter: until,
		IsCA: authority, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

const publicKeys = `{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

func randomProof(ctx context.Context, s *Service, d Device, random *mathrand.Rand) (err error) {
	trusts, own := s.State().Trusts(d.Tenant), s.State().Certificates(d.Tenant, d.ID)
	switch n := random.IntN(4); {
	case n == 0 && len(own) < maxCertificates:
		_, err = s.AddCertificate(ctx, testActor, d.Tenant, d.ID, fmt.Sprintf("%064x", random.IntN(40)))
	case n == 1 && len(own) > 0:
		err = s.RemoveCertificate(ctx, testActor, d.Tenant, own[0])
	case n == 2 && len(trusts) < maxTrusts:
		_, err = s.AddTrust(ctx, testActor, d.Tenant, NewTrust{
			Name: fmt.Sprint("Works ", random.IntN(40)), Issuer: "https://a.example", Audience: "longwave", Keys: publicKeys, Names: Naming{Field: "sub", By: ByName},
		})
	case len(trusts) > 0:
		err = s.RemoveTrust(ctx, testActor, d.Tenant, trusts[0].ID)
	}
	return err
}

func TestADeviceHasCertificates(t *testing.T) {
	s, made, js := claimed(t)
	tenant := made.Tenant.ID
	d, _ := mustCreate(t, s, tenant, "pump-7")
	text := selfSigned(t, false, time.Now().Add(time.Hour))
	c, err := s.AddCertificate(t.Context(), testActor, tenant, d.ID, text)
	if err != nil || c.Device != d.ID || c.Subject != "CN=Plant CA" || c.Expires.IsZero() {
		t.Fatalf("added %+v, %v", c, err)
	}
	withColons := strings.ToUpper(c.Thumbprint[:2] + ":" + c.Thumbprint[2:])
	if _, err := s.AddCertificate(t.Context(), testActor, tenant, d.ID, withColons); !errors.Is(err, ErrExists) {
		t.Errorf("the same by its thumbprint: %v", err)
	}
	for _, wrong := range []string{"", "abc", "-----BEGIN", strings.ReplaceAll(text, "CERTIFICATE", "PRIVATE KEY"), selfSigned(t, false, time.Now().Add(-time.Second)), strings.Repeat("x", maxPEM+1)} {
		if _, err := s.AddCertificate(t.Context(), testActor, tenant, d.ID, wrong); !errors.Is(err, ErrInvalid) || errors.Is(err, ErrExists) {
			t.Errorf("%.20q: %v", wrong, err)
		}
	}
	for i := range maxCertificates - 1 {
		if _, err := s.AddCertificate(t.Context(), testActor, tenant, d.ID, fmt.Sprintf("%064x", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.AddCertificate(t.Context(), testActor, tenant, d.ID, fmt.Sprintf("%064x", 99)); !errors.Is(err, ErrLimit) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := s.AddCertificate(t.Context(), testActor, tenant, id.New[id.Device](), fmt.Sprintf("%064x", 99)); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no device: %v", err)
	}
	if err := s.RemoveCertificate(t.Context(), testActor, tenant, c); err != nil {
		t.Fatal(err)
	}
	if _, still := s.State().Certificate(tenant, c.Thumbprint); still {
		t.Error("a removed certificate is there")
	}
	if err := s.DeleteDevice(t.Context(), testActor, tenant, d.ID); err != nil {
		t.Fatal(err)
	}
	if left := s.State().Certificates(tenant, d.ID); len(left) != 0 {
		t.Errorf("a deleted device has %d certificates", len(left))
	}
	sameState(t, s.State(), opened(t, Options{JS: js}).State())
}

func TestATenantTrustsWhatCanBeTrusted(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	byName := Naming{Field: CommonName, By: ByName}
	good := NewTrust{Name: "Plant CA", PEM: selfSigned(t, true, time.Now().Add(time.Hour)), Names: byName}
	added, err := s.AddTrust(t.Context(), testActor, tenant, good)
	if err != nil || added.Subject != "CN=Plant CA" || added.IssuesTokens() {
		t.Fatalf("added %+v, %v", added, err)
	}
	issuer := NewTrust{Name: "Works", Issuer: "https://login.example.com", Audience: "longwave", Keys: publicKeys, Names: Naming{Field: "sub", By: ByID}}
	secret := strings.Replace(publicKeys, `"kid"`, `"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","kid"`, 1)
	shared := `{"keys":[{"kty":"oct","k":"AAAA","kid":"1"}]}`
	for name, change := range map[string]func(*NewTrust){
		"name":         func(n *NewTrust) { n.Name = "" },
		"taken":        func(n *NewTrust) { n.Name = "plant ca" },
		"issuer":       func(n *NewTrust) { n.Issuer = "login.example.com" },
		"audience":     func(n *NewTrust) { n.Audience = "" },
		"none":         func(n *NewTrust) { n.Algorithms = []string{"none"} },
		"symmetric":    func(n *NewTrust) { n.Algorithms = []string{"ES256", "HS256"} },
		"no set":       func(n *NewTrust) { n.Keys = "hello" },
		"empty set":    func(n *NewTrust) { n.Keys = `{"keys":[]}` },
		"secret key":   func(n *NewTrust) { n.Keys = secret },
		"shared key":   func(n *NewTrust) { n.Keys = shared },
		"field":        func(n *NewTrust) { n.Names.Field = "" },
		"by":           func(n *NewTrust) { n.Names.By = "label" },
		"no authority": func(n *NewTrust) { n.PEM = selfSigned(t, false, time.Now().Add(time.Hour)) },
		"expired":      func(n *NewTrust) { n.PEM, n.Names = selfSigned(t, true, time.Now().Add(-time.Second)), byName },
		"no field":     func(n *NewTrust) { n.PEM = good.PEM },
	} {
		wrong := issuer
		change(&wrong)
		if _, err := s.AddTrust(t.Context(), testActor, tenant, wrong); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	made2, err := s.AddTrust(t.Context(), testActor, tenant, issuer)
	if err != nil || len(made2.Algorithms) != len(TokenAlgorithms()) {
		t.Errorf("added %+v, %v", made2, err)
	}
	other := secondTenant(t, s)
	if err := s.RemoveTrust(t.Context(), testActor, other, added.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("another tenant removes it: %v", err)
	}
	if err := s.RemoveTrust(t.Context(), testActor, tenant, added.ID); err != nil {
		t.Error(err)
	}
	if list := s.State().Trusts(tenant); len(list) != 1 || list[0].ID != made2.ID || len(s.State().Trusts(other)) != 0 {
		t.Errorf("trusted are %+v", list)
	}
}
