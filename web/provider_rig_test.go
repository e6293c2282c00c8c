package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"

	"longwave/tenants/id"
)

// realProvider is npm's oidc-provider in a process of its own, with accounts and keys that the test changes.
type realProvider struct {
	t      *testing.T
	Issuer string `json:"issuer"`
}

func startProvider(t *testing.T) *realProvider {
	t.Helper()
	command := exec.Command("node", "testdata/provider.mjs")
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal("run make build before the tests: ", err)
	}
	t.Cleanup(func() {
		input.Close() // the process ends with its input
		_ = command.Wait()
	})
	p := &realProvider{t: t}
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if json.Unmarshal(lines.Bytes(), p) == nil && p.Issuer != "" {
			return p
		}
	}
	t.Fatal("the provider did not start; is it installed? run make build")
	return nil
}

// set changes the provider: an account, its client, or its keys.
func (p *realProvider) set(what string, value map[string]any) {
	p.t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.Issuer+"/test/"+what, strings.NewReader(string(text)))
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatal(what, answer, err)
	}
	answer.Body.Close()
}

func (p *realProvider) account(login string, groups ...string) {
	p.t.Helper()
	p.set("account", map[string]any{"login": login, "claims": map[string]any{
		"name": strings.ToUpper(login[:1]) + login[1:], "email": login + "@example.com", "email_verified": true, "groups": groups,
	}})
}

// arrive waits for an address of the site, over whatever leads there, and returns what the page says.
func (w *window) arrive(path string) string {
	w.t.Helper()
	w.eventually("location.pathname === '" + path + "' && " + painted + " && !document.querySelector('main h1')?.innerText.startsWith('Test sign')")
	return w.text("main")
}

// painted holds once somebody could see the page: until then the browser throws clicks away, so that nobody clicks on what is
// not there yet.
const painted = "document.readyState === 'complete' && performance.getEntriesByType('paint').length > 0"

// eventually waits for a condition over navigations, which make an evaluation fail.
func (w *window) eventually(condition string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if met, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+condition+")")); err == nil && met {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("never: %s; the page says: %s", condition, run(w, chromedp.Evaluate[string]("location.href + document.body.innerText")))
		case <-tick.C:
		}
	}
}

func (w *window) text(selector string) string {
	w.t.Helper()
	return run(w, chromedp.Evaluate[string]("document.querySelector('"+selector+"')?.innerText ?? ''"))
}

// logIn types a name at the provider.
func (w *window) logIn(login string) {
	w.t.Helper()
	w.eventually("document.querySelector('#go') && " + painted)
	w.do(chromedp.SendKeys("#login", login), chromedp.Click("#go"))
}

// forget drops the cookies of everybody, the provider's too.
func (w *window) forget() {
	w.t.Helper()
	if _, err := chromedp.Call(w.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		w.t.Fatal(err)
	}
}

// visitor is the window's session outside of the window.
func (w *window) visitor(s *site) *visitor {
	w.t.Helper()
	base, err := url.Parse(s.server.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := chromedp.Call(w.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{s.server.URL}})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range all.Cookies {
		jar.SetCookies(base, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
	}
	b := s.visitor()
	b.client.Jar = jar
	return b
}

// listen opens the live socket of a tenant and returns what it is closed with, and when.
func (b *visitor) listen(t id.Tenant) <-chan closing {
	b.s.t.Helper()
	header := http.Header{"Origin": {b.s.server.URL}}
	conn, answer, err := websocket.Dial(b.s.t.Context(), b.s.server.URL+tenantPath(t)+"/live", &websocket.DialOptions{HTTPClient: b.client, HTTPHeader: header})
	if err != nil {
		b.s.t.Fatal(answer, err)
	}
	conn.SetReadLimit(1 << 20)
	closed := make(chan closing, 1)
	go func() {
		for {
			if _, _, err := conn.Read(context.Background()); err != nil {
				closed <- closing{websocket.CloseStatus(err), time.Now()}
				return
			}
		}
	}()
	b.s.t.Cleanup(func() { _ = conn.CloseNow() })
	return closed
}

// soon is what a socket was closed with.
func soon(t *testing.T, closed <-chan closing) closing {
	t.Helper()
	select {
	case end := <-closed:
		return end
	case <-time.After(30 * time.Second):
		t.Fatal("the socket stays open")
		return closing{}
	}
}

type closing struct {
	code websocket.StatusCode
	at   time.Time
}
