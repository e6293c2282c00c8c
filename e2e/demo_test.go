package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A person without a device at hand: one click brings recorded series to life, another one removes them for good.
func TestDemoData(t *testing.T) {
	t.Parallel() // beside the test of the wall, which waits most of the time
	i := setup(t)
	p := start(t, i.data)
	ctx := signedIn(t, p)
	shots(t, ctx, "devices-empty")
	do(t, ctx, "start demo data", chromedp.Submit(chromedp.CSS(`form[action$="/demo"]`)),
		until(`document.querySelectorAll("#devices tr[data-device]").length >= 5`),
		until(`[...document.querySelectorAll("#devices [data-slot=state]")].every(s => s.dataset.state === "live")`))
	shots(t, ctx, "devices-demo")
	do(t, ctx, "open a device", chromedp.Click(chromedp.CSS(`#devices tr[data-device] a`)),
		until(`document.querySelector("#charts canvas")`),
		until(`document.querySelector("#latest [data-slot=value]").textContent.trim() !== ""`))
	metric := run(t, ctx, "read the metric", chromedp.Evaluate[string](`document.querySelector("#latest [data-metric]").dataset.metric`))
	id := run(t, ctx, "read the device", chromedp.Evaluate[string](`document.querySelector("main[data-device]").dataset.device`))
	eventually(t, time.Minute, "the day before is there", func() error {
		readings, err := p.readings(i, device{ID: id}, metric)
		if err == nil && len(readings) < 10_000 {
			err = fmt.Errorf("%d readings", len(readings))
		}
		return err
	})
	do(t, ctx, "look at a day", chromedp.Click(chromedp.CSS(`#ranges [data-range="24h"]`)), until(`document.querySelector("#charts canvas")`))
	shots(t, ctx, "device-demo")
	tryOnThePast(t, ctx, fmt.Sprintf("%s/t/%s/alert-rules/new", p.base, i.Tenant))
	do(t, ctx, "remove demo data", chromedp.Navigate(fmt.Sprintf("%s/t/%s/devices", p.base, i.Tenant)),
		chromedp.Submit(chromedp.CSS(`form[action$="/demo/delete"]`)),
		until(`document.body.textContent.includes("No devices yet")`))
	eventually(t, time.Minute, "nothing of the demo is left in storage", func() error {
		status, body := p.call(http.MethodGet, "/metrics", "", "")
		if status != http.StatusOK {
			return fmt.Errorf("metrics: %d", status)
		}
		for line := range strings.Lines(string(body)) {
			if rows, ok := strings.CutPrefix(line, `longwave_store_rows{table="readings"} `); ok && strings.TrimSpace(rows) != "0" {
				return fmt.Errorf("%s rows of readings are left", strings.TrimSpace(rows))
			}
		}
		return nil
	})
}

// tryOnThePast asks when a rule would have fired on the temperature of a machine that was recorded until it failed.
func tryOnThePast(t *testing.T, ctx context.Context, editor string) {
	t.Helper()
	do(t, ctx, "write an alert rule for the machine", chromedp.Navigate(editor), chromedp.SendKeys(chromedp.CSS("#name"), "Machine cools down"),
		chromedp.SendKeys(chromedp.CSS(`[id="selector.names"]`), "machine-temperature"),
		chromedp.SendKeys(chromedp.CSS(`[id="levels.0.when.tests.0.metric"]`), "temperature"),
		chromedp.SetValue(chromedp.CSS(`[id="levels.0.when.tests.0.op"]`), "below"),
		chromedp.SendKeys(chromedp.CSS(`[id="levels.0.when.tests.0.text"]`), "60"))
	eventually(t, time.Minute, "it would have fired", func() error { // as soon as the day before is stored
		do(t, ctx, "try it on the past", chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("button")].find(b => b.textContent === "Try on the past").click()`),
			until(`document.querySelector("#past-cancel").hidden && document.querySelector("#past-summary")`))
		if text := run(t, ctx, "read what came of it", chromedp.TextContent(chromedp.CSS("#past-summary"))); !strings.Contains(text, "it would have fired") {
			return errors.New(text)
		}
		return nil
	})
	do(t, ctx, "see it on the chart", chromedp.ScrollIntoView(chromedp.CSS("#past-chart")), until(`document.querySelector("#past-chart canvas")`), until(`document.querySelector(".past-devices")?.textContent.includes("machine-temperature")`))
}
