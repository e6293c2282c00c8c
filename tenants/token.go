package tenants

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"

	"longwave/tenants/id"
)

// A secret that a machine carries is <prefix><public>_<secret><check>: lwd_7k3m…_… for a device, lwk_… for an API key, lwo_… for an
// operator's key, lwi_… for an invitation, lwp_… for a way back in, lww_… for an unattended screen.
// The prefix lets secret scanners recognise a leak; the public half is how the secret is found, shown and attributed;
// the check characters tell a typo from a wrong secret without a look-up. Only the SHA-256 of the whole text is kept:
// with 178 random bits there is nothing to guess, so a slow hash would add nothing.
const (
	devicePrefix = "lwd_"
	keyPrefix    = "lwk_"
	invitePrefix = "lwi_"
	wallPrefix   = "lww_"

	recoveryPrefix = "lwp_"
	operatorPrefix = "lwo_"

	publicLength = 16 // 80 bits, made by id.New
	secretLength = 30 // base 62: 178 bits; at least 160 are wanted
	checkLength  = 6  // base 62: holds the 32 bits of a CRC
	tokenLength  = len(devicePrefix) + publicLength + 1 + secretLength + checkLength
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// publicKeyPrefix is what id.New puts before the random part; a token carries only the random part.
const (
	publicKeyPrefix    = "k-"
	publicInvitePrefix = "v-"
	publicWallPrefix   = "m-"
)

type digest [sha256.Size]byte

// mintToken makes a new secret. The caller shows text once and keeps public and sum.
func mintToken(prefix string) (text, public string, sum digest) {
	public = strings.TrimPrefix(string(id.New[id.Key]()), publicKeyPrefix)
	body := prefix + public + "_" + randomBase62(secretLength)
	check := checkOf(body)
	text = body + string(check[:])
	return text, public, digestOf(text)
}

// randomBase62 returns n characters that are uniformly distributed.
func randomBase62(n int) string {
	const unbiased = 256 - 256%len(base62) // bytes from here up would favour the first characters
	out := make([]byte, 0, n)
	buffer := make([]byte, 2*n)
	for {
		rand.Read(buffer) // documented to never return an error
		for _, b := range buffer {
			if int(b) < unbiased {
				out = append(out, base62[int(b)%len(base62)])
			}
			if len(out) == n {
				return string(out)
			}
		}
	}
}

// splitToken takes a token apart. well is false when it is not of the form; sound is false when it is of the form but
// its check characters do not match.
func splitToken(text, prefix string) (public string, well, sound bool) {
	if len(text) != tokenLength || !strings.HasPrefix(text, prefix) || text[len(prefix)+publicLength] != '_' {
		return "", false, false
	}
	public = text[len(prefix) : len(prefix)+publicLength]
	body := len(text) - checkLength
	check := checkOf(text[:body])
	return public, true, text[body:] == string(check[:])
}

// checkOf is the CRC-32 of the text. It is computed here because hash/crc32 wants bytes on the heap.
func checkOf(body string) (check [checkLength]byte) {
	sum := ^uint32(0)
	for i := range len(body) {
		sum = crc32.IEEETable[byte(sum)^body[i]] ^ sum>>8
	}
	sum = ^sum
	for i := range check {
		check[checkLength-1-i] = base62[sum%uint32(len(base62))]
		sum /= uint32(len(base62))
	}
	return check
}

// indexOf is the 64-bit FNV-1a hash of the public half of a token: a look-up among 200,000 numbers that lie together is
// faster than among texts that are scattered over the heap. Two halves of one hash are never both given out, and what
// decides in the end is the digest of the whole token.
func indexOf(public string) uint64 {
	sum := uint64(14695981039346656037)
	for i := range len(public) {
		sum = (sum ^ uint64(public[i])) * 1099511628211
	}
	return sum
}

// digestOf hashes a token without putting its text on the heap, however often a device calls.
func digestOf(token string) digest {
	var buffer [tokenLength]byte
	return sha256.Sum256(buffer[:copy(buffer[:], token)])
}
