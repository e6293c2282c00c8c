package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/tenants"
)

// authorityPEM is the certificate of an authority: valid until 2126, its key is nowhere.
const authorityPEM = `-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIUfhyxek+QtR2deU4zSbH9pMXmwzkwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIUGxhbnQgQ0EwIBcNMjYxMTIwMjAzNzAyWhgPMjEyNjEwMjcy
MDM3MDJaMBMxETAPBgNVBAMMCFBsYW50IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEqbc/AI2L71kN1bzdq7r/gxC11EzuRFOP0f3wdjfO7UsF9ADMq6IcpGD2
b2Fa+zsLglTMMfy9JtQ7tghS6biebKNTMFEwHQYDVR0OBBYEFAV4nh2v+VBUy1FC
7wyfVmQD2LHJMB8GA1UdIwQYMBaAFAV4nh2v+VBUy1FC7wyfVmQD2LHJMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgIKWkGgnIDi1pzZN+FF4UGgGr
hE+IzbNJNVtB6ovSJAwCIQDHReQML/lndF72AVm4PRT0Xr8SzAyrshB6JWBc3aLY
ng==
-----END CERTIFICATE-----`

func TestTrustIsAddedAndRemoved(t *testing.T) {
	s := start(t)
	b := s.owner()
	path := trustPath(s.claimed.Tenant.ID)
	if empty := b.get(path); !strings.Contains(empty.page.text("main"), "Nobody is trusted yet") || !strings.Contains(empty.page.text("#trust-address"), "?tenant="+string(s.claimed.Tenant.ID)) {
		t.Errorf("the empty page says %s", empty.page.text("main"))
	}
	made := b.follow(b.post(path, url.Values{
		"kind": {"authority"}, "authority-name": {"Plant CA"}, "authority-certificate": {authorityPEM}, "authority-field": {"uri"}, "authority-prefix": {"urn:"}, "authority-by": {"name"},
	}))
	b.post(path, url.Values{
		"kind": {"issuer"}, "issuer-name": {"Works"}, "issuer-issuer": {"https://login.example.com"}, "issuer-audience": {"longwave"}, "issuer-field": {"sub"}, "issuer-by": {"id"},
	})
	list := b.get(path).page.text("#main table")
	for _, want := range []string{"Plant CA", "CN=Plant CA", "URI behind urn:, as its name", "2126-", "Works", "https://login.example.com for longwave, keys found there"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is missing: %s", want, list)
		}
	}
	asked := b.get(made.page.attr("#main table a", "href"))
	if !strings.Contains(asked.page.text("main"), "refused from that moment on") {
		t.Errorf("removing is not explained: %s", asked.page.text("main"))
	}
	b.follow(b.post(asked.page.attr("#main form", "action"), url.Values{}))
	if left := s.tenants.State().Trusts(s.claimed.Tenant.ID); len(left) != 1 {
		t.Errorf("left are %+v", left)
	}
	for _, form := range []url.Values{
		{"kind": {"authority"}, "authority-name": {"x"}, "authority-field": {"dns"}, "authority-by": {"id"}},
		{"kind": {"issuer"}, "issuer-name": {"x"}, "issuer-issuer": {"https://a"}, "issuer-audience": {"b"}, "issuer-algorithms": {"none"}, "issuer-field": {"sub"}, "issuer-by": {"id"}},
	} {
		got := b.post(path, form)
		if got.status != http.StatusUnprocessableEntity || !got.page.has("[aria-invalid]") || !strings.HasPrefix(got.page.attr("[role=alert] a", "href"), "#"+form.Get("kind")) {
			t.Errorf("%v answers %d: %s", form, got.status, got.page.text("[role=alert]"))
		}
	}
}

func TestCertificatesOfADevice(t *testing.T) {
	s := start(t)
	b := s.owner()
	d := s.device("pump-7", nil)
	settings := devicePath(d) + "?tab=settings"
	b.follow(b.post(devicePath(d)+"/certificates", url.Values{"certificate": {authorityPEM}}))
	page := b.get(settings)
	list := s.tenants.State().Certificates(d.Tenant, d.ID)
	if len(list) != 1 || !strings.Contains(page.page.text("main"), list[0].Thumbprint) || !strings.Contains(page.page.text("main"), "valid until 2126-") {
		t.Fatalf("%+v: %s", list, page.page.text("main"))
	}
	refused := b.post(devicePath(d)+"/certificates", url.Values{"certificate": {"nonsense"}})
	if refused.status != http.StatusUnprocessableEntity || refused.page.text("#certificate") != "nonsense" || !refused.page.has("#certificate[aria-invalid]") {
		t.Errorf("nonsense is answered %d: %s", refused.status, refused.page.text("main"))
	}
	b.follow(b.post(devicePath(d)+"/certificates/"+list[0].Thumbprint+"/remove", url.Values{}))
	if left := s.tenants.State().Certificates(d.Tenant, d.ID); len(left) != 0 {
		t.Errorf("left are %+v", left)
	}
	if word := certificateEnd(time.Unix(0, 1), time.Now()); !strings.HasPrefix(word, "expired on") {
		t.Errorf("an end that has come: %s", word)
	}
	other := tenants.Device{ID: "d-0000000000000000", Tenant: d.Tenant}
	if got := b.post(devicePath(other)+"/certificates", url.Values{"certificate": {authorityPEM}}); got.status != http.StatusNotFound {
		t.Errorf("of no device: %d", got.status)
	}
}
