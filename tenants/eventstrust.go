package tenants

import (
	"encoding/json"
	"strings"
	"time"

	"longwave/tenants/id"
)

// The events about what devices may show instead of a token.
type (
	trustAdded struct {
		ID         id.Trust        `json:"id"`
		Name       string          `json:"name"`
		Authority  []byte          `json:"authority_der,omitempty"`
		Subject    string          `json:"subject,omitempty"`
		Expires    time.Time       `json:"expires,omitzero"`
		Issuer     string          `json:"issuer,omitempty"`
		Audience   string          `json:"audience,omitempty"`
		Algorithms []string        `json:"algorithms,omitempty"`
		Keys       json.RawMessage `json:"keys,omitempty"`
		Names      Naming          `json:"names"`
	}
	trustRemoved struct {
		ID   id.Trust `json:"id"`
		Name string   `json:"name"`
	}
	certificateAdded struct {
		Device     id.Device `json:"device"`
		Thumbprint string    `json:"sha256"`
		Subject    string    `json:"subject,omitempty"`
		Expires    time.Time `json:"expires,omitzero"`
	}
	certificateRemoved struct {
		Device     id.Device `json:"device"`
		Thumbprint string    `json:"sha256"`
	}
)

func (e trustAdded) apply(s *State, at stamp) error {
	if _, exists := s.Trust(at.tenant, e.ID); exists {
		return contradiction("trust %s exists", e.ID)
	}
	s.proofs.all.Set(key2(at.tenant, e.ID), &Trust{
		ID: e.ID, Tenant: at.tenant, Name: e.Name, Created: at.at, Names: e.Names, Authority: e.Authority, Subject: e.Subject, Expires: e.Expires,
		Issuer: e.Issuer, Audience: e.Audience, Algorithms: e.Algorithms, Keys: e.Keys,
	})
	return s.count(at.tenant, 0, 0, 0)
}

func (e trustRemoved) apply(s *State, at stamp) error {
	if _, ok := s.proofs.all.Delete(key2(at.tenant, e.ID)); !ok {
		return contradiction("there is no trust %s", e.ID)
	}
	return nil
}

func (e certificateAdded) apply(s *State, at stamp) error {
	if _, ok := s.Device(at.tenant, e.Device); !ok {
		return contradiction("there is no device %s", e.Device)
	}
	if _, taken := s.Certificate(at.tenant, e.Thumbprint); taken {
		return contradiction("the certificate %s is registered", e.Thumbprint)
	}
	s.proofs.putCertificate(&Certificate{
		Thumbprint: e.Thumbprint, Tenant: at.tenant, Device: e.Device, Subject: e.Subject, Expires: e.Expires, Added: at.at,
	})
	return nil
}

func (e certificateRemoved) apply(s *State, at stamp) error {
	found, ok := s.proofs.certificates.Get(key2(at.tenant, e.Thumbprint))
	if !ok || found.Device != e.Device {
		return contradiction("device %s has no certificate %s", e.Device, e.Thumbprint)
	}
	s.proofs.dropCertificate(found)
	return nil
}

func (e trustAdded) tell(p *Past) {
	p.Did, p.Subject, p.Name = "trusts, about its devices, the certificate authority", string(e.ID), e.Name
	if e.Issuer != "" {
		p.Did = "trusts, about its devices, the issuer of tokens"
	}
	p.differ("subject", "", e.Subject)
	p.differ("issuer", "", e.Issuer)
	p.differ("audience", "", e.Audience)
	p.differ("algorithms", "", strings.Join(e.Algorithms, ", "))
	p.differ("the device stands in", "", e.Names.words())
}

func (n Naming) words() string {
	text := n.Field
	if n.Prefix != "" {
		text += " behind " + n.Prefix
	}
	return text + ", as its " + string(n.By)
}

func (e trustRemoved) tell(p *Past) {
	p.Did, p.Subject, p.Name = "does not trust any more, about its devices,", string(e.ID), e.Name
}

func (e certificateAdded) tell(p *Past) {
	p.Did, p.Subject = "registered a certificate of the device", string(e.Device)
	p.differ("SHA-256 of the certificate", "", e.Thumbprint)
	p.differ("its subject", "", e.Subject)
	if !e.Expires.IsZero() {
		p.differ("it is valid until", "", e.Expires.UTC().Format(time.RFC3339))
	}
}

func (e certificateRemoved) tell(p *Past) {
	p.Did, p.Subject = "removed a certificate of the device", string(e.Device)
	p.differ("SHA-256 of the certificate", e.Thumbprint, "")
}
