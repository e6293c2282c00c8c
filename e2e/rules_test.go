package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// press clicks what the selector finds, wherever it is by then: the verdicts below a form come while one types, and a click
// at a place may come too late for what was there.
func press(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).click()", selector))
}

// A rule from menus to its effect: written as a sentence, tried on packets that were really sent, enabled, and then seen in
// the lanes; a second one drops, and says so to the device.
func TestRuleFromSentenceToEffect(t *testing.T) {
	t.Parallel() // beside the test of the wall, which waits most of the time
	i := setup(t)
	p := start(t, i.data)
	d := p.register(i, "pump-7")
	post := func(values string) string {
		t.Helper()
		status, body := p.call(http.MethodPost, "/ingest/v1/packets", d.Token, values)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", values, status, body)
		}
		return string(body)
	}
	post(`{"temp":95,"rpm":1400}`)
	post(`{"temp":20,"rpm":1400}`)
	ctx := signedIn(t, p)
	rules := fmt.Sprintf("%s/t/%s/rules", p.base, i.Tenant)
	do(t, ctx, "write a rule with menus", chromedp.Navigate(rules+"/new"),
		until(`document.querySelector("#trial-summary")?.textContent.includes("of the last 2 packets")`),
		chromedp.SendKeys(chromedp.CSS("#name"), "Hot pumps"),
		chromedp.SetValue(chromedp.CSS("#of-1"), "temp"), chromedp.SetValue(chromedp.CSS("#is-1"), "above"),
		chromedp.SetValue(chromedp.CSS("#lane"), "critical"),
		chromedp.SendKeys(chromedp.CSS("#text-1"), "80"))
	do(t, ctx, "see the verdicts", until(`document.querySelector("#trial-summary")?.textContent.startsWith("1 of the last 2 packets match")`),
		until(`document.querySelector('[data-verdict=match]')?.textContent.includes("from the standard to the critical lane by Hot pumps")`),
		until(`document.querySelector('[data-verdict=none]')?.textContent.includes("temp > 80 is not true: temp is 20")`))
	do(t, ctx, "enable it", chromedp.SendKeys(chromedp.CSS("#reason"), "pumps overheat"),
		press("button[value=enable].btn-primary"),
		until(`document.querySelector("#rules")?.textContent.includes("Enabled, version 1")`))

	post(`{"temp":99,"rpm":1400}`)
	do(t, ctx, "the packet went by the critical lane", chromedp.Click(chromedp.CSS("a.rule-name")),
		until(`[...document.querySelectorAll("[data-verdict=match]")].some(row => row.textContent.includes("temp=99") && !row.textContent.includes("from the standard"))`))
	do(t, ctx, "and is counted", chromedp.Navigate(rules),
		until(`document.querySelector("#rules [data-label=Matched]")?.textContent === "1"`))

	do(t, ctx, "drop what nobody needs", chromedp.Navigate(rules+"/new"), chromedp.SendKeys(chromedp.CSS("#name"), "Idle"),
		chromedp.SetValue(chromedp.CSS("#of-1"), "rpm"), chromedp.SetValue(chromedp.CSS("#is-1"), "equal to"), chromedp.SendKeys(chromedp.CSS("#text-1"), "0"),
		chromedp.SetValue(chromedp.CSS("#keep"), "drop"), chromedp.SendKeys(chromedp.CSS("#reason"), "idle pumps"),
		press("button[value=enable].btn-primary"),
		until(`document.querySelectorAll("#rules tbody tr").length === 2`))
	if got := post(`{"temp":20,"rpm":0}`); !strings.Contains(got, `"dropped":1`) || !strings.Contains(got, `"accepted":1`) {
		t.Errorf("the device is told %s", got)
	}
	do(t, ctx, "it is counted as dropped", chromedp.Navigate(rules),
		until(`[...document.querySelectorAll("#rules [data-label=Dropped]")].map(c => c.textContent).join() === "0,1"`))
}
