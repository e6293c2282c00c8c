package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"longwave/api"
	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
)

const packet = `{"ts":"2026-11-20T10:00:00.123Z","values":{"temp":21.5}}`

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(text))
	must(t, err)
	must(t, w.Close())
	return out.String()
}

func zstandard(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	must(t, err)
	return string(w.EncodeAll([]byte(text), nil))
}

func TestPacketsReachIngestAsTheyWereMeant(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name, body string
		headers    []string
		format     telemetry.Format
		key        string
	}{
		{name: "json", body: packet, headers: []string{"Content-Type", "application/json; charset=utf-8"}},
		{name: "no content type", body: packet, headers: []string{"Content-Type", ""}},
		{name: "ndjson", body: packet, headers: []string{"Content-Type", "application/x-ndjson"}, format: telemetry.NDJSON},
		{name: "gzip", body: gzipped(t, packet), headers: []string{"Content-Encoding", "gzip"}},
		{name: "zstd", body: zstandard(t, packet), headers: []string{"Content-Encoding", "ZSTD"}},
		{name: "identity", body: packet, headers: []string{"Content-Encoding", "identity"}},
		{name: "key", body: packet, headers: []string{"Idempotency-Key", "k-1"}, key: "k-1"},
		{name: "scheme in lower case", body: packet, headers: []string{"Authorization", "bearer " + r.ours.token}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.ask(t, "POST /ingest/v1/packets", r.ours.token, c.body, c.headers...)
			if got.status != 200 || got.header.Get("Content-Type") != "application/json" {
				t.Fatalf("answered %d %s", got.status, got.body)
			}
			if want := `{"accepted":1,"duplicates":0,"rejected":[],"packet_ids":["p-1"]}`; string(got.body) != want {
				t.Errorf("answered %s, want %s", got.body, want)
			}
			request, who := r.accept.last(t)
			if string(request.Body) != packet || request.Format != c.format || request.IdempotencyKey != c.key || request.Transport != "HTTP" {
				t.Errorf("ingest got %+v", request)
			}
			if who.Tenant != r.ours.id || who.Device != r.ours.device.ID || who.RetainDays == 0 {
				t.Errorf("on behalf of %+v", who)
			}
		})
	}
	if attempts := r.accept.take(); len(attempts) != 0 {
		t.Errorf("refusals of good packets: %+v", attempts)
	}
}

func TestReceiptIsJSON(t *testing.T) {
	r := newRig(t)
	receipt := ingest.Receipt{
		Demoted:  3,
		Accepted: 2, Duplicates: 1, TimeUnit: "ms", PacketIDs: []string{`a"b\c`, "p-2"},
		Rejected: []telemetry.Rejection{{Index: 1, Pointer: "/1/values/x", Code: "c", Detail: `"x" <é>`, Raw: "secret"}},
	}
	r.accept.answers(func(context.Context, ingest.Request) (ingest.Receipt, error) { return receipt, nil })
	var got ingest.Receipt
	r.ask(t, "POST /ingest/v1/packets", r.ours.token, packet).json(t, &got)
	receipt.Rejected[0].Raw = ""
	if fmt.Sprint(got) != fmt.Sprint(receipt) {
		t.Errorf("got  %+v\nwant %+v", got, receipt)
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t, func(o *api.Options) { o.MaxBody = 2000 })
	disabled, disabledToken, err := r.tenants.CreateDevice(t.Context(), tenants.Actor{}, r.ours.id, tenants.NewDevice{Name: "off"})
	must(t, err)
	_, err = r.tenants.DisableDevice(t.Context(), tenants.Actor{}, r.ours.id, disabled.ID)
	must(t, err)
	wrongSecret := r.ours.token[:30] + strings.Map(func(c rune) rune { return 'A' + (c+1)%26 }, r.ours.token[30:])
	long := strings.Repeat("x", 2001)

	for _, c := range []struct {
		name, token, body string
		headers           []string
		fails             error
		status            int
		code, says        string
		stranger          bool // the attempt cannot be attributed to a device
	}{
		{name: "no token", status: 401, code: "credentials_missing", says: "Authorization: Bearer", stranger: true},
		{name: "basic", headers: []string{"Authorization", "Basic abc"}, status: 401, code: "credentials_missing", says: "Bearer", stranger: true},
		{name: "nobody's token", token: "lwd_nonsense", status: 401, code: "credentials_unknown", says: "Unknown token", stranger: true},
		{name: "an API key", token: r.ours.keys[tenants.Owner], status: 401, code: "credentials_unknown", says: "Unknown token", stranger: true},
		{name: "wrong secret", token: wrongSecret, status: 401, code: "credentials_unknown", says: "Unknown token"},
		{name: "disabled", token: disabledToken, status: 403, code: "device_disabled", says: "enables it"},
		{name: "xml", headers: []string{"Content-Type", "text/xml"}, status: 415, code: "media_type_unsupported", says: "application/x-ndjson"},
		{name: "brotli", headers: []string{"Content-Encoding", "br"}, status: 415, code: "encoding_unsupported", says: "gzip, zstd or none"},
		{name: "twice encoded", headers: []string{"Content-Encoding", "gzip, gzip"}, status: 415, code: "encoding_unsupported", says: "gzip"},
		{name: "no gzip", body: "plain", headers: []string{"Content-Encoding", "gzip"}, status: 400, code: "body_not_unpackable", says: "Content-Encoding"},
		{name: "no zstd", body: "plain", headers: []string{"Content-Encoding", "zstd"}, status: 400, code: "body_not_unpackable", says: "Content-Encoding"},
		{name: "half a gzip", body: gzipped(t, packet)[:40], headers: []string{"Content-Encoding", "gzip"}, status: 400, code: "body_not_unpackable", says: "sent whole"},
		{name: "too large", body: long, status: 413, code: "body_too_large", says: "2000 bytes"},
		{name: "gzip bomb", body: gzipped(t, strings.Repeat(" ", 900_000)), headers: []string{"Content-Encoding", "gzip"}, status: 413, code: "body_too_large_unpacked", says: "100 times"},
		{name: "zstd bomb", body: zstandard(t, strings.Repeat(" ", 9<<20)), headers: []string{"Content-Encoding", "zstd"}, status: 413, code: "body_too_large_unpacked", says: "100 times"},
		{name: "long key", headers: []string{"Idempotency-Key", strings.Repeat("k", 256)}, status: 400, code: "idempotency_key_invalid", says: "1 to 255"},
		{name: "key with spaces", headers: []string{"Idempotency-Key", "a b"}, status: 400, code: "idempotency_key_invalid", says: "1 to 255"},
		{name: "nothing accepted", fails: &ingest.RefusedError{Rejected: []telemetry.Rejection{
			{Index: 0, Pointer: "/0/values/temp", Code: "not_a_value", Detail: "temp is an object, expected number, bool or text, at packet 0"}, {Index: 1, Code: "x", Detail: "y"},
		}}, status: 400, code: "packets_rejected", says: "temp is an object, expected number, bool or text, at packet 0 (and 1 more)."},
		{name: "syntax", fails: &telemetry.SyntaxError{Offset: 3, Code: "x", Detail: "a comma is missing"}, status: 400, code: "body_unreadable", says: "at byte 3"},
		{name: "limited", fails: &ingest.LimitError{Name: "packets_per_second", Scope: "device", Max: 10, Current: 12, RetryAfter: time.Second}, status: 429, code: "rate_limited", says: "This device may send 10 packets per second"},
		{name: "full", fails: ingest.ErrFull, status: 503, code: "lanes_full", says: "Keep the packets"},
		{name: "broker away", fails: fmt.Errorf("%w: secret cause", ingest.ErrUnavailable), status: 503, code: "ingest_unavailable", says: "send them again"},
		{name: "broker slow", fails: &ingest.UnavailableError{Detail: "not confirmed", RetryAfter: time.Second, Cause: errors.New("secret cause")}, status: 503, code: "ingest_unavailable", says: "Not confirmed."},
		{name: "unknown fault", fails: errors.New("secret cause"), status: 500, code: "internal", says: "our side"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.accept.answers(func(context.Context, ingest.Request) (ingest.Receipt, error) { return ingest.Receipt{}, c.fails })
			token := c.token
			if token == "" && !c.stranger {
				token = r.ours.token
			}
			got := r.ask(t, "POST /ingest/v1/packets", token, c.body, c.headers...)
			p := got.problem(t)
			if got.status != c.status || p.Code != c.code || !strings.Contains(p.Title+" "+p.Detail, c.says) {
				t.Errorf("answered %d %s", got.status, got.body)
			}
			if strings.Contains(string(got.body), "secret") {
				t.Errorf("the cause is shown: %s", got.body)
			}
			if needs := c.status == 429 || c.status == 503; needs != (got.header.Get("Retry-After") != "") {
				t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
			}
			if (c.status == 401) != (got.header.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate is %q", got.header.Get("WWW-Authenticate"))
			}
			attempts := r.accept.take()
			if len(attempts) != 1 || attempts[0].Status != c.status || attempts[0].Detail != p.Detail || attempts[0].Transport != "HTTP" {
				t.Fatalf("watchers were told %+v", attempts)
			}
			if known := attempts[0].tenant == r.ours.id; known == c.stranger || (attempts[0].address != "") != c.stranger {
				t.Errorf("attributed to %+v", attempts[0])
			}
		})
	}
}

func TestLimitsAreNamed(t *testing.T) {
	r := newRig(t)
	r.accept.answers(func(context.Context, ingest.Request) (ingest.Receipt, error) {
		return ingest.Receipt{}, &ingest.LimitError{Name: "packets_per_second", Scope: "tenant", Max: 10, Current: 12.5, RetryAfter: 1200 * time.Millisecond}
	})
	got := r.ask(t, "POST /ingest/v1/packets", r.ours.token, packet)
	p := got.problem(t)
	if p.Limit == nil || p.Limit.Name != "packets_per_second" || p.Limit.Scope != "tenant" || p.Limit.Max != 10 || p.Limit.Current != 12.5 {
		t.Errorf("limit %+v", p.Limit)
	}
	if p.RetryAfter != 2 || got.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %d, %q", p.RetryAfter, got.header.Get("Retry-After"))
	}
}

func TestChunkedBodyOverTheLimit(t *testing.T) {
	r := newRig(t, func(o *api.Options) { o.MaxBody = 1000 })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.server.URL+"/ingest/v1/packets", struct{ *strings.Reader }{strings.NewReader(strings.Repeat("x", 5000))})
	must(t, err)
	req.ContentLength = -1
	req.Header.Set("Authorization", "Bearer "+r.ours.token)
	if got := send(t, req); got.status != 413 || got.problem(t).Limit.Max != 1000 {
		t.Errorf("answered %d %s", got.status, got.body)
	}
}

func TestSlowAndBrokenBodies(t *testing.T) {
	r := newRig(t, func(o *api.Options) { o.BodyWithin = 50 * time.Millisecond })
	for _, c := range []struct {
		name   string
		status string
		after  func(*net.TCPConn) error // what the device does in the middle of its body
	}{
		{"falls silent", "408", func(*net.TCPConn) error { return nil }},
		{"hangs up", "400", (*net.TCPConn).CloseWrite},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", r.server.Listener.Addr().String())
			must(t, err)
			defer conn.Close()
			must(t, conn.SetDeadline(time.Now().Add(patience)))
			_, err = fmt.Fprintf(conn, "POST /ingest/v1/packets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\nhalf", r.ours.token)
			must(t, err)
			must(t, c.after(conn.(*net.TCPConn)))
			answer, err := io.ReadAll(conn)
			must(t, err)
			if !strings.HasPrefix(string(answer), "HTTP/1.1 "+c.status) || !strings.Contains(string(answer), "send it again") {
				t.Errorf("answered %s", answer)
			}
		})
	}
}
