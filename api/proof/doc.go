// Package proof checks what devices show instead of a token of ours: client certificates, and bearer tokens (JWT) that
// somebody else has issued.
//
// Contract. It owns the rules by which such a proof counts, every request to an issuer of tokens, and what is remembered of
// both. Whom a tenant trusts is said by tenants; that the holder of a certificate has its key was proved by TLS before.
//
// The caller names the tenant. A certificate or a token says which device it is of, but not whose word that is: two tenants
// may trust the same authority, and neither may speak for the other's devices. Everything is looked up within that tenant; a
// tenant that does not exist trusts nobody, and is answered as such.
//
// What is refused is a *Refusal with a stable code. Before a signature was found right, its words tell nothing of what the
// tenant trusts; afterwards they say what is wrong.
//
// Tokens: only asymmetric algorithms that the tenant accepts for the issuer; iss and aud to the letter, exp required, nbf and
// iat if there, with Skew of tolerance. Keys are pasted, or found at the issuer (discovery), remembered for keepFor, asked for
// again when a token names one that is not known, but not more often than keysEvery, and used for staleFor when the issuer
// does not answer. Requests go where Options.Guard lets them; each has a deadline and its answer a bound; redirects are not
// followed.
//
// Certificates: one whose thumbprint is registered for a device is taken as it is, while its time lasts; of any other the chain
// must lead to an authority that the tenant trusts and be for client authentication. Revocation lists are not asked: what is
// to end is removed here.
//
// A Proof is small and cheap to look at again: Device says whether it still counts, without a lock, network or signature. It
// ends with the certificate or the token, with the device, and at once when what it relied on is removed.
//
// A Checker may be used concurrently. Results are remembered, maxKnown of them, so that a device that calls often costs a
// hash. An issuer that is slow or dead fails the tokens that need its keys and nothing else.
package proof
