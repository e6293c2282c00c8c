package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrRefused is the class of every connection that the guard refused. Its text names the address and why.
var ErrRefused = errors.New("the address is not one that may be connected to")

const (
	// connectTimeout leaves time for a second address of the same host within a request of ten seconds.
	connectTimeout = 4 * time.Second

	// idleTimeout and idleConns bound what is kept open for the next request to the same host.
	idleTimeout = 30 * time.Second
	idleConns   = 256
	idlePerHost = 8

	// maxHeader bounds the head of an answer.
	maxHeader = 32 << 10
)

// Guard says which addresses may be connected to.
type Guard struct{ allowed []netip.Prefix }

// New makes a guard that refuses everything but public addresses and the allowed networks.
func New(allowed []netip.Prefix) *Guard { return &Guard{allowed: slices.Clone(allowed)} }

// Check returns nil for an address that may be connected to over TLS, and ErrRefused for any other.
func (g *Guard) Check(a netip.Addr) error {
	if g.allows(a) || a.Zone() == "" && public(a.Unmap()) {
		return nil
	}
	return fmt.Errorf("%w: %s is not a public address, and the operator has not allowed its network", ErrRefused, a)
}

// checkPlain is Check for a connection without TLS.
func (g *Guard) checkPlain(a netip.Addr) error {
	if g.allows(a) {
		return nil
	}
	return fmt.Errorf("%w: %s would be reached without TLS, and the operator has not allowed its network", ErrRefused, a)
}

func (g *Guard) allows(a netip.Addr) bool {
	return slices.ContainsFunc(g.allowed, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// control returns what looks at each address just before it is connected to.
func control(check func(netip.Addr) error) func(string, string, syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %q", ErrRefused, address)
		}
		return check(to.Addr())
	}
}

// Transport makes the HTTP transport for requests whose address somebody else chose. roots may be nil for those of the
// system.
func (g *Guard) Transport(roots *tls.Config) *http.Transport {
	secure := &net.Dialer{Timeout: connectTimeout, Control: control(g.Check)}
	plain := &net.Dialer{Timeout: connectTimeout, Control: control(g.checkPlain)}
	return &http.Transport{
		Proxy:       nil,
		DialContext: plain.DialContext, // for http://; TLS dials by itself
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialTLS(ctx, secure, roots, [2]string{network, address})
		},
		MaxIdleConns: idleConns, MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: idleTimeout,
		MaxResponseHeaderBytes: maxHeader, DisableCompression: true, // an answer that unpacks to gigabytes is not unpacked
	}
}

func dialTLS(ctx context.Context, dialer *net.Dialer, roots *tls.Config, to [2]string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(to[1])
	if err != nil {
		return nil, err
	}
	config := roots.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName, config.MinVersion, config.NextProtos = host, tls.VersionTLS12, []string{"http/1.1"}
	raw, err := dialer.DialContext(ctx, to[0], to[1])
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return conn, nil
}

// public says whether an address belongs to the public Internet. The networks are those of the IANA registries of special
// addresses; of IPv6, everything outside of what is assigned as global unicast is special.
func public(a netip.Addr) bool {
	if !a.IsValid() || a.Is6() && !within(a, "2000::/3") {
		return false
	}
	return !slices.ContainsFunc(special(), func(network string) bool { return within(a, network) })
}

func within(a netip.Addr, network string) bool { return netip.MustParsePrefix(network).Contains(a) }

func special() []string {
	return []string{
		"0.0.0.0/8",         // this network; 0.0.0.0 is this host
		"10.0.0.0/8",        // private
		"100.64.0.0/10",     // shared, behind a provider's NAT; one cloud's metadata
		"127.0.0.0/8",       // loopback
		"168.63.129.16/32",  // one cloud's host, which looks public
		"169.254.0.0/16",    // link-local; most clouds' metadata
		"172.16.0.0/12",     // private
		"192.0.0.0/24",      // protocol assignments; one cloud's metadata
		"192.0.2.0/24",      // documentation
		"192.88.99.0/24",    // 6to4 relays
		"192.168.0.0/16",    // private
		"198.18.0.0/15",     // benchmarks
		"198.51.100.0/24",   // documentation
		"203.0.113.0/24",    // documentation
		"224.0.0.0/4",       // multicast
		"240.0.0.0/4",       // reserved; 255.255.255.255 is everybody on this network
		"2001::/23",         // protocol assignments; Teredo, which hides an IPv4 address
		"2001:db8::/32",     // documentation
		"2002::/16",         // 6to4, which hides an IPv4 address
		"2620:4f:8000::/48", // answers for private addresses
		"3fff::/20",         // documentation
	}
}
