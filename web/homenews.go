package web

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"longwave/ingest/telemetry"
	"longwave/processors/replay"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/views"
)

// Bounds of what is new.
const (
	// newsFor is how long what is new serves every first page of its tenant: finding it reads all rejected packets of a day.
	newsFor = 30 * time.Second
	// maxNews bounds the tenants that are remembered, a few kilobytes each.
	maxNews = 512
	// rareOf is how many devices a profile needs before what few of them send is worth a word, and rareShare how few: at most
	// one in so many.
	rareOf    = 3
	rareShare = 5
)

// news is what is new at a tenant. What could not be read is not known, which is not the same as nothing.
type news struct {
	rejected      []replay.Group // of the last day, the most frequent first
	rare          []rareMetric
	rejectedKnown bool
	rareKnown     bool
}

// rareMetric is a metric that few of the devices of one profile send: a new one, or a name that was mistyped.
type rareMetric struct {
	Metric, Profile string
	Device          deviceName // one that sends it
	Senders, Of     int
}

// newsboard remembers, briefly and for few tenants, what is new.
type newsboard struct {
	asking singleflight.Group
	mu     sync.Mutex
	known  map[id.Tenant]datedNews
}

type datedNews struct {
	at   time.Time
	what news
}

// newsOf is what is new at a tenant, at most newsFor old.
func (w *Web) newsOf(ctx context.Context, t id.Tenant) news {
	now := w.o.Now()
	w.news.mu.Lock()
	kept, ok := w.news.known[t]
	w.news.mu.Unlock()
	if ok && now.Sub(kept.at) < newsFor {
		return kept.what
	}
	found, err := share(ctx, &w.news.asking, shared[news]{key: string(t), within: 2 * storageTimeout, ask: func(ctx context.Context) (news, error) { return w.readNews(ctx, t), nil }})
	if err != nil {
		return news{}
	}
	if found.rejectedKnown && found.rareKnown {
		w.news.remember(t, datedNews{now, found})
	}
	return found
}

// remember makes room first: what has expired goes, and when nothing has, any other.
func (n *newsboard) remember(t id.Tenant, what datedNews) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for other, kept := range n.known {
		if what.at.Sub(kept.at) >= newsFor || len(n.known) >= maxNews {
			delete(n.known, other)
		}
	}
	n.known[t] = what
}

func (w *Web) readNews(ctx context.Context, t id.Tenant) (found news) {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	list, err := w.o.WorkList.Groups(ctx, t, replay.Filter{From: telemetry.At(w.o.Now().Add(-24 * time.Hour))}, replay.ByCause)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without rejected packets", "tenant", t, "error", err)
	} else {
		found.rejected, found.rejectedKnown = list.Groups, true
		slices.SortStableFunc(found.rejected, func(a, b replay.Group) int { return cmp.Compare(b.Count, a.Count) })
	}
	if found.rare, err = w.rareMetrics(ctx, t); err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without unusual metrics", "tenant", t, "error", err)
	} else {
		found.rareKnown = true
	}
	return found
}

// rareMetrics are those that few devices of their profile send, the rarest first. Of many devices it looks at some.
func (w *Web) rareMetrics(ctx context.Context, t id.Tenant) ([]rareMetric, error) {
	source := w.source(t)
	i, _ := source.Interest(dashboard.Widget{Kind: dashboard.Table}, nil)
	latest, err := source.Readings.LatestOf(ctx, i.Devices)
	if err != nil {
		return nil, err
	}
	of, found := map[string]int{}, map[[2]string]*rareMetric{}
	for _, d := range i.Devices {
		device, ok := source.State.Device(t, d)
		if !ok || device.Profile == "" || len(latest[d]) == 0 {
			continue // without a profile nobody says that devices are alike
		}
		of[device.Profile]++
		for _, l := range latest[d] {
			key := [2]string{device.Profile, l.Metric}
			if found[key] == nil {
				found[key] = &rareMetric{Metric: l.Metric, Profile: device.Profile, Device: deviceName{d, device.Name}}
			}
			found[key].Senders++
		}
	}
	var list []rareMetric
	for _, one := range slices.SortedFunc(maps.Values(found), compareRare) {
		if one.Of = of[one.Profile]; one.Of >= rareOf && one.Senders <= (one.Of+rareShare-1)/rareShare {
			list = append(list, *one)
		}
	}
	return list, nil
}

func compareRare(a, b *rareMetric) int {
	return cmp.Or(cmp.Compare(a.Senders, b.Senders), strings.Compare(a.Profile, b.Profile), strings.Compare(a.Metric, b.Metric))
}

// homeNews fills in what is new: each line leads to the list behind it.
func (w *Web) homeNews(ctx context.Context, page *views.Home, t id.Tenant) {
	found := w.newsOf(ctx, t)
	page.Rejected = views.NewsList{Href: rejectedPath(t) + "?range=24h", Known: found.rejectedKnown}
	for _, g := range found.rejected[:min(len(found.rejected), homeRows)] {
		page.Rejected.Rows = append(page.Rejected.Rows, views.NewsRow{
			Text: g.Detail, Href: rejectedPath(t) + "?" + url.Values{"range": {"24h"}, "code": {g.Code}, "cause": {g.Cause}}.Encode(),
			Count: count(uint64(g.Count), "packet", "packets"), At: viewTime(g.Last.Time(), w.o.Now()),
		})
	}
	page.Rare = views.NewsList{Known: found.rareKnown}
	for _, m := range found.rare[:min(len(found.rare), homeRows)] {
		page.Rare.Rows = append(page.Rare.Rows, views.NewsRow{
			Text: m.Metric, Href: devicesPath(t) + "/" + string(m.Device.ID),
			Count: grouped(uint64(m.Senders)) + " of " + grouped(uint64(m.Of)) + " of profile " + m.Profile,
		})
	}
}
