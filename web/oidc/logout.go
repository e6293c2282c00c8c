package oidc

import (
	"context"

	upstream "github.com/coreos/go-oidc/v3/oidc"
)

// Ended is whose sessions a provider has ended: those of the subject, or the one of that name. One of the two may be empty.
type Ended struct{ Issuer, Subject, Session string }

// Ended checks the token of a back-channel logout. A token that is sent again ends nothing more, so it need not be
// remembered. It returns an *Error.
func (c *Client) Ended(ctx context.Context, cfg Config, raw string) (Ended, error) {
	p, err := c.provider(ctx, cfg.Issuer)
	if err != nil {
		return Ended{}, err
	}
	if err := p.checkHead(raw); err != nil {
		return Ended{}, ErrLogout.because(err, "")
	}
	token, err := p.Verifier(&upstream.Config{
		ClientID: cfg.ClientID, SupportedSigningAlgs: p.accepted(), SkipExpiryCheck: true,
	}).VerifyLogout(ctx, raw)
	if err != nil {
		return Ended{}, ErrLogout.because(err, "")
	}
	now := c.now()
	if token.Expiry.Add(Skew).Before(now) || token.IssuedAt.After(now.Add(Skew)) || token.IssuedAt.Before(now.Add(-maxAge)) {
		return Ended{}, ErrLogout.because(ErrExpired, "")
	}
	return Ended{Issuer: token.Issuer, Subject: token.Subject, Session: token.SessionID}, nil
}
