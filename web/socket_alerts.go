package web

import (
	"context"
	"sync"
	"sync/atomic"

	"longwave/processors/alert"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// openCount is how many alerts of a tenant are open, and how bad the worst of them is.
type openCount struct {
	Open  int    `json:"open"`
	Worst string `json:"worst"`
}

func countOpen(book Alerts, t id.Tenant) openCount {
	open := book.Find(t, alert.Filter{State: alert.Active}, alert.Filter{State: alert.Taken})
	var worst alertrule.Severity
	for i := range open {
		worst = max(worst, open[i].Severity)
	}
	return openCount{len(open), worst.String()}
}

// alertsTopic says how many alerts of the tenant are open, whenever one of them has changed. What has changed the page
// reads itself: it may show a list, one alert, or none.
type alertsTopic struct {
	book   Alerts
	tenant id.Tenant
	due    atomic.Bool
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

func (b *browser) openAlerts(c command) (topic, []byte, error) {
	ctx, stop := context.WithCancel(context.Background())
	t := &alertsTopic{book: b.socket.options.Alerts, tenant: b.visit.Tenant, stop: stop}
	changed := t.book.Watch(t.tenant) // before it is counted, so that no change falls between
	t.ended.Go(func() { t.follow(ctx, changed, b.wake) })
	return t, newFrame(c.Sub).snapshot(false).list("alerts", countOpen(t.book, t.tenant)).end().bytes(), nil
}

func (t *alertsTopic) follow(ctx context.Context, changed <-chan struct{}, wake chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		changed = t.book.Watch(t.tenant)
		t.due.Store(true)
		rouse(wake)
	}
}

func (t *alertsTopic) next(number uint32) []byte {
	if !t.due.Swap(false) {
		return nil
	}
	return newFrame(number).list("alerts", countOpen(t.book, t.tenant)).bytes()
}

func (t *alertsTopic) close() {
	t.stop()
	t.ended.Wait()
}
