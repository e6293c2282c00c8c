package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/seal"
)

// Purpose is the one thing that a link does.
type Purpose string

// The purposes.
const (
	Acknowledge Purpose = "acknowledge"
	Snooze      Purpose = "snooze" // for SnoozeTime
)

const (
	// SnoozeTime is how long a link snoozes.
	SnoozeTime = time.Hour
	// linkTime is how long a link works: longer than a night and a weekend.
	linkTime = 3 * 24 * time.Hour
	// maxToken bounds what is looked at.
	maxToken = 1000
	// LinkPath is where links lead to: the token stands behind it.
	LinkPath = "/alert-links/"
)

// ErrLink is returned for a token that is none of ours, was changed, or has expired. Which one it is nobody is told.
var ErrLink = errors.New("the link does not work, or does not work any more")

// Link is what a token stands for.
type Link struct {
	Tenant  id.Tenant
	Alert   id.Alert
	Purpose Purpose
}

// Links makes tokens and reads them.
type Links struct {
	Ring *seal.Ring
	Base string           // of the addresses: what stands before LinkPath
	Now  func() time.Time // time.Now when nil
}

// sealedLink is what is sealed; the tenant and the purpose are the place that it is sealed for.
type sealedLink struct {
	Alert   id.Alert  `json:"a"`
	Expires time.Time `json:"e"`
}

func (l *Links) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

func place(k Link) seal.Place {
	return seal.Place{Tenant: k.Tenant, Thing: "alert link", Field: string(k.Purpose)}
}

// URL is an address that does one thing to one alert until it expires. It returns the error of the seal.
func (l *Links) URL(k Link) (string, error) {
	secret, err := json.Marshal(sealedLink{k.Alert, l.now().Add(linkTime).UTC().Truncate(time.Second)})
	if err != nil {
		return "", fmt.Errorf("link: %w", err)
	}
	sealed, err := l.Ring.Seal(place(k), secret)
	if err != nil {
		return "", fmt.Errorf("link: %w", err)
	}
	return strings.TrimSuffix(l.Base, "/") + LinkPath + url.PathEscape(string(k.Purpose)+"~"+string(k.Tenant)+"~"+string(sealed)), nil
}

// Open reads a token. It returns ErrLink for every token that does nothing.
func (l *Links) Open(token string) (Link, error) {
	purpose, rest, _ := strings.Cut(token, "~")
	tenant, sealed, ok := strings.Cut(rest, "~")
	t, err := id.Parse[id.Tenant](tenant)
	k := Link{Tenant: t, Purpose: Purpose(purpose)}
	if !ok || err != nil || len(token) > maxToken || k.Purpose != Acknowledge && k.Purpose != Snooze {
		return Link{}, ErrLink
	}
	secret, err := l.Ring.Open(place(k), seal.Sealed(sealed))
	if err != nil {
		return Link{}, ErrLink
	}
	var s sealedLink
	if json.Unmarshal(secret, &s) != nil || !l.now().Before(s.Expires) {
		return Link{}, ErrLink
	}
	k.Alert = s.Alert
	return k, nil
}
