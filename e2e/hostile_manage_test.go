package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// askCase is one question of a script; DEVICE is replaced by the id of a device with one reading of temp.
type askCase struct {
	method, path, body string
	status             int
	code               string
}

func askCases() []askCase {
	readings := "/manage/v1/readings?device=DEVICE&metric=temp"
	cases := []askCase{
		{path: readings, status: 200},
		{path: readings + "&max_points=1", status: 200},
		{path: readings + "&max_points=10000&from=0", status: 200},
		{path: readings + "&from=1970-01-01T00:00:00Z&to=2200-12-31T23:59:59Z", status: 200},
		{path: readings + "&from=-36500d", status: 200},
		{path: "/manage/v1/devices?q=%00&limit=500", status: 200},
		{path: "/manage/v1/devices?q=" + strings.Repeat("x", 8000), status: 200},
		{path: "/manage/v1/devices/DEVICE", status: 200},
		{path: "/manage/v1/devices/DEVICE/rejected?limit=100", status: 200},
		{path: "/manage/v1/events?device=DEVICE&limit=1000&from=0", status: 200},
		{method: "PATCH", path: "/manage/v1/devices/DEVICE", body: `{}`, status: 200},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"  "}`, status: 422},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"a\r\nX-Evil: b"}`, status: 422},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"` + strings.Repeat("n", 101) + `"}`, status: 422},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"a","name":"b"}`, status: 400, code: "body_unreadable"},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"a","NAME":"b"}`, status: 400, code: "body_unreadable"},
		{method: "POST", path: "/manage/v1/devices", body: "{\"name\":\"a\xff\"}", status: 400, code: "body_unreadable"},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"a"} {}`, status: 400, code: "body_unreadable"},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"a","tenant":"t-other"}`, status: 422},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":7}`, status: 422},
		{method: "POST", path: "/manage/v1/devices", body: `[]`, status: 422},
		{method: "POST", path: "/manage/v1/devices", body: strings.Repeat("[", 40_000), status: 400, code: "body_unreadable"},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"` + strings.Repeat("n", 1<<20) + `"}`, status: 413, code: "body_too_large"},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"a","interval":"-1h"}`, status: 422},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"a","interval":"1e99h"}`, status: 422},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"a","labels":{"":"x"}}`, status: 422},
		{method: "POST", path: "/manage/v1/devices", body: `{"name":"a","labels":{"x":7}}`, status: 422},
		{method: "PATCH", path: "/manage/v1/devices/DEVICE", body: `{"name":null,"disabled":true}`, status: 400},
		{method: "PATCH", path: "/manage/v1/devices/DEVICE", body: `{"disabled":true,"name":""}`, status: 422},
		{method: "POST", path: "/manage/v1/devices/DEVICE/token", body: `{"overlap":"46d"}`, status: 422},
		{method: "POST", path: "/manage/v1/devices/DEVICE/", status: 404, code: "no_such_address"},
		{method: "HEAD", path: readings, status: 405},
		{method: "OPTIONS", path: readings, status: 405},
		{method: "PUT", path: "/manage/v1/devices/DEVICE", status: 405},
		{method: "TRACE", path: "/manage/v1/devices", status: 405},
		{method: "BREW", path: "/manage/v1/devices", status: 405},
		{path: "/manage/v1/devices/", status: 404, code: "no_such_address"},
		{path: "/manage/v1//devices", status: 404},
		{path: "/manage/v1/../v1/devices", status: 404},
		{path: "/manage/v1/nothing", status: 404, code: "no_such_address"},
		{path: "/ingest/v1/packets", status: 405},
		{path: "/ingest/v1/ws", status: 426},
	}
	for _, wrong := range []string{"max_points=0", "max_points=-1", "max_points=10001", "max_points=1000000000", "max_points=99999999999999999999", "max_points=1.5",
		"max_points=NaN", "from=%zz", "from=-1h;to=now", "max_points=1&max_points=2", "from=now&to=now", "from=-1h&to=-2h", "from=yesterday", "from=-1y", "from=2026-02-30T00:00:00Z", "from=-99999999999999999999d",
		"from=1969-12-31T23:59:59Z", "to=2201-01-01T00:00:00Z", "from=9223372036854775807", "from=NaN", "device=DEVICE&metric=", "unknown=1", "max-points=5", "MAX_POINTS=5"} {
		cases = append(cases, askCase{path: readings + "&" + wrong, status: 422})
	}
	for _, wrong := range []string{"limit=0", "limit=501", "limit=x", "state=gone", "cursor=x", "cursor=%00", "cursor=" + strings.Repeat("A", 4000), "cursor=AAAA", "offset=1", "cursor=../../x"} {
		cases = append(cases, askCase{path: "/manage/v1/devices?" + wrong, status: 422})
	}
	return cases
}

func hostileQuestions(t *testing.T, p *program, i installation) {
	d := p.register(i, "asked")
	p.call(http.MethodPost, "/ingest/v1/packets", d.Token, `{"temp":1}`)
	for _, c := range askCases() {
		method := c.method
		if method == "" {
			method = http.MethodGet
		}
		status, body := p.call(method, strings.ReplaceAll(c.path, "DEVICE", d.ID), i.Key, c.body)
		if status != c.status || c.code != "" && !strings.Contains(string(body), `"code":"`+c.code+`"`) {
			t.Errorf("%s %.200s %.60s: want %d %s, answered %d %.300s", method, c.path, c.body, c.status, c.code, status, body)
		}
	}
	if status, body := p.call(http.MethodGet, "/manage/v1/devices/"+d.ID, i.Key, ""); status != 200 || !strings.Contains(string(body), `"disabled":false`) {
		t.Errorf("a refused change was made in part: %s", body)
	}
	hostileIDs(t, p, i, d)
}

// hostileIDs asks for things that are not there in every spelling: all are answered alike, byte for byte.
func hostileIDs(t *testing.T, p *program, i installation, d device) {
	_, missing := p.call(http.MethodGet, "/manage/v1/devices/d-0000000000000000", i.Key, "")
	for _, id := range []string{"%2e%2e", ".%2e", "*", ">", "%3e", "'", "%22", "%0d%0aX-Evil:%20b", "%00", "d-%c3%a9", strings.ToUpper(d.ID), d.ID + "%20", "%20" + d.ID,
		d.ID + "%00", "x" + d.ID, "_platform", "t-0000000000000000", "%ff", "%f0%9f%98%80", strings.Repeat("d", 5000), d.ID + ".*", d.ID + "%2Ftoken", "%252e"} {
		for _, tail := range []string{"", "/latest"} {
			status, body := p.call(http.MethodGet, "/manage/v1/devices/"+id+tail, i.Key, "")
			if status != http.StatusNotFound || string(body) != string(missing) {
				t.Errorf("%.60s%s: %d %s, want %s", id, tail, status, body, missing)
			}
		}
		status, body := p.call(http.MethodGet, "/manage/v1/readings?metric=temp&device="+id, i.Key, "")
		if status != http.StatusNotFound || string(body) != string(missing) {
			t.Errorf("readings of %.60s: %d %s", id, status, body)
		}
	}
	empty, err := p.readings(i, d, url.QueryEscape("' OR 1=1 --"))
	if err != nil || len(empty) != 0 {
		t.Errorf("an export of nothing: %v %v", empty, err)
	}
}

// hostilePages looks at what a browser gets that brings no cookie, or somebody else's page.
func hostilePages(t *testing.T, p *program) {
	for _, c := range []struct{ head, status string }{
		{"POST /sign-in HTTP/1.1\r\nOrigin: null\r\nSec-Fetch-Site: cross-site\r\n", "403"},
		{"POST /sign-in HTTP/1.1\r\nOrigin: null\r\n", "403"},
		{"POST /sign-in HTTP/1.1\r\nOrigin: http://evil.test\r\n", "403"},
		{"POST /sign-in HTTP/1.1\r\nSec-Fetch-Site: same-site\r\n", "403"},
		{"POST /sign-out HTTP/1.1\r\nOrigin: http://evil.test\r\n", "403"},
		{"GET //evil.test HTTP/1.1\r\n", "404"},
		{"GET /%5cevil.test HTTP/1.1\r\n", "404"},
		{"GET /static/../../etc/passwd HTTP/1.1\r\n", "404"},
		{"GET /static/%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1\r\n", "404"},
		{"GET http://evil.test/livez HTTP/1.1\r\n", "200"},
	} {
		answer, text := p.raw(t, c.head+"Host: longwave.test\r\nContent-Length: 0\r\n\r\n")
		if fmt.Sprint(answer.StatusCode) != c.status {
			t.Errorf("%q: want %s, answered %d %.200s", c.head, c.status, answer.StatusCode, text)
		}
		if to := answer.Header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
			t.Errorf("%q leads to %q", c.head, to)
		}
	}
	for _, path := range []string{"/", "/sign-in", "/first-run", "/nothing"} {
		answer, _ := p.raw(t, "GET "+path+" HTTP/1.1\r\nHost: longwave.test\r\n\r\n")
		policy := answer.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") || answer.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(answer.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s (%d): headers %v", path, answer.StatusCode, answer.Header)
		}
	}
}

// hostileEnd looks at what everything before it has left behind.
func hostileEnd(t *testing.T, p *program, i installation, goroutines float64) {
	eventually(t, 15*time.Second, "the goroutines of all these callers end", func() error {
		if now := p.gauge("go_goroutines"); now > goroutines+50 {
			return fmt.Errorf("%.0f, before it were %.0f", now, goroutines)
		}
		return nil
	})
	if err := p.stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	var log string
	for line := range strings.Lines(p.log.String()) {
		if !strings.Contains(line, "code=busy") { // what a storm is meant to be told
			log += line
		}
	}
	for _, never := range []string{"panic", "level=ERROR", "lwd_", i.Key[4:], "inthequery"} {
		if at := strings.Index(log, never); at >= 0 {
			t.Errorf("%q stands in the log: …%s…", never, log[max(0, at-300):min(len(log), at+200)])
		}
	}
}
