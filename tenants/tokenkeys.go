package tenants

import (
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// maxSetKeys bounds the keys of one issuer; each may be tried for a token that names none.
const maxSetKeys = 20

// TokenAlgorithms are the ways of signing that are accepted in tokens of devices: asymmetric ones, so that what checks a
// token cannot make one.
func TokenAlgorithms() []string {
	return []string{"ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"}
}

// ParseKeys reads a JSON Web Key Set and returns its public keys for signatures. Keys of kinds that are not known are left
// out. It returns an *InvalidError with the field "keys" for what is no set, has no such key or too many, or holds a secret.
func ParseKeys(text []byte) ([]jose.JSONWebKey, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(text) > maxKeySet {
		return nil, invalid("keys", "has %d bytes, at most %d are allowed", len(text), maxKeySet)
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, invalid("keys", `is not a JSON Web Key Set: {"keys":[…]}`)
	}
	var keys []jose.JSONWebKey
	for _, each := range raw.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(each, &key) != nil || !key.Valid() || key.Use == "enc" {
			continue
		}
		if !key.IsPublic() {
			return nil, invalid("keys", "holds a secret key: give the public ones only, and do not use that key any more")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > maxSetKeys {
		return nil, invalid("keys", "has %d usable keys, want 1 to %d", len(keys), maxSetKeys)
	}
	return keys, nil
}
