package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	upstream "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"longwave/processors/forward/outbound"
)

const (
	// keepFor is how long what a provider publishes about itself is used before it is asked again.
	keepFor = time.Hour

	// maxKept bounds the providers that are remembered; each has a few kilobytes and its keys.
	maxKept = 1000

	// Skew is how far the clock of a provider may be from ours.
	Skew = time.Minute
)

// algorithms are the ways of signing that are accepted: asymmetric ones only.
func algorithms() []string {
	return []string{
		upstream.RS256, upstream.RS384, upstream.RS512, upstream.PS256, upstream.PS384, upstream.PS512,
		upstream.ES256, upstream.ES384, upstream.ES512, upstream.EdDSA,
	}
}

// Options configure a Client.
type Options struct {
	Guard *outbound.Guard  // which addresses may be connected to; nil for public ones only
	Now   func() time.Time // time.Now when nil
}

// Client speaks with identity providers.
type Client struct {
	now       func() time.Time
	transport *http.Transport
	asking    singleflight.Group

	mu    sync.Mutex
	known map[string]*provider // by issuer
}

// New makes a Client.
func New(o Options) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Guard == nil {
		o.Guard = outbound.New(nil)
	}
	return &Client{now: o.Now, transport: o.Guard.Transport(nil), known: map[string]*provider{}}
}

// Config is Longwave's registration at a provider. The redirect URL is compared to the letter there.
type Config struct {
	Issuer, ClientID, Secret, RedirectURL string
	// Claims are what somebody will look at: when the id token lacks one of them, the userinfo is asked.
	Claims []string
}

// Found is what a provider publishes about itself, as far as a person who sets it up wants to see it.
type Found struct {
	Issuer        string
	Authorization string
	Algorithms    []string // those of the provider's that are accepted here
	Scopes        []string
	UserInfo      bool
	AnswersIssuer bool // RFC 9207
	EndsSessions  bool // RP-initiated logout
	NotifiesOut   bool // back-channel logout
}

// provider is one that was discovered.
type provider struct {
	*upstream.Provider
	metadata
	client *http.Client
	at     time.Time
}

type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Details       string   `json:"userinfo_endpoint"`
	Keys          string   `json:"jwks_uri"`
	EndSession    string   `json:"end_session_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Scopes        []string `json:"scopes_supported"`
	Types         []string `json:"response_types_supported"`
	Auth          []string `json:"token_endpoint_auth_methods_supported"`
	AnswersIssuer bool     `json:"authorization_response_iss_parameter_supported"`
	BackChannel   bool     `json:"backchannel_logout_supported"`
}

// Discover reads, now, what the provider with this issuer publishes about itself. It returns an *Error.
func (c *Client) Discover(ctx context.Context, issuer string) (Found, error) {
	c.mu.Lock()
	delete(c.known, issuer)
	c.mu.Unlock()
	p, err := c.provider(ctx, issuer)
	if err != nil {
		return Found{}, err
	}
	return Found{
		Issuer: p.metadata.Issuer, Authorization: p.Authorization, Algorithms: p.accepted(), Scopes: p.Scopes, UserInfo: p.Details != "",
		AnswersIssuer: p.AnswersIssuer, EndsSessions: p.EndSession != "", NotifiesOut: p.BackChannel,
	}, nil
}

// provider is the one with this issuer, as it was a while ago or as it is now.
func (c *Client) provider(ctx context.Context, issuer string) (*provider, error) {
	c.mu.Lock()
	found, ok := c.known[issuer]
	c.mu.Unlock()
	if ok && c.now().Sub(found.at) < keepFor {
		return found, nil
	}
	asked := c.asking.DoChan(issuer, func() (any, error) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
		defer cancel()
		return c.discover(bounded, issuer)
	})
	select {
	case <-ctx.Done():
		return nil, unreachable(ctx.Err())
	case got := <-asked:
		if got.Err != nil {
			return nil, got.Err
		}
		return got.Val.(*provider), nil // asked above
	}
}

func (c *Client) discover(ctx context.Context, issuer string) (*provider, error) {
	if err := checkAddress(issuer); err != nil {
		return nil, ErrIssuerText.because(err, "")
	}
	client, limits := newClient(c.transport)
	found, err := upstream.NewProvider(upstream.ClientContext(ctx, client), issuer)
	var differs *upstream.IssuerMismatchError
	var failed *url.Error
	switch {
	case errors.As(err, &differs):
		return nil, ErrIssuer.because(err, fmt.Sprintf("It says %.200q.", differs.Discovered))
	case errors.As(err, &failed):
		return nil, unreachable(err)
	case err != nil:
		return nil, ErrMetadata.because(nil, "There is no discovery document at this issuer.") // the cause holds what was read
	}
	p := &provider{Provider: found, client: client, at: c.now()}
	if err := found.Claims(&p.metadata); err != nil {
		return nil, ErrMetadata.because(err, "")
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	limits.keys = p.Keys
	c.keep(issuer, p)
	return p, nil
}

// check refuses what could not work, while the person who sets it up is there.
func (p *provider) check() error {
	for name, address := range map[string]string{"authorization_endpoint": p.Authorization, "token_endpoint": p.Token, "jwks_uri": p.Keys} {
		if err := p.checkOwn(address); err != nil {
			return ErrMetadata.because(err, "Its "+name+" is not an address that can be used.")
		}
	}
	if p.EndSession != "" && p.checkOwn(p.EndSession) != nil {
		p.EndSession = ""
	}
	if len(p.Types) > 0 && !slices.Contains(p.Types, "code") {
		return ErrMetadata.because(nil, "It does not offer the authorization code flow.")
	}
	if len(p.accepted()) == 0 {
		return ErrMetadata.because(nil, "It signs in no way that is accepted here.")
	}
	return nil
}

// checkOwn refuses to leave TLS on the way from the issuer to its other addresses.
func (p *provider) checkOwn(text string) error {
	if strings.HasPrefix(p.metadata.Issuer, "https://") && !strings.HasPrefix(text, "https://") {
		return errors.New("the issuer is reached by HTTPS, and this is not")
	}
	return checkAddress(text)
}

// checkAddress wants an address of the web. Whether it may be reached, without TLS above all, is for the guard.
func checkAddress(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return err
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("the scheme is %.20q", u.Scheme)
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("it has no host, or more than an address")
	}
	return nil
}

func (c *Client) keep(issuer string, p *provider) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKept {
		for other := range c.known {
			delete(c.known, other)
			break
		}
	}
	c.known[issuer] = p
}

// accepted are the provider's algorithms that are accepted here; RS256, which every provider must know, if it names none.
func (p *provider) accepted() []string {
	if len(p.Algorithms) == 0 {
		return []string{upstream.RS256}
	}
	return slices.DeleteFunc(slices.Clone(p.Algorithms), func(a string) bool { return !slices.Contains(algorithms(), a) })
}

// oauth is the registration as the OAuth library wants it. How the secret is sent is not tried out: a failed attempt would
// use up the code.
func (p *provider) oauth(cfg Config) *oauth2.Config {
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if cfg.Secret == "" || len(p.Auth) > 0 && !slices.Contains(p.Auth, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	scopes := []string{upstream.ScopeOpenID, "profile", "email"}
	if slices.Contains(p.Scopes, "groups") {
		scopes = append(scopes, "groups")
	}
	return &oauth2.Config{ClientID: cfg.ClientID, ClientSecret: cfg.Secret, RedirectURL: cfg.RedirectURL, Endpoint: endpoint, Scopes: scopes}
}

// EndSession is where a person who signs out here is led, so that the provider can end its session too; false when the
// provider has no such place. It returns an *Error when the provider cannot be asked.
func (c *Client) EndSession(ctx context.Context, cfg Config, back string) (string, bool, error) {
	p, err := c.provider(ctx, cfg.Issuer)
	if err != nil || p.EndSession == "" {
		return "", false, err
	}
	query := url.Values{"client_id": {cfg.ClientID}, "post_logout_redirect_uri": {back}}
	joint := "?"
	if strings.Contains(p.EndSession, "?") {
		joint = "&"
	}
	return p.EndSession + joint + query.Encode(), true, nil
}
