package proof

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"longwave/tenants"
	"longwave/tenants/id"
)

// Token checks a bearer token. It returns a *Refusal, also when the caller's context ends before the issuer has answered.
func (c *Checker) Token(ctx context.Context, t id.Tenant, raw string) (Proof, error) {
	name := nameOf(t, "token", []byte(raw))
	if p, ok := c.recall(name); ok {
		return p, nil
	}
	signed, err := parse(raw)
	if err != nil {
		return Proof{}, err
	}
	trust, payload, err := c.signer(ctx, t, signed)
	if err != nil {
		return Proof{}, err
	}
	until, err := payload.valid(c.now())
	if err != nil {
		return Proof{}, err
	}
	p := Proof{tenant: t, trust: trust.ID, until: until}
	if !p.names(c.tenants.State(), trust, []string{payload.text(trust.Names.Field)}) {
		return Proof{}, errNoDevice
	}
	c.remember(name, p)
	return p, nil
}

// parse takes a token apart and refuses what no tenant can accept.
func parse(raw string) (*jose.JSONWebSignature, error) {
	all := tenants.TokenAlgorithms()
	accepted := make([]jose.SignatureAlgorithm, len(all))
	for i, a := range all {
		accepted[i] = jose.SignatureAlgorithm(a)
	}
	signed, err := jose.ParseSignedCompact(raw, accepted)
	var other *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &other):
		return nil, errAlgorithm
	case err != nil || len(signed.Signatures) != 1:
		return nil, errMalformed
	}
	return signed, nil
}

// signer finds out who of those whom the tenant trusts has signed, and what. Until then the payload is nobody's word: its
// iss only picks whose keys are tried.
func (c *Checker) signer(ctx context.Context, t id.Tenant, signed *jose.JSONWebSignature) (tenants.Trust, claims, error) {
	unchecked, err := readClaims(signed.UnsafePayloadWithoutVerification())
	if err != nil {
		return tenants.Trust{}, nil, err
	}
	head, refused := signed.Signatures[0].Header, error(errUntrusted)
	for _, each := range c.tenants.State().Trusts(t) {
		if !each.IssuesTokens() || each.Issuer != unchecked.text("iss") || !slices.Contains(each.Algorithms, head.Algorithm) {
			continue
		}
		keys, err := c.keysOf(ctx, each, head.KeyID)
		if err != nil {
			refused = err
			continue
		}
		if payload, ok := verified(signed, keys); ok {
			found, err := readClaims(payload)
			if err == nil && !slices.Contains(found.texts("aud"), each.Audience) {
				refused = errAudience // another one of the same issuer may be for this audience
				continue
			}
			return each, found, err
		}
	}
	return tenants.Trust{}, nil, refused
}

// verified tries the keys that the token names, or all when it names none.
func verified(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, bool) {
	head := signed.Signatures[0].Header
	for _, key := range keys {
		if head.KeyID != "" && key.KeyID != head.KeyID || key.Algorithm != "" && key.Algorithm != head.Algorithm {
			continue
		}
		if payload, err := signed.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// claims is what a token says.
type claims map[string]any

func readClaims(payload []byte) (found claims, err error) {
	if json.Unmarshal(payload, &found) != nil || found == nil {
		return nil, errMalformed
	}
	return found, nil
}

// text is a claim, nested ones with dots; empty when it is none, or no text.
func (c claims) text(name string) string {
	text, _ := c.value(name).(string)
	return text
}

func (c claims) value(name string) any {
	if whole, ok := c[name]; ok { // also a name with dots in it, which addresses are
		return whole
	}
	outer, rest, nested := strings.Cut(name, ".")
	if inner, ok := c[outer].(map[string]any); ok && nested {
		return claims(inner).value(rest)
	}
	return nil
}

// texts is a claim that may be one text or several.
func (c claims) texts(name string) []string {
	if one := c.text(name); one != "" {
		return []string{one}
	}
	var list []string
	several, _ := c[name].([]any)
	for _, each := range several {
		if text, ok := each.(string); ok {
			list = append(list, text)
		}
	}
	return list
}

// valid returns when the token ends. One that says nothing of its end has none that could be respected.
func (c claims) valid(now time.Time) (until time.Time, err error) {
	expires, ok := c.time("exp")
	if until = expires.Add(Skew); !ok || !now.Before(until) {
		return until, errExpired
	}
	if early, ok := c.time("nbf"); ok && now.Add(Skew).Before(early) {
		return until, errEarly
	}
	if issued, ok := c.time("iat"); ok && now.Add(Skew).Before(issued) {
		return until, errFuture
	}
	return until, nil
}

// latest is the year 9999: a time beyond it is a mistake in units.
const latest = 253402300799

func (c claims) time(name string) (time.Time, bool) {
	seconds, ok := c[name].(float64)
	if !ok || seconds < 0 || seconds > latest || math.IsNaN(seconds) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}
