package web

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"longwave/ingest/telemetry"
)

// arrives is await over a change of pages, while which there is nothing to ask.
func (p *plant) arrives(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.window.ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		met, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if met && err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("waiting for %s: %v", expression, err)
		}
	}
}

// Whoever looks at a page knows within five seconds that it has been cut off.
func TestPageSaysInTimeThatItIsCutOff(t *testing.T) {
	p := newPlant(t)
	p.open("")
	p.value(`(() => {
		const pulse = document.getElementById("pulse");
		new MutationObserver(() => { if (pulse.classList.contains("beat")) window.heardAt = performance.now(); }).observe(pulse, {attributeFilter: ["class"]});
		new MutationObserver(() => { window.lostAt ??= performance.now(); }).observe(document.documentElement, {attributeFilter: ["data-connection"]});
		return "";
	})()`)
	p.await(`window.heardAt > 0`)
	p.endHub()
	p.await(`document.documentElement.dataset.connection === "lost"`)
	took, err := strconv.Atoi(p.value(`String(Math.round(window.lostAt - window.heardAt))`))
	if err != nil || took > 5000 || took < 4000 {
		t.Errorf("the page says so after %d ms (%v), want four to five seconds", took, err)
	}
}

// A machine that slept wakes with an old page: it must not look fresh, and must come back by itself.
func TestPageWakesFromSleep(t *testing.T) {
	p := newPlant(t)
	p.open("")
	p.value(`(() => {
		window.states = [];
		new MutationObserver(() => states.push(document.documentElement.dataset.connection)).observe(document.documentElement, {attributeFilter: ["data-connection"]});
		const before = Date.now;
		Date.now = () => before() + 3_600_000;
		dispatchEvent(new Event("focus"));
		return "";
	})()`)
	p.await(`states.join(" ").startsWith("lost live")`)
	p.publish(temp(4.5))
	p.await(`document.querySelector('#latest [data-metric=temp] [data-slot=value]')?.textContent === "4.5"`)
}

func TestPageOffersTheNewVersion(t *testing.T) {
	p := newPlant(t)
	p.open("")
	p.value(`document.body.dataset.version = "an older one", dispatchEvent(new Event("pagehide")), dispatchEvent(new Event("pageshow")), ""`)
	p.await(`document.getElementById("connection").innerText.includes("newer version")`)
	p.value(`window.sameDocument = "yes"`)
	p.window.click("#connection button")
	p.arrives(`window.sameDocument === undefined && document.documentElement.dataset.connection === "live" && document.getElementById("connection").hidden`)
}

// Going away and back, from the browser's cache or not, leads to a page that is live.
func TestPageIsLiveAfterGoingBack(t *testing.T) {
	p := newPlant(t)
	p.open("?tab=packets")
	p.publish(temp(1))
	p.await(`document.querySelectorAll("#packets > li").length === 1`)
	p.window.do(chromedp.Navigate(p.server.URL+p.devices()), chromedp.WaitReady("#devices"))
	p.publish(temp(2))
	p.value(`history.back(), ""`)
	p.arrives(`document.querySelectorAll("#packets > li").length === 2 && document.documentElement.dataset.connection === "live"`)
	p.publish(temp(3))
	p.await(`document.querySelectorAll("#packets > li").length === 3`)
}

func TestPacketsAreFilteredAndPaused(t *testing.T) {
	p := newPlant(t)
	p.open("?tab=packets")
	p.publish(temp(1))
	p.publish(telemetry.Value{Name: "door", Type: telemetry.Bool, Num: 1})
	p.await(`document.querySelectorAll("#packets > li").length === 2`)
	p.window.do(chromedp.SendKeys("#packets-filter", "door"))
	const visible = `[...document.querySelectorAll("#packets > li:not([hidden]) [data-slot=values]")].map(e => e.textContent).join("|")`
	p.await(visible + ` === "door true" && document.getElementById("packets-skipped").textContent === "1 of 2 packets match"`)
	p.publish(temp(2))
	p.await(`document.getElementById("packets-skipped").textContent === "1 of 3 packets match" && ` + visible + ` === "door true"`)
	p.window.click("#packets-pause")
	p.publish(telemetry.Value{Name: "door", Type: telemetry.Bool, Num: 0})
	p.await(`document.getElementById("packets-skipped").textContent.includes("Paused, 1 new")`)
	p.window.click("#packets-pause")
	p.await(visible + ` === "door false|door true"`)
}

// What is rejected while the page is open joins its cause.
func TestRejectedPacketsJoinTheirCause(t *testing.T) {
	p := newPlant(t)
	p.open("?tab=rejected")
	// The socket is open before the subscription is: what is refused in between stands in the stream that keeps it, which
	// this plant has none of.
	const subscribed = `document.querySelector("#rejected [data-slot=count]") !== null`
	for !run(p.window, chromedp.Evaluate[bool](subscribed)) {
		p.refuse("first", "/first")
	}
	for _, pointer := range []string{"/0/values/temp", "/7/values/temp", "/ts"} {
		p.refuse("value_type", pointer)
	}
	p.await(`[...document.querySelectorAll("#rejected [data-slot=count]")].map(e => e.textContent).slice(0, 2).join() === "1,2" && document.getElementById("rejected-empty").hidden`)
}

// refuse tells the page of a rejected packet, as ingest does.
func (p *plant) refuse(code, pointer string) {
	p.t.Helper()
	refused := telemetry.EncodeRejected(&telemetry.RejectedPacket{Device: p.device.ID, Received: telemetry.At(time.Now()),
		Rejection: telemetry.Rejection{Code: code, Pointer: pointer, Raw: pointer, Detail: "not a value"}})
	if err := p.js.Conn().Publish(telemetry.RejectedSubject(p.device.Tenant, p.device.ID), refused); err != nil {
		p.t.Fatal(err)
	}
}

// A range without readings says so and leads to the newest one.
func TestAnEmptyRangeLeadsToTheNewestReading(t *testing.T) {
	p := newPlant(t)
	p.publish(temp(21.5))
	old := time.Now().Add(-48 * time.Hour)
	p.open("?from=" + strconv.FormatInt(old.UnixMilli(), 10) + "&to=" + strconv.FormatInt(old.Add(time.Hour).UnixMilli(), 10))
	p.await(`document.querySelector("#charts [data-metric=temp] [data-slot=empty]")?.hidden === false`)
	p.window.click("#charts [data-metric=temp] [data-slot=newest]")
	p.await(`document.querySelector("#charts [data-metric=temp] [data-slot=empty]").hidden && Number(new URLSearchParams(location.search).get("to")) > Date.now() - 600_000`)
	if heard := p.window.heard(); heard != "" {
		t.Errorf("the console complains: %s", heard)
	}
}

func TestConnectFollowsTheFirstPacket(t *testing.T) {
	p := newPlant(t)
	p.open("/connect")
	p.await(`document.querySelector("[data-state-of=device-seen]").textContent === "Never seen"`)
	p.publish(temp(21.5))
	p.await(`document.querySelector("[data-state-of=device-seen]").textContent === "Live" && Number(document.getElementById("device-seen").dataset.at) > 0`)
	p.await(`document.querySelector("#connect-verdicts [data-slot=status]").textContent === "200 accepted"`)
}
