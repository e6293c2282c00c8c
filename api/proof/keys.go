package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"

	"longwave/tenants"
)

const (
	// keepFor is how long the keys of an issuer are used before it is asked again: a key that it withdrew is refused then.
	keepFor = 15 * time.Minute

	// staleFor is how long they are used when it does not answer: an issuer's outage must not silence a fleet.
	staleFor = 24 * time.Hour

	// keysEvery bounds how often an issuer is asked: tokens of strangers must not turn this server against it.
	keysEvery = 10 * time.Second

	// keysAtOnce are free of that: an issuer that changes its keys does so once, not three times in a row.
	keysAtOnce = 3

	// askTimeout bounds both requests to an issuer together. A device waits for it.
	askTimeout = 5 * time.Second

	// maxAnswer bounds what is read of an answer.
	maxAnswer = 256 << 10

	// maxIssuers bounds the issuers that are remembered; each has a few kilobytes of keys.
	maxIssuers = 1000
)

// issuer is what is known of an issuer's keys. It is changed under the Checker's lock only.
type issuer struct {
	keys []jose.JSONWebKey
	at   time.Time
	rate *rate.Limiter
}

// keysOf are the keys of an issuer that a tenant trusts: pasted, or those that the issuer publishes. It returns errNoKeys.
func (c *Checker) keysOf(ctx context.Context, t tenants.Trust, kid string) ([]jose.JSONWebKey, error) {
	if len(t.Keys) > 0 {
		keys, err := tenants.ParseKeys(t.Keys)
		if err != nil { // they were read when they were registered
			return nil, errNoKeys
		}
		return keys, nil
	}
	known, age := c.published(t.Issuer)
	named := kid == "" || slices.ContainsFunc(known, func(k jose.JSONWebKey) bool { return k.KeyID == kid })
	if known != nil && age < keepFor && named {
		return known, nil
	}
	fresh, err := c.ask(ctx, t.Issuer)
	switch {
	case err == nil:
		return fresh, nil
	case known != nil && age < staleFor:
		return known, nil
	}
	return nil, errNoKeys
}

func (c *Checker) published(iss string) (keys []jose.JSONWebKey, age time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.issuers[iss]
	if !ok {
		return nil, 0
	}
	return found.keys, c.now().Sub(found.at)
}

var errTooOften = fmt.Errorf("it is asked once in %s only", keysEvery)

// ask reads an issuer's keys. Those who ask at the same time get the same answer, and who goes away ends nobody's question.
func (c *Checker) ask(ctx context.Context, iss string) ([]jose.JSONWebKey, error) {
	if !c.mayAsk(iss) {
		return nil, errTooOften
	}
	answer := c.asking.DoChan(iss, func() (any, error) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		keys, err := c.discover(bounded, iss)
		if err == nil {
			c.keep(iss, keys)
		}
		return keys, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-answer:
		keys, _ := got.Val.([]jose.JSONWebKey)
		return keys, got.Err
	}
}

// mayAsk counts a question against the issuer.
func (c *Checker) mayAsk(iss string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.issuers[iss]
	if !ok {
		if len(c.issuers) >= maxIssuers {
			for other := range c.issuers {
				delete(c.issuers, other)
				break
			}
		}
		found = &issuer{rate: rate.NewLimiter(rate.Every(keysEvery), keysAtOnce)}
		c.issuers[iss] = found
	}
	return found.rate.AllowN(c.now(), 1)
}

func (c *Checker) keep(iss string, keys []jose.JSONWebKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.issuers[iss]; ok {
		found.keys, found.at = keys, c.now()
	}
}

// discover finds the keys where OpenID Connect Discovery says that they are.
func (c *Checker) discover(ctx context.Context, iss string) ([]jose.JSONWebKey, error) {
	var said struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	text, err := c.get(ctx, strings.TrimSuffix(iss, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, errors.New("its discovery document cannot be read")
	}
	if said.Issuer != iss {
		return nil, errors.New("it calls itself by another issuer")
	}
	if strings.HasPrefix(iss, "https://") && !strings.HasPrefix(said.Keys, "https://") {
		return nil, errors.New("its keys are not reached by HTTPS")
	}
	if text, err = c.get(ctx, said.Keys); err != nil {
		return nil, err
	}
	return tenants.ParseKeys(text)
}

func (c *Checker) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: c.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK || len(text) > maxAnswer {
		return nil, fmt.Errorf("it answered %d with %d bytes", answer.StatusCode, len(text))
	}
	return text, nil
}
