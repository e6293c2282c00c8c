package id

import (
	"crypto/rand"
	"errors"
	"fmt"
)

// The kinds of names. A conversion from string outside this package is a defect; TestNoConversions looks for it.
type (
	// Tenant names an isolated customer.
	Tenant string
	// Device names something that sends packets; unique within the installation.
	Device string
	// Person names a human account of the installation.
	Person string
	// Key names an API key of a tenant. It is the public half of the key, never the secret.
	Key string
	// Rule names a routing rule of a tenant.
	Rule string
	// Destination names a place outside that a tenant has packets forwarded to.
	Destination string
	// Slug is a name that a person gave, made into one safe token: unique within a tenant for things of one kind.
	Slug string
	// Provider names an identity provider; unique within the installation.
	Provider string
	// Invite names an invitation. It is the public half of its link, never the secret.
	Invite string
	// Job names work that a person asked for and that goes on by itself.
	Job string
	// AlertRule names an alert rule of a tenant.
	AlertRule string
	// Alert names one alert: from the moment that a rule fires for a device until it is resolved.
	Alert string
	// Trust names a certificate authority or an issuer of tokens that a tenant believes about its devices.
	Trust string
	// Silence names a time during which nobody is notified of some alerts.
	Silence string
	// Dashboard names a dashboard; unique within a tenant, so that the same one may stand in several.
	Dashboard string
	// Wall names an unattended screen of a tenant. It is the public half of its token, never the secret.
	Wall string
)

// Kind is any of the named types.
type Kind interface {
	Tenant | Device | Person | Key | Rule | Destination | Slug | Provider | Invite | Job | AlertRule | Alert | Silence | Dashboard | Trust | Wall
}

// ErrInvalid is returned for text that is not one safe NATS token.
var ErrInvalid = errors.New("not a valid id")

// maxLength keeps a subject of three names well under the 255 bytes that NATS recommends for one.
const maxLength = 63

// randomLength characters of 5 bits each are 80 bits: with a billion names the chance of one collision is below 1e-6.
const randomLength = 16

// alphabet is Crockford's base 32 in lower case: no letter that is mistaken for a digit.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// Parse checks text from outside. It returns ErrInvalid, never a cleaned-up version of the text.
func Parse[K Kind](text string) (K, error) {
	if !valid(text) {
		return "", fmt.Errorf("%w: want 1 to %d of a-z, 0-9 and hyphen, not starting with a hyphen", ErrInvalid, maxLength)
	}
	return K(text), nil
}

// New makes a random name that carries its kind as a prefix, d-… for a device say.
func New[K Kind]() K {
	var zero K
	random := make([]byte, randomLength)
	rand.Read(random) // documented to never return an error
	for i, b := range random {
		random[i] = alphabet[int(b)%len(alphabet)] // 256 is a multiple of 32: no bias
	}
	return K(prefix(zero) + string(random))
}

func prefix(kind any) string {
	switch kind.(type) {
	case Tenant:
		return "t-"
	case Device:
		return "d-"
	case Person:
		return "p-"
	case Rule:
		return "r-"
	case Destination:
		return "o-"
	case Slug:
		return "s-"
	case Provider:
		return "i-"
	case Invite:
		return "v-"
	case Job:
		return "j-"
	case AlertRule:
		return "w-"
	case Alert:
		return "a-"
	case Silence:
		return "q-"
	case Dashboard:
		return "b-"
	case Trust:
		return "c-"
	case Wall:
		return "m-"
	default:
		return "k-"
	}
}

func valid(text string) bool {
	if len(text) == 0 || len(text) > maxLength || text[0] == '-' {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
