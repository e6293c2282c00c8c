package api_test

import (
	"net/http"
	"sync"
	"testing"

	"longwave/tenants"
)

// A tenant's slow exports leave others their places, and its own charts are drawn all the while.
func TestExportsOfOneTenantAreFew(t *testing.T) {
	r := newRig(t)
	r.reader.hold = make(chan struct{})
	ask := func(who tenantRig, headers ...string) answer {
		return r.ask(t, "GET /manage/v1/readings?metric=temp&device="+string(who.device.ID), who.keys[tenants.Viewer], "", headers...)
	}
	ndjson := []string{"Accept", "application/x-ndjson"}
	answers := make(chan int, 8)
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() { answers <- ask(r.ours, ndjson...).status })
	}
	for range 2 { // three run and hold on, two are refused
		if status := <-answers; status != http.StatusTooManyRequests {
			t.Errorf("one too many was answered %d", status)
		}
	}
	wait.Go(func() { answers <- ask(r.theirs, ndjson...).status })
	if got := ask(r.ours); got.status != http.StatusOK {
		t.Errorf("a chart beside the exports: %d %s", got.status, got.body)
	}
	close(r.reader.hold)
	for range 4 {
		if status := <-answers; status != http.StatusOK {
			t.Errorf("an export was answered %d", status)
		}
	}
	wait.Wait()
	if got := ask(r.ours, ndjson...); got.status != http.StatusOK {
		t.Errorf("after all: %d %s", got.status, got.body)
	}
}
