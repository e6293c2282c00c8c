package tenants

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"longwave/tenants/id"
)

// Bounds of what devices may show instead of a token. Who calls without being known makes us look at all that a tenant
// trusts, so these are few.
const (
	maxTrusts       = 20
	maxCertificates = 4        // of one device: one in use, one to come, and some that were forgotten
	maxPEM          = 16 << 10 // bytes; the largest keys need a quarter of it
	maxKeySet       = 64 << 10 // bytes
	maxNaming       = 200      // bytes
)

// NewTrust asks for somebody to be believed. PEM makes it a certificate authority, Issuer an issuer of tokens.
type NewTrust struct {
	Name  string
	Names Naming

	PEM string // certificate of the authority

	Issuer, Audience string
	Algorithms       []string // all of TokenAlgorithms when empty
	Keys             string   // JSON Web Key Set; empty to find the keys at the issuer
}

// AddTrust lets a tenant believe a certificate authority or an issuer of tokens about its devices. It returns ErrNotFound,
// *InvalidError with the field "name", "certificate", "issuer", "audience", "algorithms", "keys", "field", "prefix" or "by",
// *LimitError, and the errors of every command.
func (s *Service) AddTrust(ctx context.Context, actor Actor, t id.Tenant, n NewTrust) (Trust, error) {
	added, err := n.check(s.now())
	if err != nil {
		return Trust{}, fmt.Errorf("add trust: %w", err)
	}
	st, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		list := st.Trusts(t)
		if len(list) >= maxTrusts {
			return nil, &LimitError{Name: "authorities and issuers", Max: maxTrusts}
		}
		if slices.ContainsFunc(list, func(other Trust) bool { return foldText(other.Name) == foldText(added.Name) }) {
			return nil, taken("name", added.Name)
		}
		return []event{added}, nil
	})
	if err != nil {
		return Trust{}, fmt.Errorf("add trust: %w", err)
	}
	made, _ := st.Trust(t, added.ID)
	return made, nil
}

func (n NewTrust) check(now time.Time) (added trustAdded, err error) {
	added = trustAdded{ID: id.New[id.Trust](), Names: n.Names}
	if added.Name, err = checkName("name", n.Name); err != nil {
		return added, err
	}
	if n.PEM != "" {
		err = added.certify(n.PEM, now)
	} else {
		err = added.issue(n)
	}
	if err != nil {
		return added, err
	}
	if added.Names.Field == "" || len(added.Names.Field) > maxNaming || added.Issuer == "" && !slices.Contains(CertificateFields(), added.Names.Field) {
		return added, invalid("field", "is not where a device can be named")
	}
	if len(added.Names.Prefix) > maxNaming {
		return added, invalid("prefix", "has %d bytes, at most %d are allowed", len(added.Names.Prefix), maxNaming)
	}
	if added.Names.By != ByID && added.Names.By != ByName {
		return added, invalid("by", "must be id or name")
	}
	return added, errors.Join(checkText("field", added.Names.Field), checkText("prefix", added.Names.Prefix))
}

// certify makes it the trust in a certificate authority.
func (e *trustAdded) certify(text string, now time.Time) error {
	found, err := parsePEM("certificate", text)
	switch {
	case err != nil:
		return err
	case !found.IsCA || !found.BasicConstraintsValid:
		return invalid("certificate", "is not that of an authority: its basic constraints do not say CA. To trust a single certificate, register it on its device's page")
	case now.After(found.NotAfter):
		return invalid("certificate", "has expired")
	}
	e.Authority, e.Subject, e.Expires = found.Raw, found.Subject.String(), found.NotAfter.UTC()
	return nil
}

// issue makes it the trust in an issuer of tokens.
func (e *trustAdded) issue(n NewTrust) error {
	u, err := url.Parse(n.Issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || len(n.Issuer) > maxIssuer {
		return invalid("issuer", "is not an address such as https://login.example.com")
	}
	if n.Audience == "" || len(n.Audience) > maxIssuer {
		return invalid("audience", "has %d characters, want 1 to %d", len(n.Audience), maxIssuer)
	}
	if len(n.Algorithms) == 0 {
		n.Algorithms = TokenAlgorithms()
	}
	for _, a := range n.Algorithms {
		if !slices.Contains(TokenAlgorithms(), a) {
			return invalid("algorithms", "%.20q is not one that is accepted: %s", a, strings.Join(TokenAlgorithms(), ", "))
		}
	}
	if strings.TrimSpace(n.Keys) != "" {
		if _, err := ParseKeys([]byte(n.Keys)); err != nil {
			return err
		}
		e.Keys = json.RawMessage(n.Keys)
	}
	e.Issuer, e.Audience, e.Algorithms = n.Issuer, n.Audience, slices.Compact(slices.Sorted(slices.Values(n.Algorithms)))
	return errors.Join(checkText("issuer", n.Issuer), checkText("audience", n.Audience))
}

// parsePEM reads the first certificate in a text.
func parsePEM(field, text string) (*x509.Certificate, error) {
	if len(text) > maxPEM {
		return nil, invalid(field, "has %d bytes, at most %d are allowed", len(text), maxPEM)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, invalid(field, "is not a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
	}
	found, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, invalid(field, "cannot be read as a certificate")
	}
	return found, nil
}

// RemoveTrust ends what AddTrust began, at once: who shows what came from there is refused. It returns ErrNotFound and the
// errors of every command.
func (s *Service) RemoveTrust(ctx context.Context, actor Actor, t id.Tenant, c id.Trust) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		found, ok := st.Trust(t, c)
		if !ok {
			return nil, fmt.Errorf("trust: %w", ErrNotFound)
		}
		return []event{trustRemoved{ID: c, Name: found.Name}}, nil
	})
	if err != nil {
		return fmt.Errorf("remove trust: %w", err)
	}
	return nil
}

// AddCertificate lets a device show a client certificate instead of its token. The text is the certificate in PEM or its
// SHA-256 thumbprint in hex. It returns ErrNotFound, *InvalidError with the field "certificate" (ErrExists when a device
// of the tenant has it), *LimitError, and the errors of every command.
func (s *Service) AddCertificate(ctx context.Context, actor Actor, t id.Tenant, d id.Device, text string) (Certificate, error) {
	added := certificateAdded{Device: d}
	if err := added.read(text, s.now()); err != nil {
		return Certificate{}, fmt.Errorf("add certificate: %w", err)
	}
	st, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if _, ok := st.Device(t, d); !ok {
			return nil, fmt.Errorf("device: %w", ErrNotFound)
		}
		if _, exists := st.Certificate(t, added.Thumbprint); exists {
			return nil, &InvalidError{Field: "certificate", Detail: "is registered already", taken: true}
		}
		if len(st.Certificates(t, d)) >= maxCertificates {
			return nil, &LimitError{Name: "certificates of a device", Max: maxCertificates}
		}
		return []event{added}, nil
	})
	if err != nil {
		return Certificate{}, fmt.Errorf("add certificate: %w", err)
	}
	made, _ := st.Certificate(t, added.Thumbprint)
	return made, nil
}

func (e *certificateAdded) read(text string, now time.Time) error {
	thumbprint := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	if sum, err := hex.DecodeString(thumbprint); err == nil && len(sum) == sha256.Size {
		e.Thumbprint = thumbprint
		return nil
	}
	found, err := parsePEM("certificate", text)
	if err != nil {
		return err
	}
	if now.After(found.NotAfter) {
		return invalid("certificate", "has expired")
	}
	e.Thumbprint, e.Subject, e.Expires = Thumbprint(found.Raw), found.Subject.String(), found.NotAfter.UTC()
	return nil
}

// Thumbprint is the SHA-256 of a certificate in DER, as openssl x509 -fingerprint -sha256 prints it, but for the colons.
func Thumbprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// RemoveCertificate ends what AddCertificate began, at once. It returns ErrNotFound and the errors of every command.
func (s *Service) RemoveCertificate(ctx context.Context, actor Actor, t id.Tenant, c Certificate) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		found, ok := st.Certificate(t, c.Thumbprint)
		if !ok || found.Device != c.Device {
			return nil, fmt.Errorf("certificate: %w", ErrNotFound)
		}
		return []event{certificateRemoved{Device: c.Device, Thumbprint: c.Thumbprint}}, nil
	})
	if err != nil {
		return fmt.Errorf("remove certificate: %w", err)
	}
	return nil
}
