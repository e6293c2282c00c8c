package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/singleflight"

	"longwave/ingest/telemetry"
	"longwave/processors/erase"
	"longwave/processors/replay"
	"longwave/tenants"
	"longwave/tenants/id"
)

// usageAge is how old the figures of what is stored may be; they are of everybody, and operators look often.
const usageAge = 30 * time.Second

// operation tells operators what tenants use, and is what a tenant is deleted by.
type operation struct {
	p    *platform
	once singleflight.Group

	mu    sync.Mutex
	at    time.Time
	usage map[id.Tenant]tenants.Usage // what has to be asked for
}

// Usage implements web.Operation and api.Operation. What takes a question to another part is up to usageAge old, the same for
// everybody who asks; the rest is of now.
func (o *operation) Usage(ctx context.Context) (map[id.Tenant]tenants.Usage, error) {
	asked, err := o.asked(ctx)
	all := make(map[id.Tenant]tenants.Usage, len(asked))
	for t, u := range asked {
		all[t] = u
	}
	change := func(t id.Tenant, edit func(*tenants.Usage)) {
		u := all[t]
		edit(&u)
		all[t] = u
	}
	for t, rate := range o.p.front.Rates() {
		change(t, func(u *tenants.Usage) { u.Rate = rate })
	}
	for t, n := range o.p.book.Firing() {
		change(t, func(u *tenants.Usage) { u.Alerts = n })
	}
	for t, met := range o.p.front.Limited() {
		change(t, func(u *tenants.Usage) { u.Limited, u.LastLimited = met.Count, met.Last })
	}
	return all, err
}

func (o *operation) asked(ctx context.Context) (map[id.Tenant]tenants.Usage, error) {
	o.mu.Lock()
	usage, at := o.usage, o.at
	o.mu.Unlock()
	if time.Since(at) < usageAge {
		return usage, nil
	}
	answer := o.once.DoChan("", func() (any, error) { return o.ask(context.WithoutCancel(ctx)) })
	select {
	case got := <-answer:
		found, _ := got.Val.(map[id.Tenant]tenants.Usage)
		return found, got.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask asks the storage, and the queues of all destinations at once: one question each, however many tenants there are.
func (o *operation) ask(ctx context.Context) (map[id.Tenant]tenants.Usage, error) {
	sizes, err := o.p.store.Usage(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := o.waiting(ctx)
	if err != nil {
		return nil, err
	}
	usage := make(map[id.Tenant]tenants.Usage, len(sizes))
	for t, size := range sizes {
		usage[t] = tenants.Usage{Readings: size.Readings, Bytes: size.Bytes}
	}
	for t, n := range waiting {
		u := usage[t]
		u.Waiting = n
		usage[t] = u
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.usage, o.at = usage, time.Now()
	return usage, nil
}

// waiting counts the messages of each tenant that wait for its destinations.
func (o *operation) waiting(ctx context.Context) (map[id.Tenant]uint64, error) {
	queued := map[id.Tenant]uint64{}
	stream, err := o.p.js.Stream(ctx, telemetry.OutStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return queued, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at queued deliveries: %w", err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(telemetry.OutFilter()))
	if err != nil {
		return nil, fmt.Errorf("look at queued deliveries: %w", err)
	}
	for subject, n := range info.State.Subjects {
		if t, err := telemetry.ParseOutSubject(subject); err == nil {
			queued[t] += n
		}
	}
	return queued, nil
}

// Rates implements web.Operation.
func (o *operation) Rates() map[id.Tenant]float64 { return o.p.front.Rates() }

// Contents implements web.Operation and api.Operation. What the control plane holds comes first: it is what people know.
func (o *operation) Contents(ctx context.Context, t id.Tenant) ([]tenants.Count, error) {
	st := o.p.tenants.State()
	counts := []tenants.Count{
		{Name: "devices", Number: uint64(st.DeviceCount(t))}, {Name: "members", Number: uint64(len(st.Members(t)))}, {Name: "API keys", Number: uint64(len(st.Keys(t)))},
		{Name: "routing rules", Number: uint64(len(st.Rules(t)))}, {Name: "destinations", Number: uint64(len(st.Destinations(t)))},
		{Name: "alert rules", Number: uint64(len(st.AlertRules(t)))},
	}
	for _, part := range o.p.estate() {
		n, err := part.Count(ctx, t)
		if err != nil {
			return counts, fmt.Errorf("count %s: %w", part.Name, err)
		}
		counts = append(counts, tenants.Count{Name: part.Name, Number: n})
	}
	return counts, nil
}

// estate is everything that is kept of a tenant outside the control log, in the order in which it is removed: first what
// something else could be made from again.
func (p *platform) estate() []erase.Part {
	var parts []erase.Part
	for _, lane := range telemetry.Lanes() {
		parts = append(parts, erase.Part{Name: "messages of the lane " + lane.String(),
			Count:  func(ctx context.Context, t id.Tenant) (uint64, error) { return p.front.Kept(ctx, lane, t) },
			Remove: func(ctx context.Context, t id.Tenant) error { return p.front.RemoveTenant(ctx, lane, t) }})
	}
	return append(parts,
		p.streamPart("rejected packets", telemetry.RejectedStream, telemetry.RejectedOf),
		p.streamPart("queued deliveries", telemetry.OutStream, telemetry.OutTenantFilter),
		p.streamPart("delivery attempts", telemetry.DeliveryStream, telemetry.DeliveryTenantFilter),
		p.streamPart("undelivered messages", telemetry.UndeliveredStream, telemetry.UndeliveredTenantFilter),
		p.alertPart(),
		p.picturePart(),
		p.streamPart("states of alert rules", telemetry.AlertStateStream, telemetry.AlertStateOf),
		p.streamPart("records of replays", telemetry.BucketStream(replay.BucketName), func(t id.Tenant) string { return telemetry.BucketKey(replay.BucketName, t) }),
		p.streamPart("times that keys were used", telemetry.BucketStream(tenants.KeyUseBucket), func(t id.Tenant) string { return telemetry.BucketKeys(tenants.KeyUseBucket, t) }),
		p.streamPart("what walls said of themselves", telemetry.BucketStream(tenants.WallReportBucket), func(t id.Tenant) string { return telemetry.BucketKeys(tenants.WallReportBucket, t) }),
		erase.Part{Name: "rows", Count: p.rows, Remove: func(ctx context.Context, t id.Tenant) error { return p.store.ForTenant(t).EraseAll(ctx) }},
	)
}

func (p *platform) rows(ctx context.Context, t id.Tenant) (sum uint64, err error) {
	tables, err := p.store.ForTenant(t).Rows(ctx)
	for _, table := range tables {
		sum += table.Rows
	}
	return sum, err
}

// streamPart is what a stream keeps of a tenant under the subjects that a filter matches.
func (p *platform) streamPart(name, stream string, filter func(id.Tenant) string) erase.Part {
	return erase.Part{
		Name: name,
		Count: func(ctx context.Context, t id.Tenant) (sum uint64, err error) {
			found, err := p.js.Stream(ctx, stream)
			if errors.Is(err, jetstream.ErrStreamNotFound) {
				return 0, nil
			}
			if err != nil {
				return 0, err
			}
			info, err := found.Info(ctx, jetstream.WithSubjectFilter(filter(t)))
			if err != nil {
				return 0, err
			}
			for _, n := range info.State.Subjects {
				sum += n
			}
			return sum, nil
		},
		Remove: func(ctx context.Context, t id.Tenant) error {
			found, err := p.js.Stream(ctx, stream)
			if errors.Is(err, jetstream.ErrStreamNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			return found.Purge(ctx, jetstream.WithPurgeSubject(filter(t)))
		},
	}
}

// eraseTenants makes the deletions of tenants come true.
func (p *platform) eraseTenants(ctx context.Context) error {
	return erase.RunTenants(ctx, erase.TenantOptions{
		Pending: p.endings, Empty: p.tenants.EmptyTenant, Settled: p.runner.Settled, Parts: p.estate(), Done: p.tenantGone, Log: p.log,
	})
}

func (p *platform) endings() []erase.Ending {
	var list []erase.Ending
	for _, e := range p.tenants.State().Endings() {
		list = append(list, erase.Ending{Tenant: e.Tenant, Emptied: e.Emptied})
	}
	return list
}

// tenantGone records the end of a deletion. What was found at its beginning counts as removed, also when the program was
// stopped in between and finds less.
func (p *platform) tenantGone(ctx context.Context, t id.Tenant, gone []erase.Gone) error {
	ending, _ := p.tenants.State().Ending(t)
	counts := make([]tenants.Gone, 0, len(gone)+len(ending.Counts))
	for _, c := range ending.Counts {
		counts = append(counts, tenants.Gone{Name: c.Name, Removed: c.Number})
	}
	for _, g := range gone {
		at := slices.IndexFunc(counts, func(c tenants.Gone) bool { return c.Name == g.Name })
		if at < 0 {
			counts, at = append(counts, tenants.Gone{Name: g.Name}), len(counts)
		}
		counts[at].Removed, counts[at].Left = max(counts[at].Removed, g.Removed), g.Left
	}
	err := p.tenants.FinishDeletion(ctx, t, counts)
	if errors.Is(err, tenants.ErrNotFound) { // another copy was faster
		return nil
	}
	return err
}
