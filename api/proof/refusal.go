package proof

import "longwave/tenants"

// Refusal is a proof that does not count. Its texts are for who programs the device.
type Refusal struct {
	Code   string // stable name
	Detail string
	// Later says that it may count in a moment: the issuer's keys could not be read.
	Later bool
}

// Error is the sentence.
func (r *Refusal) Error() string { return r.Detail }

// Is makes every refusal a tenants.ErrUnauthenticated, except one that may count later.
func (r *Refusal) Is(target error) bool { return target == tenants.ErrUnauthenticated && !r.Later }

// The refusals. Those that come before a signature was checked are the same whatever the tenant trusts.
var (
	errMalformed = &Refusal{Code: "token_malformed", Detail: "The token is no JWT: it needs three parts in base64url with dots between."}
	errAlgorithm = &Refusal{Code: "token_algorithm", Detail: "The token is signed with an algorithm that is not accepted. Use RS256, PS256, ES256, EdDSA or the like; never none or one with a shared secret."}
	errUntrusted = &Refusal{Code: "token_not_trusted", Detail: "The token is signed by nobody whom this tenant trusts. Check the tenant in the address, and issuer, key id and algorithm of the token against what an owner has registered."}
	errAudience  = &Refusal{Code: "token_audience", Detail: "The token is made for another audience than the one that is registered for its issuer."}
	errExpired   = &Refusal{Code: "token_expired", Detail: "The token has expired, or says nothing of when it does. Get a new one."}
	errEarly     = &Refusal{Code: "token_not_yet_valid", Detail: "The token is not valid yet. Compare the clocks of the issuer and of this server."}
	errFuture    = &Refusal{Code: "token_issued_in_future", Detail: "The token was issued in the future. Compare the clocks of the issuer and of this server."}
	errNoDevice  = &Refusal{Code: "token_device_unknown", Detail: "The claim that names the device is missing, or names none of this tenant."}
	errNoKeys    = &Refusal{Code: "issuer_unreachable", Detail: "The keys of the token's issuer cannot be read right now. Try again in a moment.", Later: true}

	errCertUntrusted = &Refusal{Code: "certificate_not_trusted", Detail: "The certificate is neither registered in this tenant nor signed, for client authentication, by an authority that it trusts. Check the tenant in the address."}
	errCertExpired   = &Refusal{Code: "certificate_expired", Detail: "The certificate has expired. Give the device a new one."}
	errCertEarly     = &Refusal{Code: "certificate_not_yet_valid", Detail: "The certificate is not valid yet. Compare the clocks of the authority and of this server."}
	errCertNoDevice  = &Refusal{Code: "certificate_device_unknown", Detail: "The part of the certificate that names the device is missing, or names none of this tenant."}

	errOver  = &Refusal{Code: "proof_over", Detail: "The certificate or token that the device has shown has expired."}
	errEnded = &Refusal{Code: "proof_ended", Detail: "The certificate or token that the device has shown does not count any more."}
)
