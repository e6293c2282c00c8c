package engine_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"longwave/processors/engine/enginetest"
)

// caller is what an operator's curl is: plain HTTP on the socket, as one of the two accounts.
type caller struct {
	client         *http.Client
	user, password string
	database       string
}

func newCaller(t testing.TB) caller {
	t.Helper()
	w, _ := enginetest.Database(t)
	socket := enginetest.Start(t).Socket()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return caller{&http.Client{Transport: transport}, w.Auth.Username, w.Auth.Password, w.Auth.Database}
}

func (c caller) do(t testing.TB, method, body string, params ...string) (*http.Response, string) {
	t.Helper()
	q := url.Values{"database": {c.database}}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost/?"+q.Encode(), strings.NewReader(body))
	must(t, err)
	r.SetBasicAuth(c.user, c.password)
	res, err := c.client.Do(r)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	must(t, err)
	return res, string(out)
}

func (c caller) want(t testing.TB, want, body string, params ...string) {
	t.Helper()
	res, got := c.do(t, http.MethodPost, body, params...)
	if res.StatusCode != http.StatusOK || got != want {
		t.Errorf("%s: %s %q, want %q", body, res.Status, got, want)
	}
}

func TestPlainHTTP(t *testing.T) {
	c := newCaller(t)
	c.want(t, "1\n", "SELECT 1")
	c.want(t, "1\n", "", "query", "SELECT 1")
	c.want(t, "{\"x\":\"it's\"}\n", "SELECT {x:String} AS x FORMAT JSONEachRow", "param_x", "it's")
	c.want(t, "a\n1\n", "SELECT 1 AS a", "default_format", "TSVWithNames")
	c.want(t, "3\n", "SELECT getSetting('max_threads')", "max_threads", "3")
	if _, out := c.do(t, http.MethodPost, "SELECT 1 AS a WHERE 0 FORMAT JSON"); !strings.Contains(out, `"rows": 0`) {
		t.Errorf("empty JSON result is %q", out)
	}
}

func TestInsertBodies(t *testing.T) {
	c := newCaller(t)
	c.want(t, "", "CREATE TABLE t (a UInt64, s String DEFAULT 'd') ENGINE = MergeTree ORDER BY a")
	c.want(t, "", "{\"s\":\"x;y\",\"a\":1}\n{\"a\":2}\n", "query", "INSERT INTO t FORMAT JSONEachRow")
	c.want(t, "", "INSERT INTO t (s, a) FORMAT CSV\n\"c\",3\n")
	c.want(t, "", "INSERT INTO t (a) /* FORMAT no */ SETTINGS max_threads=1 FORMAT TSV\n4\n")
	c.want(t, "", "INSERT INTO t VALUES (5, 'FORMAT '' ; CSV')")
	c.want(t, "", "(6, 'six')", "query", "INSERT INTO t VALUES")
	c.want(t, "", "", "query", "INSERT INTO t SELECT 7, 'seven'")
	res, native := c.do(t, http.MethodPost, "SELECT toUInt64(8) AS a, 'n' AS s FORMAT Native")
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	c.want(t, "", "INSERT INTO t FORMAT Native\n"+native)
	c.want(t, "1,x;y 2,d 3,c 4,d 5,FORMAT ' ; CSV 6,six 7,seven 8,n\n",
		"SELECT arrayStringConcat(groupArray(concat(toString(a), ',', s)), ' ') FROM (SELECT * FROM t ORDER BY a) FORMAT TSVRaw")
	if res, out := c.do(t, http.MethodPost, "not json", "query", "INSERT INTO t FORMAT JSONEachRow"); res.StatusCode == http.StatusOK || !strings.HasPrefix(out, "Code: ") {
		t.Errorf("bad data: %s %q", res.Status, out)
	}
}

func TestRefusals(t *testing.T) {
	c := newCaller(t)
	for _, x := range []struct {
		name, method, sql string
		params            []string
		status            int
		code              string
	}{
		{"sessions", "POST", "SELECT 1", []string{"session_id", "a"}, 501, "48"},
		{"buffered answers", "POST", "SELECT 1", []string{"wait_end_of_query", "1"}, 501, "48"},
		{"hostile setting name", "POST", "SELECT 1", []string{"a=1, readonly", "0"}, 400, "115"},
		{"nothing", "POST", " ", nil, 400, "62"},
		{"unknown database", "POST", "SELECT 1", []string{"database", "no`where"}, 404, "81"},
		{"GET writes", "GET", "", []string{"query", "CREATE TABLE x (a UInt8) ENGINE=Memory"}, 403, "164"},
		{"too long", "POST", "SELECT '" + strings.Repeat("x", 17<<20) + "'", nil, 413, "307"},
	} {
		res, out := c.do(t, x.method, x.sql, x.params...)
		if res.StatusCode != x.status || res.Header.Get("X-ClickHouse-Exception-Code") != x.code {
			t.Errorf("%s: %s, code %s, %.200q; want %d and %s", x.name, res.Status, res.Header.Get("X-ClickHouse-Exception-Code"), out, x.status, x.code)
		}
	}
	c.password = ""
	if res, _ := c.do(t, "POST", "SELECT 1"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("no password: %s", res.Status)
	}
}

// An answer that fails half-way must be broken for a plain client too.
func TestMidStreamErrorBreaksTheAnswer(t *testing.T) {
	c := newCaller(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/", strings.NewReader("SELECT throwIf(number=2000000) FROM numbers(3000000)"))
	must(t, err)
	r.SetBasicAuth(c.user, c.password)
	res, err := c.client.Do(r)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	if err == nil {
		t.Fatal("the answer looks complete")
	}
	if !strings.Contains(string(out), res.Header.Get("X-ClickHouse-Exception-Tag")+"\r\nCode: 395.") {
		t.Fatalf("the error is not in the answer's end: %.300q", out[max(0, len(out)-300):])
	}
}
