package proof

import (
	"crypto/x509"
	"strings"

	"longwave/tenants"
	"longwave/tenants/id"
)

// maxChain bounds the certificates of a chain that are looked at: leaf, and a few authorities between.
const maxChain = 5

// Certificate checks the chain that a device has shown in TLS, its own certificate first. It returns a *Refusal.
func (c *Checker) Certificate(t id.Tenant, chain []*x509.Certificate) (Proof, error) {
	if len(chain) == 0 {
		return Proof{}, errCertUntrusted
	}
	leaf := chain[0]
	switch now := c.now(); {
	case now.After(leaf.NotAfter):
		return Proof{}, errCertExpired
	case now.Before(leaf.NotBefore):
		return Proof{}, errCertEarly
	}
	name := nameOf(t, "certificate", leaf.Raw)
	if p, ok := c.recall(name); ok {
		return p, nil
	}
	p, err := c.certified(t, chain[:min(len(chain), maxChain)])
	if err != nil {
		return Proof{}, err
	}
	c.remember(name, p)
	return p, nil
}

func (c *Checker) certified(t id.Tenant, chain []*x509.Certificate) (Proof, error) {
	leaf, st := chain[0], c.tenants.State()
	p := Proof{tenant: t, thumbprint: tenants.Thumbprint(leaf.Raw), until: leaf.NotAfter}
	if found, ok := st.Certificate(t, p.thumbprint); ok {
		p.device = found.Device
		return p, nil
	}
	err := error(errCertUntrusted)
	for _, each := range st.Trusts(t) {
		if each.IssuesTokens() || !c.signedBy(each, chain) {
			continue
		}
		named := Proof{tenant: t, until: p.until}
		if named.names(st, each, fieldsOf(leaf, each.Names.Field)) {
			return named, nil
		}
		err = errCertNoDevice
	}
	return Proof{}, err
}

// signedBy says whether a chain leads to an authority, for client authentication, now.
func (c *Checker) signedBy(t tenants.Trust, chain []*x509.Certificate) bool {
	authority, err := x509.ParseCertificate(t.Authority)
	if err != nil { // it was read when it was registered
		return false
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(authority)
	for _, each := range chain[1:] {
		between.AddCert(each)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: c.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}

// fieldsOf are the texts in the part of a certificate that may name a device.
func fieldsOf(leaf *x509.Certificate, field string) []string {
	switch field {
	case tenants.CommonName:
		return []string{leaf.Subject.CommonName}
	case tenants.SerialNumber:
		return []string{leaf.Subject.SerialNumber}
	case tenants.DNSName:
		return leaf.DNSNames
	case tenants.URI:
		var list []string
		for _, u := range leaf.URIs {
			list = append(list, strings.TrimSpace(u.String()))
		}
		return list
	}
	return nil
}
