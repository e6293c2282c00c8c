// Package oidc is the protocol between Longwave and identity providers: OpenID Connect, authorization code flow with
// PKCE. It proves who somebody is at a provider; what that person may do here is decided elsewhere.
//
// Contract. It owns every request to a provider and every check of what comes back: state, nonce, the issuer of the answer
// (RFC 9207), signature with an allow-listed algorithm and a key that the provider publishes, iss, aud, azp, exp, iat and
// at_hash with Skew of tolerance, the subject of the userinfo, and the same for tokens of back-channel logout. What fails is
// an *Error that names the step, what is wrong, and what an administrator of the provider's registration can do; no secret,
// code or token is in any of its texts, nor in its cause.
//
// A person is known by issuer and subject, both together. Nothing here compares e-mail addresses.
//
// Requests go where Options.Guard lets them, which is public addresses over HTTPS; each has a deadline, its answer a bound,
// and redirects are not followed. What a provider publishes about itself is asked again after keepFor; keys that are not
// known are asked for at once, but not more often than keysEvery, whatever tokens arrive.
//
// A Client may be used concurrently and starts nothing that outlives its calls by more than the deadline of one request. A
// provider that is slow or dead fails the calls about itself and no others.
package oidc
