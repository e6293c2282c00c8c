package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// inside are addresses, in every form in which somebody may write them, behind which nothing public is.
func inside() []string {
	return []string{
		"127.0.0.1", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1",
		"100.100.100.200", "100.127.255.255", "169.254.169.254", "169.254.0.1", "168.63.129.16", "172.16.0.1",
		"172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255",
		"198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]",
		"[::ffff:a9fe:a9fe]", "[::ffff:0:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b::169.254.169.254]",
		"[64:ff9b:1::a00:1]", "[100::1]", "[2001::1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[2001:10::1]", "[2001:20::1]",
		"[2001:db8::1]", "[2002:7f00:1::]", "[2002:a00:1::1]", "[2002:a9fe:a9fe::1]", "[2620:4f:8000::1]", "[3fff::1]", "[5f00::1]",
		"[fc00::1]", "[fd00:ec2::254]", "[fd12:3456:789a::1]", "[fe80::1]", "[fe80::1%25lo]", "[fe80::a9fe:a9fe]", "[fec0::1]",
		"[ff02::1]", "[ff05::1]", "[4000::1]", "[8000::1]",
		"2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "localhost", "LOCALHOST", "localhost.",
		"2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "①②⑦.⓪.⓪.①", "127。0。0。1",
	}
}

// TestNothingInsideIsReached lists targets that must never be connected to. A connection that is refused before it
// begins is one that the guard refused, or whose name nobody knows.
func TestNothingInsideIsReached(t *testing.T) {
	var connects atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connects.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	client := &http.Client{Transport: New(nil).Transport(nil), Timeout: 30 * time.Second}
	targets := 0
	for _, host := range inside() {
		for _, scheme := range []string{"http", "https"} {
			targets++
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, scheme+"://"+host+":"+port+"/", nil)
			if err != nil {
				continue // no address at all
			}
			response, err := client.Do(request)
			if err == nil {
				response.Body.Close()
				t.Errorf("%s://%s was reached", scheme, host)
				continue
			}
			var unknown *net.DNSError
			if !errors.Is(err, ErrRefused) && !errors.As(err, &unknown) && !strings.Contains(err.Error(), "lookup") && !strings.Contains(err.Error(), "invalid") {
				t.Errorf("%s://%s: not refused by the guard: %v", scheme, host, err)
			}
		}
	}
	if targets < 60 || connects.Load() != 0 {
		t.Errorf("%d targets, %d connections", targets, connects.Load())
	}
}

func TestCheck(t *testing.T) {
	g := New([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")})
	for _, good := range []string{"1.1.1.1", "8.8.8.8", "::ffff:1.1.1.1", "2606:4700::1111", "2a00:1450::1", "172.15.0.1", "172.32.0.1",
		"100.63.255.255", "100.128.0.1", "192.0.1.1", "223.255.255.255", "10.1.2.3", "::ffff:10.1.2.3", "2003::1"} {
		if err := g.Check(netip.MustParseAddr(good)); err != nil {
			t.Error(err)
		}
	}
	for _, host := range inside() {
		a, err := netip.ParseAddr(strings.NewReplacer("[", "", "]", "", "%25", "%").Replace(host))
		if err == nil && !errors.Is(g.Check(a), ErrRefused) {
			t.Errorf("%s may be connected to", host)
		}
	}
	if !errors.Is(g.Check(netip.Addr{}), ErrRefused) || !errors.Is(g.checkPlain(netip.MustParseAddr("1.1.1.1")), ErrRefused) {
		t.Error("no address, or a public one without TLS, may be connected to")
	}
	if g.checkPlain(netip.MustParseAddr("10.1.2.3")) != nil {
		t.Error("an allowed network may not be reached without TLS")
	}
}

// TestNameThatChanges resolves a name to a public address when somebody checks it first, and to a loopback address when
// it is connected to.
func TestNameThatChanges(t *testing.T) {
	var asked atomic.Int32
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		asked.Add(1)
		return answering(ctx, "127.0.0.1")
	}}
	dialer := &net.Dialer{Control: control(New(nil).Check), Resolver: resolver, Timeout: 30 * time.Second}
	conn, err := dialer.DialContext(t.Context(), "tcp4", "rebind.example.com:80")
	if err == nil {
		conn.Close()
		t.Fatal("connected to what the name meant the second time")
	}
	if !errors.Is(err, ErrRefused) || asked.Load() == 0 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

func TestNoRedirectNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	transport := New(nil).Transport(nil)
	if transport.Proxy != nil || !transport.DisableCompression || transport.MaxResponseHeaderBytes == 0 {
		t.Error("the transport uses a proxy, unpacks, or reads without bound")
	}
}
