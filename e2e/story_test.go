package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// hook is a webhook of ours. It takes nothing while it is closed, for good.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	closed bool
	taken  []string
}

func openHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		if err != nil || h.closed {
			http.Error(w, "nobody of this name", http.StatusNotFound)
			return
		}
		h.taken = append(h.taken, string(body))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) close(closed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = closed
}

// message waits for a message that holds a text.
func (h *hook) message(t *testing.T, text string) (found string) {
	t.Helper()
	eventually(t, readyIn, "a message with "+text, func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, body := range h.taken {
			if strings.Contains(body, text) {
				found = body
				return nil
			}
		}
		return fmt.Errorf("among %d: %.2000s", len(h.taken), h.taken)
	})
	return found
}

// story is one plant with a device, a browser and somebody who is told.
type story struct {
	*testing.T
	p      *program
	i      installation
	device device
	hook   *hook

	destination string // that leads to the hook
}

func (s *story) post(values string) {
	s.Helper()
	if status, body := s.p.call(http.MethodPost, "/ingest/v1/packets", s.device.Token, values); status != http.StatusOK {
		s.Fatalf("%s: %d %s", values, status, body)
	}
}

func (s *story) page(path string) string { return s.p.base + "/t/" + s.i.Tenant + path }

func tell(t *testing.T) *story {
	t.Helper()
	s := &story{T: t, i: setup(t), hook: openHook(t)}
	s.p = start(t, s.i.data, "--allow-destinations", "127.0.0.0/8")
	s.device = s.p.register(s.i, "pump-7")
	status, body := s.p.call(http.MethodPost, "/manage/v1/destinations", s.i.Key, fmt.Sprintf(`{"name":"Ops webhook","kind":"webhook","url":%q}`, s.hook.URL))
	var made struct{ ID string }
	if err := json.Unmarshal(body, &made); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	s.destination = made.ID
	return s
}

// From a rule that sends hot packets on, over an answer that refuses them and a click that sends them again, to an alert that is
// acknowledged by the link of its message and ends by itself.
func TestFromRuleToAlertAndBack(t *testing.T) {
	t.Parallel() // beside the test of the wall, which waits most of the time
	s := tell(t)
	s.post(`{"temp":95}`)
	s.post(`{"temp":20}`)
	ctx := signedIn(t, s.p)

	do(t, ctx, "write a rule with menus, on real packets", chromedp.Navigate(s.page("/rules/new")),
		until(`document.querySelector("#trial-summary")?.textContent.includes("of the last 2 packets")`),
		chromedp.SendKeys(chromedp.CSS("#name"), "Hot pumps"),
		chromedp.SetValue(chromedp.CSS("#of-1"), "temp"), chromedp.SetValue(chromedp.CSS("#is-1"), "above"),
		chromedp.SetValue(chromedp.CSS("#lane"), "critical"), press("input[name=forward]"),
		chromedp.SendKeys(chromedp.CSS("#text-1"), "80"),
		until(`document.querySelector("#trial-summary")?.textContent.startsWith("1 of the last 2 packets match")`),
		chromedp.SendKeys(chromedp.CSS("#reason"), "pumps overheat"),
		press("button[value=enable].btn-primary"),
		until(`document.querySelector("#rules")?.textContent.includes("Enabled, version 1")`))
	s.post(`{"temp":81}`)
	if message := s.hook.message(t, `"temp":81`); !strings.Contains(message, `"pump-7"`) {
		t.Errorf("forwarded as %s", message)
	}
	do(t, ctx, "its lane", chromedp.Click(chromedp.CSS("a.rule-name")),
		until(`[...document.querySelectorAll("[data-verdict=match]")].some(row => row.textContent.includes("temp=81") && !row.textContent.includes("from the standard"))`))

	s.hook.close(true)
	s.post(`{"temp":82}`)
	eventually(t, readyIn, "what was refused is kept", func() error {
		do(t, ctx, "look at the destination", chromedp.Navigate(s.page("/destinations/"+s.destination)))
		if !run(t, ctx, "look for it", chromedp.Evaluate[bool](`document.querySelector("#undelivered button") !== null`)) {
			return errors.New("nothing is kept")
		}
		return nil
	})
	s.hook.close(false)
	do(t, ctx, "and sent again", press("#undelivered button"), until(`document.querySelector("#undelivered button") === null`))
	s.hook.message(t, `"temp":82`)

	do(t, ctx, "write an alert rule", chromedp.Navigate(s.page("/alert-rules/new")),
		chromedp.SendKeys(chromedp.CSS("#name"), "Too hot"),
		chromedp.SendKeys(chromedp.CSS(`[id="levels.0.when.tests.0.metric"]`), "temp"),
		chromedp.SendKeys(chromedp.CSS(`[id="levels.0.when.tests.0.text"]`), "70"),
		until(`document.querySelector("#verdict-summary")?.textContent.includes("On 1 of the 1 device")`),
		press(`input[name="notify.steps.0.destinations"]`),
		chromedp.SendKeys(chromedp.CSS("#reason"), "before they seize"),
		press("button[value=enable].btn-primary"),
		until(`document.querySelector("main")?.textContent.includes("Enabled, version 1")`),
		chromedp.Navigate(s.page("/alerts")), until(`document.documentElement.dataset.connection === "live"`))
	markPage(t, ctx)
	eventually(t, readyIn, "the rule is evaluated", func() error {
		s.post(`{"temp":71}`) // one that came before it began to be is not seen
		if _, body := s.p.call(http.MethodGet, "/manage/v1/alerts", s.i.Key, ""); !strings.Contains(string(body), "temp is 71") {
			return fmt.Errorf("%s", body)
		}
		return nil
	})
	do(t, ctx, "it fires on the open page", until(`document.querySelector("#alerts")?.textContent.includes("pump-7: temp is 71")`),
		until(`document.title.startsWith("(1) ")`))
	unmoved(t, ctx)

	var message struct {
		Data struct {
			Alerts []struct{ Links map[string]string }
		}
	}
	if err := json.Unmarshal([]byte(s.hook.message(t, `"alert.firing"`)), &message); err != nil || len(message.Data.Alerts) != 1 {
		t.Fatalf("%v: %+v", err, message)
	}
	alerts := run(t, ctx, "the alert", chromedp.Evaluate[string](`document.querySelector("#alerts tbody a").href`))
	do(t, ctx, "acknowledge by the link of the message", chromedp.Navigate(message.Data.Alerts[0].Links["acknowledge"]),
		chromedp.Submit(chromedp.CSS("main form")), until(`document.querySelector("main")?.textContent.includes("Nobody else is called")`),
		chromedp.Navigate(alerts), until(`document.querySelector("#alert-head")?.textContent.includes("Acknowledged by somebody with the link")`),
		until(`document.documentElement.dataset.connection === "live"`))
	markPage(t, ctx)
	s.post(`{"temp":21}`)
	do(t, ctx, "it ends by itself", until(`document.querySelector("#alert-head")?.textContent.includes("Resolved")`))
	unmoved(t, ctx)
	s.hook.message(t, `"alert.resolved"`)
}
