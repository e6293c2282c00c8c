package tenants

import (
	"encoding/json"
	"time"

	"github.com/tidwall/btree"

	"longwave/tenants/id"
)

// Trust is somebody outside whom a tenant believes which of its devices is calling: a certificate authority, which has
// Authority, or an issuer of tokens, which has Issuer. It never changes: another one takes its place. What it holds is
// shared between all readers.
type Trust struct {
	ID      id.Trust
	Tenant  id.Tenant
	Name    string
	Created time.Time
	Names   Naming

	Authority []byte    // certificate of the authority, DER
	Subject   string    // of that certificate
	Expires   time.Time // when that certificate does

	Issuer     string          // iss of its tokens, to the letter
	Audience   string          // aud that its tokens must have
	Algorithms []string        // that it may sign with
	Keys       json.RawMessage // its keys as a JSON Web Key Set; empty when they are found at the issuer
}

// IssuesTokens tells an issuer of tokens from a certificate authority.
func (t Trust) IssuesTokens() bool { return t.Issuer != "" }

// Naming is how a certificate or a token says which device it is of.
type Naming struct {
	// Field is where it stands: one of CertificateFields, or the name of a claim, nested ones with dots.
	Field string `json:"field"`
	// Prefix is what stands before it there, urn:device: say.
	Prefix string   `json:"prefix,omitempty"`
	By     NamingBy `json:"by"`
}

// NamingBy is what names a device.
type NamingBy string

// What names a device.
const (
	ByID   NamingBy = "id"
	ByName NamingBy = "name"
)

// The parts of a certificate that may name a device.
const (
	CommonName   = "common_name"
	SerialNumber = "serial_number" // of the subject, not of the certificate
	DNSName      = "dns"
	URI          = "uri"
)

// CertificateFields lists the parts of a certificate that may name a device.
func CertificateFields() []string { return []string{CommonName, SerialNumber, DNSName, URI} }

// Certificate is a client certificate with which one device shows who it is.
type Certificate struct {
	Thumbprint string // SHA-256 of the certificate, in hex
	Tenant     id.Tenant
	Device     id.Device
	Subject    string    // empty when only the thumbprint is known
	Expires    time.Time // the same
	Added      time.Time
}

// proofs is the part of a State about what devices may show instead of a token.
type proofs struct {
	all          btree.Map[string, *Trust]       // by tenant and trust
	certificates btree.Map[string, *Certificate] // by tenant and thumbprint
	ofDevice     btree.Map[string, *Certificate] // by tenant, device and thumbprint
}

// share is freeze for this part.
func (p *proofs) share() proofs {
	return proofs{all: *p.all.Copy(), certificates: *p.certificates.Copy(), ofDevice: *p.ofDevice.Copy()}
}

// Trusts lists whom a tenant believes about its devices.
func (s *State) Trusts(t id.Tenant) []Trust {
	var list []Trust
	ascend(&s.proofs.all, string(t)+separator, func(_ string, v *Trust) bool {
		list = append(list, *v)
		return true
	})
	return list
}

// Trust returns one of them; false if the tenant has none of that id.
func (s *State) Trust(t id.Tenant, c id.Trust) (Trust, bool) {
	found, ok := s.proofs.all.Get(key2(t, c))
	if !ok {
		return Trust{}, false
	}
	return *found, true
}

// Certificate returns the certificate with that thumbprint; false if the tenant has registered none.
func (s *State) Certificate(t id.Tenant, thumbprint string) (Certificate, bool) {
	found, ok := s.proofs.certificates.Get(key2(t, thumbprint))
	if !ok {
		return Certificate{}, false
	}
	return *found, true
}

// Certificates lists the certificates of a device.
func (s *State) Certificates(t id.Tenant, d id.Device) []Certificate {
	var list []Certificate
	ascend(&s.proofs.ofDevice, key2(t, d)+separator, func(_ string, c *Certificate) bool {
		list = append(list, *c)
		return true
	})
	return list
}

// DeviceCalled returns the device of a tenant that somebody calls by its id or its name; false if there is none.
func (s *State) DeviceCalled(t id.Tenant, by NamingBy, text string) (Device, bool) {
	if by == ByID {
		d, err := id.Parse[id.Device](text)
		if err != nil {
			return Device{}, false
		}
		return s.Device(t, d)
	}
	found, ok := s.byName.Get(key2(t, foldText(text)))
	if !ok {
		return Device{}, false
	}
	return found.Device, true
}

func (p *proofs) putCertificate(c *Certificate) {
	p.certificates.Set(key2(c.Tenant, c.Thumbprint), c)
	p.ofDevice.Set(key2(c.Tenant, key2(c.Device, c.Thumbprint)), c)
}

func (p *proofs) dropCertificate(c *Certificate) {
	p.certificates.Delete(key2(c.Tenant, c.Thumbprint))
	p.ofDevice.Delete(key2(c.Tenant, key2(c.Device, c.Thumbprint)))
}

// dropDevice forgets the certificates of a device.
func (p *proofs) dropDevice(of id.Tenant, d id.Device) {
	var gone []*Certificate
	ascend(&p.ofDevice, key2(of, d)+separator, func(_ string, c *Certificate) bool {
		gone = append(gone, c)
		return true
	})
	for _, c := range gone {
		p.dropCertificate(c)
	}
}

// savedProofs is proofs in a snapshot.
type savedProofs struct {
	Trusts       []Trust
	Certificates []Certificate
}

func (p *proofs) saved() savedProofs {
	var out savedProofs
	p.all.Scan(func(_ string, v *Trust) bool {
		out.Trusts = append(out.Trusts, *v)
		return true
	})
	p.certificates.Scan(func(_ string, c *Certificate) bool {
		out.Certificates = append(out.Certificates, *c)
		return true
	})
	return out
}

func (p *proofs) restore(saved savedProofs) {
	for _, v := range saved.Trusts {
		p.all.Set(key2(v.Tenant, v.ID), &v)
	}
	for _, c := range saved.Certificates {
		p.putCertificate(&c)
	}
}
