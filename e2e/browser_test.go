package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserTimeout bounds one browser test; a step that waits for something that never comes fails with it.
const browserTimeout = 2 * time.Minute

// browser starts a fresh headless Chromium that ends with the test. Errors of the page's scripts fail the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
		end()
		stop()
	})
	// The browser lives as long as the context of its first use, so that one must not have a deadline.
	if err := chromedp.Listen(ctx, func(event any) {
		if thrown, ok := event.(*runtime.EventExceptionThrown); ok {
			t.Errorf("a script of the page failed: %s %s", thrown.ExceptionDetails.Text, thrown.ExceptionDetails.URL)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// do runs steps and shows, when one fails, what the page looked like.
func do(t *testing.T, ctx context.Context, what string, steps ...step) {
	t.Helper()
	run(t, ctx, what, chromedp.Steps(steps...))
}

// run is do for a step that returns something.
func run[T any](t *testing.T, ctx context.Context, what string, action chromedp.Action[T]) T {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, browserTimeout)
	defer cancel()
	result, err := chromedp.Run(limited, action)
	if err != nil {
		look, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		text, _ := chromedp.Run(look, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`)) // for the message only
		t.Fatalf("%s: %v\nthe page says:\n%s", what, err, text)
	}
	return result
}

type step = chromedp.Action[chromedp.Void]

// until waits for a JavaScript condition, over navigations too; the page is never reloaded by it.
func until(condition string) step {
	look := chromedp.Evaluate[bool]("Boolean(" + condition + ")")
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			met, err := look(ctx, target) // an error is a page that is just being replaced by the next
			if met && err == nil {
				return chromedp.Void{}, nil
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return chromedp.Void{}, fmt.Errorf("waiting for %s: %w", condition, errors.Join(ctx.Err(), err))
			}
		}
	}
}

// The first five minutes of a person with a fresh installation: claim it, register a device, paste the line that the
// page shows, see the value arrive without a reload, and see the chart move.
func TestFirstFiveMinutes(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "data"))
	if !strings.HasPrefix(p.firstRun, p.base+"/first-run?token=") {
		t.Fatalf("the start printed no first-run link:\n%s", p.banner)
	}
	ctx := browser(t)
	do(t, ctx, "first run", chromedp.Navigate(p.firstRun),
		chromedp.SendKeys(chromedp.CSS(`input[name=email]`), operator),
		chromedp.SendKeys(chromedp.CSS(`input[name=name]`), "Ada"),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
		chromedp.SendKeys(chromedp.CSS(`input[name=tenant]`), "Pumps Ltd"),
		chromedp.Submit(chromedp.CSS(`main form`)),
		until(`location.pathname.endsWith("/devices")`))

	do(t, ctx, "register a device", chromedp.Click(chromedp.CSS(`a[href$="/devices/register"]`)),
		chromedp.SendKeys(chromedp.CSS(`input[name=name]`), "pump-7"),
		chromedp.Submit(chromedp.CSS(`main form`)),
		until(`document.querySelector("#connect-curl-code")?.textContent.includes("lwd_")`))

	line, device := connectLine(t, ctx)
	markPage(t, ctx)
	out, err := exec.Command("bash", "-c", line).CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"accepted":1`) {
		t.Fatalf("the page's own line: %v\n%s\n%s", err, line, out)
	}
	do(t, ctx, "the value arrives in the dialog", until(`document.querySelector("#connect-values")?.textContent.includes("21.5")`),
		until(`document.querySelector("#connect-verdicts")?.textContent.includes("200 accepted")`),
		until(`document.querySelector("[data-state-of=device-seen]")?.textContent === "Live"`))

	broken := exec.Command("bash", "-c", strings.Replace(line, `{"temp":21.5}`, `{"temp":{"deep":1}}`, 1))
	if out, err := broken.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	do(t, ctx, "the failed attempt is shown with its reason", until(`document.querySelector("#connect-verdicts")?.textContent.includes("is an object")`))
	unmoved(t, ctx)

	do(t, ctx, "the device's page", chromedp.Navigate(device),
		until(`document.querySelector('#latest [data-metric=temp] [data-slot=value]')?.textContent.trim() === "21.5"`),
		until(`document.querySelector('#charts [data-metric=temp] canvas')`))
	markPage(t, ctx)
	do(t, ctx, "open the chart's numbers", chromedp.Click(chromedp.CSS(`#charts [data-metric=temp] details summary`)))
	if out, err := exec.Command("bash", "-c", strings.Replace(line, "21.5", "23.25", 1)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	do(t, ctx, "the chart moves", until(`document.querySelector('#latest [data-metric=temp] [data-slot=value]')?.textContent.trim() === "23.25"`),
		until(`document.querySelector('#charts [data-metric=temp] [data-slot=table]')?.textContent.includes("23.25")`))
	unmoved(t, ctx)
}

// connectLine reads the curl line that the page offers, and the address of the device's page.
func connectLine(t *testing.T, ctx context.Context) (line, device string) {
	t.Helper()
	line = run(t, ctx, "read the curl line", chromedp.TextContent(chromedp.CSS("#connect-curl-code")))
	device = run(t, ctx, "read the address", chromedp.Location())
	return line, strings.TrimSuffix(device, "/connect")
}

// markPage and unmoved prove that what was seen in between came without a reload.
func markPage(t *testing.T, ctx context.Context) {
	t.Helper()
	run(t, ctx, "mark the page", chromedp.Evaluate[bool](`window.unmoved = true`))
}

func unmoved(t *testing.T, ctx context.Context) {
	t.Helper()
	if !run(t, ctx, "look at the mark", chromedp.Evaluate[bool](`window.unmoved === true`)) {
		t.Error("the page was reloaded on the way")
	}
}

// The page tells a lost server from a late value, and comes back by itself without a gap.
func TestPageSurvivesARestart(t *testing.T) {
	t.Parallel() // beside the test of the wall, which waits most of the time
	i := setup(t)
	p := start(t, i.data)
	d := p.register(i, "pump-7")
	ctx := signedIn(t, p)
	do(t, ctx, "open the device", chromedp.Navigate(fmt.Sprintf("%s/t/%s/devices/%s", p.base, i.Tenant, d.ID)),
		until(`document.documentElement.dataset.connection === "live"`))
	send := func(value string) {
		if status, body := p.call("POST", "/ingest/v1/packets", d.Token, `{"temp":`+value+`}`); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	send("1.5")
	do(t, ctx, "first value", until(`document.querySelector('#latest [data-metric=temp] [data-slot=value]')?.textContent.trim() === "1.5"`))
	markPage(t, ctx)

	address := strings.TrimPrefix(p.base, "http://")
	p.kill()
	do(t, ctx, "the page says that it is disconnected", until(`document.documentElement.dataset.connection === "lost"`))
	p = start(t, i.data, "--listen", address)
	send("2.5")
	do(t, ctx, "the page comes back", until(`document.documentElement.dataset.connection === "live"`),
		until(`document.querySelector('#latest [data-metric=temp] [data-slot=value]')?.textContent.trim() === "2.5"`))
	unmoved(t, ctx)
}

// signedIn is a browser in which the operator has signed in.
func signedIn(t *testing.T, p *program) context.Context {
	t.Helper()
	ctx := browser(t)
	do(t, ctx, "sign in", chromedp.Navigate(p.base+"/sign-in"),
		chromedp.SendKeys(chromedp.CSS(`input[name=email]`), operator),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
		chromedp.Submit(chromedp.CSS(`main form`)),
		until(`document.querySelector("[data-page=home]") !== null`))
	return ctx
}

// shots takes a picture of the page on a desk and on a phone, light and dark, when LONGWAVE_SHOTS names a directory.
func shots(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("LONGWAVE_SHOTS")
	if dir == "" {
		return
	}
	for _, width := range []int64{1920, 390} {
		for _, theme := range []string{"light", "dark"} {
			do(t, ctx, "turn to "+theme, chromedp.EmulateViewport(width, 1080),
				until(fmt.Sprintf(`(document.documentElement.dataset.bsTheme = %q) && new Promise(done => setTimeout(() => done(true), 600))`, theme)))
			picture := run(t, ctx, "take a picture", chromedp.CaptureScreenshot())
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, theme)), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	do(t, ctx, "turn back", chromedp.EmulateViewport(1280, 900))
}
