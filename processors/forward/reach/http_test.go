package reach

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"longwave/processors/forward/outbound"
)

// receiver is a server on this machine, and a Reacher that may connect to it.
func receiver(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *Reacher) {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	r, err := New(Options{
		Guard: outbound.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Agent: "Longwave/test",
		TLS: server.Client().Transport.(*http.Transport).TLSClientConfig,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return server, r
}

func message() Message {
	return Message{ID: "msg_1", At: time.Unix(1614265330, 0), Title: "pump-7", Text: "a <b> & c", Body: []byte(`{"test": 2432232314}`)}
}

func TestWebhookIsSigned(t *testing.T) {
	var head http.Header
	var body []byte
	server, r := receiver(t, func(w http.ResponseWriter, req *http.Request) {
		head = req.Header
		body, _ = io.ReadAll(req.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "thank you")
	})
	keys := [][]byte{[]byte("first key, 24 bytes long"), []byte("other key, 24 bytes long")}
	answer, err := r.Reach(t.Context(), Target{URL: server.URL + "/ops", Keys: keys}, message())
	if err != nil || answer.Status != http.StatusAccepted || answer.Body != "thank you" || answer.Took <= 0 {
		t.Fatalf("%+v, %v", answer, err)
	}
	if string(body) != string(message().Body) || head.Get("Content-Type") != "application/json" || head.Get("Idempotency-Key") != "msg_1" || head.Get("Webhook-Id") != "msg_1" {
		t.Errorf("%s, %v", body, head)
	}
	signed := strings.Fields(head.Get("Webhook-Signature"))
	if len(signed) != 2 || signed[0] == signed[1] {
		t.Errorf("signatures %q", signed)
	}
	if want := signatures(keys[1:], "msg_1", head.Get("Webhook-Timestamp"), body); signed[1] != want {
		t.Errorf("signed %s, want %s", signed[1], want)
	}
}

// TestSignatureOfTheStandard compares with what the libraries of Standard Webhooks make of the same message.
func TestSignatureOfTheStandard(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := signatures([][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestSlackGetsPlainText(t *testing.T) {
	var got map[string]string
	server, r := receiver(t, func(_ http.ResponseWriter, req *http.Request) { _ = json.NewDecoder(req.Body).Decode(&got) })
	if _, err := r.Reach(t.Context(), Target{Kind: Slack, URL: server.URL}, Message{Text: "<!channel> a & b"}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got["text"] != "&lt;!channel&gt; a &amp; b" {
		t.Errorf("%q", got)
	}
}

func TestAnswersAreUnderstood(t *testing.T) {
	for status, final := range map[int]bool{
		300: true, 301: true, 302: true, 307: true, 308: true, 400: true, 401: true, 403: true, 404: true, 410: true, 422: true,
		408: false, 425: false, 429: false, 500: false, 502: false, 503: false, 504: false,
	} {
		server, r := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, strings.Repeat("x", 2*maxAnswer))
		})
		answer, err := r.Reach(t.Context(), Target{URL: server.URL}, message())
		var failed *Error
		if !errors.As(err, &failed) || failed.Final != final || answer.Status != status || failed.After != 2*time.Minute || len(answer.Body) > maxAnswer {
			t.Errorf("%d: %v, %d bytes", status, err, len(answer.Body))
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for text, want := range map[string]time.Duration{
		"": 0, "x": 0, "-5": 0, "7": 7 * time.Second, "999999999": maxRetryAfter, now.Add(time.Minute).UTC().Format(http.TimeFormat): time.Minute,
		now.Add(-time.Minute).UTC().Format(http.TimeFormat): 0, now.Add(99 * time.Hour).UTC().Format(http.TimeFormat): maxRetryAfter,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestCausesAreNamed(t *testing.T) {
	server, r := receiver(t, func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	strict, err := New(Options{Guard: outbound.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), TLS: &tls.Config{}})
	if err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	hanging, err := http.NewRequestWithContext(soon, http.MethodPost, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.post(hanging); causeIn(err) != "timeout" {
		t.Errorf("one that hangs: %v", err)
	}
	for address, want := range map[string]string{
		"https://" + closed.Addr().String(): "connection_refused", "https://10.0.0.1/": "address_refused", "http://1.1.1.1/": "address_refused",
		"https://[::1]/": "address_refused", "https://no.such.name.invalid/": "name_not_found", strings.Replace(server.URL, "https", "http", 1): "answer_400",
	} {
		_, err := r.Reach(t.Context(), Target{URL: address}, message())
		var failed *Error
		if !errors.As(err, &failed) || failed.Cause != want {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
		if strings.Contains(err.Error(), "no.such.name.invalid/") {
			t.Errorf("the address, which may be a secret, is in the error: %v", err)
		}
	}
	if _, err := strict.Reach(t.Context(), Target{URL: server.URL}, message()); causeIn(err) != "tls" {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
}

// causeIn is the cause of an error; empty for one that has none.
func causeIn(err error) string {
	var failed *Error
	if errors.As(err, &failed) {
		return failed.Cause
	}
	return ""
}

// TestRedirectsAreNotFollowed answers with every kind of redirect to a server that counts who comes.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer inside.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server, r := receiver(t, func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, inside.URL+"/metadata", status) })
		answer, err := r.Reach(t.Context(), Target{URL: server.URL}, message())
		if causeIn(err) != fmt.Sprint("answer_", status) || answer.Header.Get("Location") == "" {
			t.Errorf("%d: %+v, %v", status, answer, err)
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d redirects were followed", reached.Load())
	}
}
