package web

import (
	"errors"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// waits for an expression to become true in the page.
func (w *window) until(expression string) {
	w.t.Helper()
	w.do(chromedp.Poll[chromedp.Void](expression))
}

func (w *window) click(selector string) {
	w.t.Helper()
	w.do(chromedp.Click(selector))
}

func TestTheListWorksByKeyboard(t *testing.T) {
	s, b, _ := full(t)
	w := openWindow(t)
	w.become(s, b)
	w.show(s.server.URL+s.devices(), screens()[0])
	w.do(chromedp.KeyEvent("/"))
	w.until(`document.activeElement.id === "q"`)
	w.do(chromedp.KeyEvent(kb.Backspace + "pump-1")) // the protocol types the slash although its key was taken
	w.until(`document.querySelectorAll("#devices [data-row]").length === 10 && location.search === "?q=pump-1"`)
	w.do(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("x"))
	w.until(`document.activeElement.textContent === "pump-11" && document.querySelector("[data-bulk-count]").textContent === "1 selected"`)
	w.capture("list-selected")
	w.do(chromedp.KeyEvent("k"), chromedp.KeyEvent(kb.Enter))
	w.do(chromedp.WaitReady("#device-head"))
	if got := run(w, chromedp.Text("h1")); got != "pump-10" {
		t.Errorf("Enter opened %q", got)
	}
	if complaints := w.heard(); complaints != "" {
		t.Error(complaints)
	}
}

func TestTheThemeIsRemembered(t *testing.T) {
	s, b, _ := full(t)
	w := openWindow(t)
	w.become(s, b)
	w.show(s.server.URL+s.devices(), screens()[0])
	w.click("details.menu > summary")
	w.capture("menu")
	w.click(`button[data-theme-choice="dark"]`)
	w.until(`document.documentElement.dataset.bsTheme === "dark"`)
	w.do(chromedp.Reload())
	w.until(`document.documentElement.dataset.bsTheme === "dark" && document.querySelector("button[data-theme-choice=dark]").getAttribute("aria-pressed") === "true"`)
	w.click("details.menu > summary")
	w.do(chromedp.KeyEvent(kb.Escape))
	w.until(`!document.querySelector("details.menu").open`)
}

func TestRegisteringInABrowser(t *testing.T) {
	axe := readAxe(t)
	s, b, _ := full(t)
	w := openWindow(t)
	w.become(s, b)
	for _, size := range screens() {
		w.show(s.server.URL+s.devices()+"/register", size)
		w.do(chromedp.SendKeys("#name", "boiler "+size.name), chromedp.SendKeys("#interval", "often"))
		w.click("form.stack .btn-primary")
		w.do(chromedp.WaitReady("#interval-error"))
		w.capture("register-wrong-" + size.name)
		for _, violation := range w.violations(axe) {
			t.Errorf("the refused form on %s: %s", size.name, violation)
		}
		w.do(chromedp.SetValue("#interval", "10 s"))
		w.click("form.stack .btn-primary")
		w.do(chromedp.WaitReady("#connect-token"))
		w.click("#connect-python-tab")
		w.until(`!document.querySelector("#connect-python").hidden && document.querySelector("#connect-curl").hidden && location.hash === "#connect-python-tab"`)
		w.click("#connect-curl-tab")
		w.capture("connect-token-" + size.name)
		for _, violation := range w.violations(axe) {
			t.Errorf("connect on %s: %s", size.name, violation)
		}
	}
}

func TestDeletingInABrowserWaitsForTheText(t *testing.T) {
	s, b, device := full(t)
	w := openWindow(t)
	w.become(s, b)
	w.show(s.server.URL+s.devices()+"/delete?device="+string(device.ID), screens()[0])
	w.until(`document.querySelector(".btn-danger").disabled`)
	w.do(chromedp.SendKeys("#confirm", device.Name))
	w.until(`!document.querySelector(".btn-danger").disabled`)
	w.capture("delete-ready")
	w.click(".btn-danger")
	w.do(chromedp.WaitReady(".note-good"))
	w.capture("list-flash")
	s.storage.fail(errors.New("down"))
	w.show(s.server.URL+s.devices(), screens()[1])
	w.capture("list-no-storage")
}
