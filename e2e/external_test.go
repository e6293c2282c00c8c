package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/processors/engine/enginetest"
)

// broker starts a NATS server of the operator's, on loopback.
func broker(t *testing.T) (address string, js jetstream.JetStream) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(readyIn) {
		t.Fatal("the NATS server did not start")
	}
	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err = jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return s.ClientURL(), js
}

// With --nats-url the same program uses a server of the operator's, and says what is wrong with a stream that is not its own.
func TestExternalNATS(t *testing.T) {
	address, js := broker(t)
	i := setup(t, "--nats-url", address)
	data := i.data
	p := start(t, data, "--nats-url", address, "--lane-bytes", "67108864")
	d := p.register(i, "pump-7")
	if status, body := p.call(http.MethodPost, "/ingest/v1/packets", d.Token, `{"temp":21.5}`); status != http.StatusOK {
		t.Fatalf("posting: %d %s", status, body)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "LANE_STANDARD")
	if err != nil {
		t.Fatalf("the lane is not on the server: %v", err)
	}
	changed := stream.CachedInfo().Config
	changed.Discard = jetstream.DiscardOld
	if _, err := js.UpdateStream(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data", data, "--nats-url", address).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "LANE_STANDARD") || !strings.Contains(string(out), "discard") {
		t.Fatalf("a lane that discards old packets was accepted: %v\n%s", err, out)
	}
}

// certificate writes a certificate for 127.0.0.1 and its key, and returns a client that trusts it.
func certificate(t *testing.T) (cert, key string, client *http.Client) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "longwave test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: encoded}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return cert, key, &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Over TLS the session's cookie is Secure and bound to the host, and browsers are told to stay with HTTPS.
func TestServesTLS(t *testing.T) {
	i := setup(t)
	cert, key, client := certificate(t)
	p := start(t, i.data, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(p.base, "https://") {
		t.Fatalf("the address is %s", p.base)
	}
	form := url.Values{"email": {operator}, "password": {password}}
	response, err := client.PostForm(p.base+"/sign-in", form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	cookie := response.Header.Get("Set-Cookie")
	if response.StatusCode != http.StatusSeeOther || !strings.HasPrefix(cookie, "__Host-") {
		t.Fatalf("signing in: %d, cookie %q", response.StatusCode, cookie)
	}
	for _, want := range []string{"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie lacks %s: %s", want, cookie)
		}
	}
	if response.Header.Get("Strict-Transport-Security") == "" || response.ProtoMajor != 2 {
		t.Errorf("HSTS %q, HTTP/%d", response.Header.Get("Strict-Transport-Security"), response.ProtoMajor)
	}
}

// A ClickHouse that is down when the program starts stops nobody from sending: packets are accepted, wait, and are there
// once it answers. The server is the engine behind a TCP port that opens late.
func TestStartsWhileClickHouseIsDown(t *testing.T) {
	writer := enginetest.Start(t).Connect()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := port.Addr().String()
	port.Close()
	i := setup(t)
	dsn := fmt.Sprintf("http://%s:%s@%s/longwave_e2e", writer.Auth.Username, writer.Auth.Password, address)
	p := start(t, i.data, "--clickhouse-url", dsn)
	d := p.register(i, "pump-7")
	if status, body := p.call(http.MethodPost, "/ingest/v1/packets", d.Token, `{"id":"early","temp":1}`); status != http.StatusBadRequest {
		t.Errorf("a misspelt packet got %d %s", status, body)
	}
	if status, body := p.call(http.MethodPost, "/ingest/v1/packets", d.Token, `{"temp":21.5}`); status != http.StatusOK {
		t.Fatalf("posting while ClickHouse is down: %d %s", status, body)
	}
	if status, _ := p.call(http.MethodGet, "/readyz", "", ""); status != http.StatusServiceUnavailable {
		t.Errorf("readyz says %d", status)
	}
	if status, body := p.call(http.MethodGet, "/manage/v1/devices/"+d.ID+"/latest", i.Key, ""); status != http.StatusServiceUnavailable {
		t.Errorf("a query got %d %s", status, body)
	}
	forward(t, address, writer)
	eventually(t, time.Minute, "what waited is stored", func() error {
		shown, err := p.readings(i, d, "temp")
		if err == nil && len(shown) != 1 {
			err = &unexpected{shown}
		}
		return err
	})
}

// forward opens a TCP port in front of the engine's Unix socket until the test ends.
func forward(t *testing.T, address string, engine *clickhouse.Options) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				upstream, err := engine.DialContext(context.Background(), "")
				if err != nil {
					return
				}
				defer upstream.Close()
				go io.Copy(upstream, client)
				io.Copy(client, upstream)
			}()
		}
	}()
}
