package web

import (
	"sync"
	"sync/atomic"

	"longwave/tenants/id"
)

// alertsTopic says how many alerts of the tenant are open, whenever one of them has changed. What has changed the page
// reads itself: it may show a list, one alert, or none.
type alertsTopic struct {
	book   Alerts
	tenant id.Tenant
	say    func() any // what is said of the open alerts
	due    atomic.Bool
	quit   chan struct{} // closed when nobody looks any more
	ended  sync.WaitGroup
}

func (b *browser) openAlerts(c command) (topic, []byte, error) {
	t := &alertsTopic{book: b.socket.options.Alerts, tenant: b.visit.Tenant, quit: make(chan struct{})}
	t.say = func() any { return t.book.Count(t.tenant) }
	if b.visit.Screen != nil {
		t.say = b.visit.Screen.alerts
	}
	changed := t.book.Watch(t.tenant) // before it is counted, so that no change falls between
	t.ended.Go(func() { t.follow(changed, b.wake) })
	return t, newFrame(c.Sub).snapshot(false).list("alerts", t.say()).end().bytes(), nil
}

func (t *alertsTopic) follow(changed <-chan struct{}, wake chan<- struct{}) {
	for {
		select {
		case <-t.quit:
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
	return newFrame(number).list("alerts", t.say()).bytes()
}

func (t *alertsTopic) close() {
	close(t.quit)
	t.ended.Wait()
}
