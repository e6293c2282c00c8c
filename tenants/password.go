package tenants

import (
	"strings"
	"unicode/utf8"
)

// Length of a password in characters. NIST SP 800-63B wants at least 8 and no rules about kinds of characters; 12 are
// asked for because there is no second factor yet. The upper bound keeps the work of one attempt small.
const (
	minPassword     = 12
	maxPassword     = 128
	minPasswordKind = 5 // different characters; fewer is a pattern, not a password
)

// checkPassword returns an *InvalidError that says what is wrong. obvious are the texts that an attacker tries first.
func checkPassword(password string, obvious ...string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return invalid("password", "is not valid UTF-8")
	case n < minPassword:
		return invalid("password", "has %d characters, at least %d are needed", n, minPassword)
	case n > maxPassword:
		return invalid("password", "has more than %d characters", maxPassword)
	}
	folded := foldText(password)
	kinds := make(map[rune]bool)
	for _, r := range folded {
		kinds[r] = true
	}
	if len(kinds) < minPasswordKind {
		return invalid("password", "uses fewer than %d different characters", minPasswordKind)
	}
	for _, text := range append(obvious, "123456789012", "1234567890123", "password1234", "passwordpassword",
		"qwertyuiop12", "qwertyuiopas", "administrator", "longwavelongwave", "changemechangeme") {
		if folded == foldText(strings.TrimSpace(text)) {
			return invalid("password", "is too easy to guess")
		}
	}
	return nil
}
