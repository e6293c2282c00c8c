package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// raw sends bytes as they are and reads one answer, whose body it returns as text.
func (p *program) raw(t *testing.T, request string) (*http.Response, string) {
	t.Helper()
	conn := p.dial(t)
	defer conn.Close()
	go io.WriteString(conn, request) // the server may answer before it has read everything
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return &http.Response{Header: http.Header{}}, err.Error()
	}
	text, _ := io.ReadAll(answer.Body)
	return answer, string(text)
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

func zstandard(text string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(text), nil))
}

// transportCase is one post; HOST, TOKEN and OTHER in head are replaced.
type transportCase struct {
	name, head, body string
	status           int
	code             string
}

func transportCases() []transportCase {
	const one = `{"a":1}`
	gz, zs := zipped(one), zstandard(one)
	bearer := "Authorization: Bearer TOKEN\r\n"
	gzipHead, zstdHead := bearer+"Content-Encoding: gzip\r\n", bearer+"Content-Encoding: zstd\r\n"
	return []transportCase{
		{name: "plain", head: bearer, body: one, status: 200},
		{name: "gzip", head: gzipHead, body: gz, status: 200},
		{name: "gzip in two members", head: gzipHead, body: zipped(`{"a":`) + zipped(`1}`), status: 200},
		{name: "gzip cut", head: gzipHead, body: gz[:len(gz)-5], status: 400, code: "body_not_unpackable"},
		{name: "gzip with wrong sum", head: gzipHead, body: gz[:len(gz)-8] + "\x00\x00\x00\x00" + gz[len(gz)-4:], status: 400, code: "body_not_unpackable"},
		{name: "gzip with wrong size", head: gzipHead, body: gz[:len(gz)-4] + "\xff\xff\xff\x7f", status: 400, code: "body_not_unpackable"},
		{name: "gzip and more", head: gzipHead, body: gz + "garbage", status: 400, code: "body_not_unpackable"},
		{name: "gzip and zeros", head: gzipHead, body: gz + "\x00\x00\x00\x00", status: 400, code: "body_not_unpackable"},
		{name: "gzip that is none", head: gzipHead, body: one, status: 400, code: "body_not_unpackable"},
		{name: "gzip of nothing", head: gzipHead, body: "", status: 400, code: "body_not_unpackable"},
		{name: "gzip twice", head: gzipHead, body: zipped(gz), status: 400, code: "body_unreadable"},
		{name: "gzip bomb", head: gzipHead, body: zipped(strings.Repeat("[", 64<<20)), status: 413, code: "body_too_large_unpacked"},
		{name: "zstd", head: zstdHead, body: zs, status: 200},
		{name: "zstd cut", head: zstdHead, body: zs[:len(zs)-2], status: 400, code: "body_not_unpackable"},
		{name: "zstd and more", head: zstdHead, body: zs + "garbage", status: 400, code: "body_not_unpackable"},
		{name: "zstd and a byte", head: zstdHead, body: zs + "x", status: 400, code: "body_not_unpackable"},
		{name: "zstd bomb", head: zstdHead, body: zstandard(strings.Repeat("[", 64<<20)), status: 413, code: "body_too_large_unpacked"},
		{name: "zstd of a huge window", head: zstdHead, body: "\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00", status: 400, code: "body_not_unpackable"},
		{name: "zstd that lies about its size", head: zstdHead, body: "\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x00\x00", status: 400, code: "body_not_unpackable"},
		{name: "deflate", head: bearer + "Content-Encoding: deflate\r\n", body: one, status: 415, code: "encoding_unsupported"},
		{name: "two encodings", head: bearer + "Content-Encoding: gzip, gzip\r\n", body: gz, status: 415, code: "encoding_unsupported"},
		{name: "two encoding headers", head: gzipHead + "Content-Encoding: gzip\r\n", body: gz, status: 415, code: "encoding_unsupported"},
		{name: "other type", head: bearer + "Content-Type: text/xml\r\n", body: one, status: 415, code: "media_type_unsupported"},
		{name: "other charset", head: bearer + "Content-Type: application/json; charset=latin1\r\n", body: one, status: 415, code: "media_type_unsupported"},
		{name: "broken type", head: bearer + "Content-Type: ;;\r\n", body: one, status: 415, code: "media_type_unsupported"},
		{name: "too long", head: bearer, body: strings.Repeat(" ", 1<<20) + one, status: 413, code: "body_too_large"},
		{name: "long key", head: bearer + "Idempotency-Key: " + strings.Repeat("k", 256) + "\r\n", body: one, status: 400, code: "idempotency_key_invalid"},
		{name: "longest key", head: bearer + "Idempotency-Key: " + strings.Repeat("k", 255) + "\r\n", body: one, status: 200},
		{name: "key with a space", head: bearer + "Idempotency-Key: a b\r\n", body: one, status: 400, code: "idempotency_key_invalid"},
		{name: "no token", body: one, status: 401, code: "credentials_missing"},
		{name: "empty token", head: "Authorization: Bearer \r\n", body: one, status: 401, code: "credentials_missing"},
		{name: "other scheme", head: "Authorization: Basic TOKEN\r\n", body: one, status: 401, code: "credentials_missing"},
		{name: "scheme in other case", head: "Authorization: bEARER TOKEN\r\n", body: one, status: 200},
		{name: "spaces around", head: "Authorization: Bearer   TOKEN  \r\n", body: one, status: 200},
		{name: "beginning of a token", head: "Authorization: Bearer TOKEN\b\r\n", body: one, status: 400},
		{name: "more than a token", head: "Authorization: Bearer TOKENx\r\n", body: one, status: 401, code: "credentials_unknown"},
		{name: "two tokens", head: "Authorization: Bearer TOKEN TOKEN\r\n", body: one, status: 401, code: "credentials_unknown"},
		{name: "two headers", head: bearer + bearer, body: one, status: 401, code: "credentials_ambiguous"},
		{name: "an API key", head: "Authorization: Bearer OTHER\r\n", body: one, status: 401, code: "credentials_unknown"},
		{name: "huge header", head: bearer + "X: " + strings.Repeat("x", 64<<10) + "\r\n", body: one, status: 431},
		{name: "a header of two lines", head: bearer + "X: a\r\n b\r\n", body: one, status: 200},
		{name: "two lengths", head: bearer + "Content-Length: 3\r\n", body: one, status: 400},
		{name: "length and chunks", head: bearer + "Transfer-Encoding: chunked\r\n", body: "7\r\n" + one + "\r\n0\r\n\r\n", status: 200},
		{name: "expects to go on", head: bearer + "Expect: 100-continue\r\n", body: one, status: 100},
		{name: "expects the wrong thing", head: bearer + "Expect: 200-ok\r\n", body: one, status: 417},
	}
}

func hostileTransport(t *testing.T, p *program, i installation) {
	d := p.register(i, "transport")
	for _, c := range transportCases() {
		head := strings.NewReplacer("TOKEN", d.Token, "OTHER", i.Key).Replace(c.head)
		answer, text := p.raw(t, fmt.Sprintf("POST /ingest/v1/packets HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", head, len(c.body), c.body))
		if answer.StatusCode != c.status || c.code != "" && !strings.Contains(text, `"code":"`+c.code+`"`) {
			t.Errorf("%s: want %d %s, answered %d %.300s", c.name, c.status, c.code, answer.StatusCode, text)
		}
	}
}

// Several requests on one connection, sent at once: each gets its own answer, in order, whatever became of the ones before.
func hostilePipeline(t *testing.T, p *program, i installation) {
	d := p.register(i, "pipeline")
	conn := p.dial(t)
	var all strings.Builder
	want := []int{200, 400, 401, 200, 413, 200}
	for n, body := range []string{`{"a":1}`, `{"a":`, `{"a":1}`, "", "", `{"a":3}`} {
		token := d.Token
		if n == 2 {
			token = "nobody"
		}
		switch n {
		case 3:
			fmt.Fprintf(&all, "POST /ingest/v1/packets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:2}\r\n0\r\n\r\n", token)
		case 4: // announces too much and sends it: the connection must not take it for requests
			fmt.Fprintf(&all, "POST /ingest/v1/packets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1048577\r\n\r\n%s", token, strings.Repeat(" ", 1048577))
		default:
			fmt.Fprintf(&all, "POST /ingest/v1/packets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", token, len(body), body)
		}
	}
	go io.WriteString(conn, all.String())
	reader := bufio.NewReader(conn)
	for n, status := range want {
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			if n == 5 {
				return // the server may close behind a body that it did not want to read
			}
			t.Fatalf("answer %d: %v", n, err)
		}
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != status {
			t.Errorf("answer %d: %d %s, want %d", n, answer.StatusCode, text, status)
		}
	}
}
