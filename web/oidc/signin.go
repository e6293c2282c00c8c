package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	upstream "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// maxAge is how old a token may be when it arrives: it was made for us a moment ago.
const maxAge = 10 * time.Minute

// Pending is what the browser must bring back, and what only we know, of a sign-in on its way.
type Pending struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Fresh    bool   `json:"f,omitempty"` // the person was to be asked again
}

// Ask says how a person is to be asked by the provider.
type Ask struct {
	Silent bool   // not at all: only find out whether the session there still exists
	Fresh  bool   // for the password, although there is a session
	Hint   string // what the person typed as the address; may be empty
}

// Begin makes the address to send the browser to, and what is to be kept until it comes back. It returns an *Error.
func (c *Client) Begin(ctx context.Context, cfg Config, ask Ask) (address string, pending Pending, err error) {
	p, err := c.provider(ctx, cfg.Issuer)
	if err != nil {
		return "", Pending{}, err
	}
	pending = Pending{State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), Fresh: ask.Fresh}
	options := []oauth2.AuthCodeOption{upstream.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)}
	if ask.Silent {
		options = append(options, oauth2.SetAuthURLParam("prompt", "none"))
	}
	if ask.Fresh {
		options = append(options, oauth2.SetAuthURLParam("max_age", "0"))
	}
	if ask.Hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", ask.Hint))
	}
	return p.oauth(cfg).AuthCodeURL(pending.State, options...), pending, nil
}

func random() string {
	b := make([]byte, 32)
	rand.Read(b) // documented to never return an error
	return base64.RawURLEncoding.EncodeToString(b)
}

// Identity is who somebody is at a provider. Issuer and Subject together are the person; the rest is what the provider
// says about them today.
type Identity struct {
	Issuer, Subject string
	Session         string // the provider's name of its session; may be empty
	Claims          map[string]any
}

// Finish checks the answer that a browser brought back and finds out who it is. It returns an *Error, and
// ErrSignedOut for one that was asked silently and has no session at the provider any more.
func (c *Client) Finish(ctx context.Context, cfg Config, pending Pending, answer url.Values) (Identity, error) {
	p, err := c.provider(ctx, cfg.Issuer)
	if err != nil {
		return Identity{}, err
	}
	code, err := p.answer(pending, answer)
	if err != nil {
		return Identity{}, err
	}
	ctx, cancel := context.WithTimeout(upstream.ClientContext(ctx, p.client), 3*requestTimeout)
	defer cancel()
	token, err := p.oauth(cfg).Exchange(ctx, code, oauth2.VerifierOption(pending.Verifier))
	if err != nil {
		return Identity{}, exchangeError(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return Identity{}, ErrNoToken
	}
	checked, err := c.verify(ctx, p, cfg, raw)
	if err != nil {
		return Identity{}, err
	}
	if err := c.bound(checked, pending, token.AccessToken); err != nil {
		return Identity{}, err
	}
	return p.identity(ctx, cfg, checked, token)
}

// ErrSignedOut means that the person has no session at the provider any more, or must be asked something there.
var ErrSignedOut = errors.New("signed out at the provider")

// answer checks what came back in the address, before anything in it is used.
func (p *provider) answer(pending Pending, answer url.Values) (code string, err error) {
	if pending.State == "" || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(pending.State)) != 1 {
		return "", ErrState
	}
	if iss := answer.Get("iss"); iss != p.metadata.Issuer && (iss != "" || p.AnswersIssuer) {
		return "", ErrMixedUp
	}
	switch failure := answer.Get("error"); failure {
	case "":
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		return "", ErrSignedOut
	default:
		return "", ErrRefused.because(nil, "It says "+plain(failure)+".")
	}
	if code = answer.Get("code"); code == "" {
		return "", ErrNoCode
	}
	return code, nil
}

// plain is an error code of the protocol, or a word for what is none.
func plain(code string) string {
	if len(code) > 40 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "an unknown error"
	}
	return code
}

// exchangeError keeps the error's code only: the rest may repeat what was sent.
func exchangeError(err error) error {
	var failed *oauth2.RetrieveError
	if !errors.As(err, &failed) {
		return ErrExchange.because(nil, "The provider could not be reached.")
	}
	switch failed.ErrorCode {
	case "invalid_grant":
		return ErrCode
	case "invalid_client", "unauthorized_client":
		return ErrClient
	case "":
		return ErrExchange.because(nil, "It answered "+strconv.Itoa(failed.Response.StatusCode)+".")
	}
	return ErrExchange.because(nil, "It says "+plain(failed.ErrorCode)+".")
}

// verify checks the signature of an id token and what does not depend on the sign-in it belongs to.
func (c *Client) verify(ctx context.Context, p *provider, cfg Config, raw string) (*upstream.IDToken, error) {
	if err := p.checkHead(raw); err != nil {
		return nil, err
	}
	// Signature and algorithm are the library's; the rest is checked below, so that each failure has its own words.
	checked, err := p.Verifier(&upstream.Config{
		SupportedSigningAlgs: p.accepted(), SkipClientIDCheck: true, SkipExpiryCheck: true, SkipIssuerCheck: true,
	}).Verify(ctx, raw)
	if err != nil {
		return nil, ErrSignature.because(err, "")
	}
	var more struct {
		Party string `json:"azp"`
	}
	if err := checked.Claims(&more); err != nil || checked.Subject == "" {
		return nil, ErrToken
	}
	now := c.now()
	switch {
	case checked.Issuer != p.metadata.Issuer:
		return nil, ErrTokenIssuer
	case !slices.Contains(checked.Audience, cfg.ClientID):
		return nil, ErrAudience
	case more.Party != cfg.ClientID && (more.Party != "" || len(checked.Audience) > 1):
		return nil, ErrAudience.because(nil, "It names another authorized party.")
	case checked.Expiry.Add(Skew).Before(now):
		return nil, ErrExpired
	case checked.IssuedAt.After(now.Add(Skew)) || checked.IssuedAt.Before(now.Add(-maxAge)):
		return nil, ErrIssuedAt
	}
	return checked, nil
}

// checkHead tells an algorithm that is not accepted from a signature that is wrong.
func (p *provider) checkHead(raw string) error {
	head, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	var fields struct {
		Algorithm string `json:"alg"`
	}
	if err != nil || json.Unmarshal(text, &fields) != nil {
		return ErrToken
	}
	if !slices.Contains(p.accepted(), fields.Algorithm) {
		return ErrAlgorithm
	}
	return nil
}

// bound checks that a token belongs to this sign-in and to the access token that came with it.
func (c *Client) bound(t *upstream.IDToken, pending Pending, access string) error {
	if pending.Nonce == "" || subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(pending.Nonce)) != 1 {
		return ErrNonce
	}
	if t.AccessTokenHash != "" && t.VerifyAccessToken(access) != nil {
		return ErrToken.because(nil, "It belongs to another access token.")
	}
	var more struct {
		AuthTime int64 `json:"auth_time"`
	}
	if err := t.Claims(&more); err != nil {
		return ErrToken
	}
	if pending.Fresh && time.Unix(more.AuthTime, 0).Before(c.now().Add(-maxAge)) {
		return ErrStale
	}
	return nil
}

// identity puts together what token and, where it is thin, userinfo say. What is in the token counts more: it is signed.
func (p *provider) identity(ctx context.Context, cfg Config, t *upstream.IDToken, token *oauth2.Token) (Identity, error) {
	who := Identity{Issuer: t.Issuer, Subject: t.Subject, Claims: map[string]any{}}
	if err := t.Claims(&who.Claims); err != nil {
		return Identity{}, ErrToken
	}
	who.Session, _ = who.Claims["sid"].(string)
	if p.Details == "" || !thin(who.Claims, cfg.Claims) {
		return who, nil
	}
	info, err := p.Provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return Identity{}, ErrUserInfo
	}
	if info.Subject != t.Subject {
		return Identity{}, ErrSubject
	}
	details := map[string]any{}
	if err := info.Claims(&details); err != nil {
		return Identity{}, ErrUserInfo
	}
	for name, value := range details {
		if _, signed := who.Claims[name]; !signed {
			who.Claims[name] = value
		}
	}
	return who, nil
}

// thin says whether one of the claims that somebody will look at is missing. Of a nested one only the outermost counts.
func thin(claims map[string]any, wanted []string) bool {
	for _, name := range wanted {
		outer, _, _ := strings.Cut(name, ".")
		if _, whole := claims[name]; !whole && claims[outer] == nil {
			return true
		}
	}
	return false
}
