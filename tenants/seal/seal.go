package seal

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"longwave/tenants/id"
)

// version begins a sealed value: version.key.nonce and ciphertext, the last one in base64.
const version = "s1"

// maxSecret bounds what is sealed: the control log keeps it for ever.
const maxSecret = 16 << 10

// Sealed is a secret as it may stand in the control log. The empty one holds no secret.
type Sealed string

// Place is where a sealed value belongs. Tenant is empty for what belongs to the installation. Thing is the id of what has
// the secret, Field its name there.
type Place struct {
	Tenant id.Tenant
	Thing  string
	Field  string
}

// bytes is injective: no two places have the same, whatever stands in their parts.
func (p Place) bytes() []byte {
	out := []byte(version)
	for _, part := range []string{string(p.Tenant), p.Thing, p.Field} {
		out = binary.AppendUvarint(out, uint64(len(part)))
		out = append(out, part...)
	}
	return out
}

// Seal makes a secret unreadable for everybody who has not the master key. Sealing the same one twice gives different
// texts. It returns an error for a secret of more than 16 KiB.
func (r *Ring) Seal(p Place, secret []byte) (Sealed, error) {
	if len(secret) > maxSecret {
		return "", fmt.Errorf("seal: the secret has %d bytes, at most %d are kept", len(secret), maxSecret)
	}
	aead := r.keys[r.Current()]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(secret)+aead.Overhead())
	rand.Read(nonce) // documented to never return an error; 24 random bytes never meet again
	box := aead.Seal(nonce, nonce, secret, p.bytes())
	return Sealed(version + "." + r.Current() + "." + base64.RawURLEncoding.EncodeToString(box)), nil
}

// Open gives the secret back. It returns a *KeyError, which is an ErrKey, when its key is not there, and ErrSealed when it
// was sealed for another place, changed, or is not a sealed value.
func (r *Ring) Open(p Place, s Sealed) ([]byte, error) {
	mark, rest, _ := strings.Cut(string(s), ".")
	key, text, ok := strings.Cut(rest, ".")
	if mark != version || !ok {
		return nil, fmt.Errorf("open: %w: not of a form that this program knows", ErrSealed)
	}
	aead, ok := r.keys[key]
	if !ok {
		return nil, fmt.Errorf("open: %w", &KeyError{Need: key, Have: slices.Clone(r.ids)})
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(box) < aead.NonceSize() {
		return nil, fmt.Errorf("open: %w: cut off", ErrSealed)
	}
	secret, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], p.bytes())
	if err != nil {
		return nil, fmt.Errorf("open: %w", ErrSealed)
	}
	return secret, nil
}
