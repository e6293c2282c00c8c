package api

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
)

// CertificatePath is the part of an address that names a certificate of a device.
type CertificatePath struct {
	Thumbprint string `path:"thumbprint" doc:"SHA-256 of the certificate, in hex" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
}

// NamingBody is tenants.Naming, described.
type NamingBody struct {
	Field  string `json:"field" doc:"Where the device is named: common_name, serial_number (of the subject), dns or uri of a certificate; a claim of a token, nested ones with dots" example:"common_name"`
	Prefix string `json:"prefix,omitempty" doc:"What stands before it there" example:"urn:device:"`
	By     string `json:"by" doc:"What names the device" enum:"id,name" example:"name"`
}

// TrustText is who is to be believed about devices: certificate makes it an authority, issuer an issuer of tokens.
type TrustText struct {
	Name        string          `json:"name" doc:"Unique in the tenant" example:"Plant CA"`
	Names       NamingBody      `json:"names" doc:"How a certificate or a token says which device it is of"`
	Certificate string          `json:"certificate,omitempty" doc:"Certificate of the authority, PEM" example:"-----BEGIN CERTIFICATE-----…"`
	Issuer      string          `json:"issuer,omitempty" doc:"iss of the tokens, to the letter" example:"https://login.example.com"`
	Audience    string          `json:"audience,omitempty" doc:"aud that the tokens must have" example:"longwave"`
	Algorithms  []string        `json:"algorithms,omitempty" doc:"That tokens may be signed with; all asymmetric ones when missing" example:"[\"ES256\"]"`
	Keys        json.RawMessage `json:"keys,omitempty" doc:"JSON Web Key Set of the issuer; found at the issuer when missing"`
}

type (
	certificateBody struct {
		Thumbprint string     `json:"thumbprint" doc:"SHA-256 of the certificate, in hex" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
		Subject    string     `json:"subject,omitempty" doc:"Missing when only the thumbprint was registered" example:"CN=pump-7"`
		Expires    *time.Time `json:"expires,omitempty"`
		Added      time.Time  `json:"added"`
	}
	certificatesOut struct {
		Body struct {
			Items []certificateBody `json:"items"`
		}
	}
	addCertificateIn struct {
		call
		DevicePath
		Body struct {
			Certificate string `json:"certificate" doc:"The certificate in PEM, or its SHA-256 thumbprint in hex" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
		}
	}
	certificateOut      struct{ Body certificateBody }
	removeCertificateIn struct {
		call
		DevicePath
		CertificatePath
	}
	trustBody struct {
		ID string `json:"id" example:"c-7k3m9c2p5v8x1z4b"`
		TrustText
		Subject string     `json:"subject,omitempty" doc:"Of the authority's certificate" example:"CN=Plant CA"`
		Expires *time.Time `json:"expires,omitempty" doc:"When the authority's certificate does"`
		Created time.Time  `json:"created"`
	}
	listTrustIn struct{ call }
	trustsOut   struct {
		Body struct {
			Items []trustBody `json:"items"`
		}
	}
	addTrustIn struct {
		call
		Body struct{ TrustText }
	}
	trustOut   struct{ Body trustBody }
	oneTrustIn struct {
		call
		Trust string `path:"trust" doc:"Id of the authority or issuer" example:"c-7k3m9c2p5v8x1z4b"`
	}
)

func (m *management) mountProofs() {
	const certificates, trust = "/devices/{device}/certificates", "/device-trust"
	register(m, describe(http.MethodGet, certificates, "list-certificates", "Client certificates of a device", tenants.ViewDevices), m.listCertificates)
	add := describe(http.MethodPost, certificates, "add-certificate", "Let a device show a client certificate", tenants.RotateTokens)
	add.DefaultStatus = http.StatusCreated
	register(m, add, m.addCertificate)
	register(m, describe(http.MethodDelete, certificates+"/{thumbprint}", "remove-certificate", "Refuse a client certificate from now on", tenants.RotateTokens), m.removeCertificate)
	register(m, describe(http.MethodGet, trust, "list-trust", "Authorities and issuers of tokens that are believed about devices", tenants.ManageKeys), m.listTrust)
	addTrust := describe(http.MethodPost, trust, "add-trust", "Believe an authority or an issuer of tokens about devices", tenants.ManageKeys)
	addTrust.DefaultStatus = http.StatusCreated
	register(m, addTrust, m.addTrust)
	register(m, describe(http.MethodDelete, trust+"/{trust}", "remove-trust", "Believe an authority or issuer no more", tenants.ManageKeys), m.removeTrust)
}

func (m *management) listCertificates(_ context.Context, who visitor, in *oneDeviceIn) (*certificatesOut, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	out := &certificatesOut{}
	out.Body.Items = []certificateBody{}
	for _, c := range m.api.tenants.State().Certificates(who.tenant, device.ID) {
		out.Body.Items = append(out.Body.Items, bodyOfCertificate(c))
	}
	return out, nil
}

func bodyOfCertificate(c tenants.Certificate) certificateBody {
	return certificateBody{Thumbprint: c.Thumbprint, Subject: c.Subject, Expires: moment(c.Expires), Added: c.Added.UTC()}
}

func (m *management) addCertificate(ctx context.Context, who visitor, in *addCertificateIn) (*certificateOut, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	c, err := m.api.tenants.AddCertificate(ctx, who.actor, who.tenant, device.ID, in.Body.Certificate)
	if err != nil {
		return nil, err
	}
	return &certificateOut{Body: bodyOfCertificate(c)}, nil
}

func (m *management) removeCertificate(ctx context.Context, who visitor, in *removeCertificateIn) (*struct{}, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	return nil, m.api.tenants.RemoveCertificate(ctx, who.actor, who.tenant, tenants.Certificate{Device: device.ID, Thumbprint: in.Thumbprint})
}

func (m *management) listTrust(_ context.Context, who visitor, _ *listTrustIn) (*trustsOut, error) {
	out := &trustsOut{}
	out.Body.Items = []trustBody{}
	for _, t := range m.api.tenants.State().Trusts(who.tenant) {
		out.Body.Items = append(out.Body.Items, bodyOfTrust(t))
	}
	return out, nil
}

func bodyOfTrust(t tenants.Trust) trustBody {
	body := trustBody{ID: string(t.ID), Subject: t.Subject, Expires: moment(t.Expires), Created: t.Created.UTC(), TrustText: TrustText{
		Name: t.Name, Names: NamingBody{Field: t.Names.Field, Prefix: t.Names.Prefix, By: string(t.Names.By)},
		Issuer: t.Issuer, Audience: t.Audience, Algorithms: t.Algorithms, Keys: t.Keys,
	}}
	if !t.IssuesTokens() {
		body.Certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: t.Authority}))
	}
	return body
}

func (m *management) addTrust(ctx context.Context, who visitor, in *addTrustIn) (*trustOut, error) {
	if (in.Body.Certificate == "") == (in.Body.Issuer == "") {
		return nil, &tenants.InvalidError{Field: "certificate", Detail: "or issuer is wanted, one of the two"}
	}
	made, err := m.api.tenants.AddTrust(ctx, who.actor, who.tenant, tenants.NewTrust{
		Name: in.Body.Name, PEM: in.Body.Certificate, Issuer: in.Body.Issuer, Audience: in.Body.Audience, Algorithms: in.Body.Algorithms, Keys: string(in.Body.Keys),
		Names: tenants.Naming{Field: in.Body.Names.Field, Prefix: in.Body.Names.Prefix, By: tenants.NamingBy(in.Body.Names.By)},
	})
	if err != nil {
		return nil, err
	}
	return &trustOut{Body: bodyOfTrust(made)}, nil
}

func (m *management) removeTrust(ctx context.Context, who visitor, in *oneTrustIn) (*struct{}, error) {
	c, err := id.Parse[id.Trust](in.Trust)
	if err != nil {
		return nil, fmt.Errorf("trust: %w", tenants.ErrNotFound)
	}
	return nil, m.api.tenants.RemoveTrust(ctx, who.actor, who.tenant, c)
}
