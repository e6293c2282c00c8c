package oidc

import (
	"errors"
	"fmt"
)

// Step is a part of signing in at a provider.
type Step string

// The steps, in their order.
const (
	Discovery Step = "reading what the provider says about itself"
	Answer    Step = "the provider's answer"
	Exchange  Step = "exchanging the code for a token"
	Token     Step = "checking the token"
	UserInfo  Step = "reading the user's details"
	Logout    Step = "checking a notice of logout"
)

// Error says which step failed, why, and what helps. Its texts are for people.
type Error struct {
	Step    Step
	Code    string // stable name
	Problem string // what is wrong
	Remedy  string // what an administrator can do
	cause   error
}

// Error is the operator's text.
func (e *Error) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("%s: %s", e.Step, e.Problem)
	}
	return fmt.Sprintf("%s: %s: %v", e.Step, e.Problem, e.cause)
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is compares the codes, so that the variables below can be used with errors.Is.
func (e *Error) Is(target error) bool {
	var other *Error
	return errors.As(target, &other) && other.Code == e.Code
}

// because is the error with its cause, and detail behind its problem.
func (e *Error) because(cause error, detail string) error {
	out := *e
	out.cause = cause
	if detail != "" {
		out.Problem += " " + detail
	}
	return &out
}

// What can go wrong. Compare with errors.Is.
var (
	ErrIssuerText = &Error{Step: Discovery, Code: "issuer_text", Problem: "The issuer is not an address that can be used.",
		Remedy: "Copy the issuer from the provider's page: an https address without a question mark, such as https://login.example.com/realm."}
	ErrUnreachable = &Error{Step: Discovery, Code: "unreachable", Problem: "The provider does not answer.",
		Remedy: "Open the issuer's /.well-known/openid-configuration in a browser. If it works there, this server may not reach it: look at its firewall and name server."}
	ErrPrivate = &Error{Step: Discovery, Code: "private_address", Problem: "The provider has an address of a private network.",
		Remedy: "An operator of the installation can allow its network with --allow-destinations."}
	ErrMetadata = &Error{Step: Discovery, Code: "metadata", Problem: "What the provider publishes about itself cannot be used.",
		Remedy: "Check that the issuer is the address of an OpenID Connect provider, and that it supports the authorization code flow."}
	ErrIssuer = &Error{Step: Discovery, Code: "issuer_differs", Problem: "The provider calls itself by another issuer.",
		Remedy: "Use exactly the issuer that the provider publishes, with or without a slash at its end."}
	ErrRefused = &Error{Step: Answer, Code: "refused", Problem: "The provider refused the sign-in.",
		Remedy: "Check in the provider's own log why, and whether this person is assigned to the application."}
	ErrState = &Error{Step: Answer, Code: "state", Problem: "The answer does not belong to a sign-in that this browser began.",
		Remedy: "Begin again on the sign-in page. If it happens every time, the browser may refuse cookies."}
	ErrMixedUp = &Error{Step: Answer, Code: "mixed_up", Problem: "The answer came from another provider than the one that was asked.",
		Remedy: "Do not continue. Begin again on the sign-in page, and tell your administrator if it happens again."}
	ErrNoCode = &Error{Step: Answer, Code: "no_code", Problem: "The answer carries no code.",
		Remedy: "Check that the registration at the provider allows the authorization code flow."}
	ErrCode = &Error{Step: Exchange, Code: "code", Problem: "The provider does not accept the code: it was used before, has expired, or belongs to another application.",
		Remedy: "Begin again on the sign-in page; do not reload the page that the provider led back to."}
	ErrClient = &Error{Step: Exchange, Code: "client", Problem: "The provider does not accept client id and secret.",
		Remedy: "Copy both from the provider's page again. A secret may have expired."}
	ErrExchange = &Error{Step: Exchange, Code: "exchange", Problem: "The provider gave no token for the code.",
		Remedy: "Check that the redirect URL is registered at the provider exactly as it is shown here."}
	ErrNoToken = &Error{Step: Exchange, Code: "no_id_token", Problem: "The provider sent no id token.",
		Remedy: "The registration must be one for OpenID Connect, with the scope openid."}
	ErrAlgorithm = &Error{Step: Token, Code: "algorithm", Problem: "The token is signed in a way that is not accepted.",
		Remedy: "Let the provider sign with RS256, PS256, ES256 or EdDSA."}
	ErrSignature = &Error{Step: Token, Code: "signature", Problem: "The token's signature fits none of the keys that the provider publishes.",
		Remedy: "If the provider changed its keys a moment ago, try again in a minute; otherwise look at its keys."}
	ErrTokenIssuer = &Error{Step: Token, Code: "token_issuer", Problem: "The token was issued by another provider.",
		Remedy: "The issuer in the token must be the one that is set up here, to the letter."}
	ErrAudience = &Error{Step: Token, Code: "audience", Problem: "The token was made for another application.",
		Remedy: "Check that the client id is the one of this registration."}
	ErrExpired = &Error{Step: Token, Code: "expired", Problem: "The token has expired.",
		Remedy: "Try again. If it stays, compare the clocks of this server and of the provider."}
	ErrIssuedAt = &Error{Step: Token, Code: "issued_at", Problem: "The token was issued at a time that cannot be right.",
		Remedy: "Compare the clocks of this server and of the provider."}
	ErrNonce = &Error{Step: Token, Code: "nonce", Problem: "The token belongs to another sign-in.",
		Remedy: "Begin again on the sign-in page."}
	ErrStale = &Error{Step: Token, Code: "stale", Problem: "The provider did not ask for the password again.",
		Remedy: "The provider must honour max_age and send auth_time."}
	ErrToken = &Error{Step: Token, Code: "token", Problem: "The token is damaged.",
		Remedy: "Look at the provider's log."}
	ErrUserInfo = &Error{Step: UserInfo, Code: "userinfo", Problem: "The provider does not tell the user's details.",
		Remedy: "Check that the registration allows the scopes profile and email."}
	ErrSubject = &Error{Step: UserInfo, Code: "subject", Problem: "The details are about another person than the token.",
		Remedy: "Do not continue, and tell the provider's administrator."}
	ErrLogout = &Error{Step: Logout, Code: "logout", Problem: "The notice of logout is not valid.",
		Remedy: "Look at the provider's log."}
)
