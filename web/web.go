package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

	"longwave/ingest/telemetry"
	"longwave/processors/alert/notify"
	"longwave/processors/forward/reach"
	"longwave/static"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/tenants/seal"
	"longwave/tenants/session"
	"longwave/views"
	"longwave/web/export"
	"longwave/web/handler"
	"longwave/web/live"
	"longwave/web/oidc"
	"longwave/web/widget"
)

// Reader is what pages read of one tenant's stored data.
type Reader interface {
	LiveReader
	widget.Reader
	Overview(ctx context.Context, d id.Device, from, to telemetry.Micros, points int) ([]telemetry.Series, error)
	Events(ctx context.Context, q telemetry.EventQuery) ([]telemetry.Event, error)
	Count(ctx context.Context, d id.Device) (telemetry.Erased, error)
	Hourly(ctx context.Context, from, to telemetry.Micros) ([]telemetry.Point, error)
	Each(ctx context.Context, q telemetry.SeriesQuery, yield func(telemetry.Point) error) error
}

// Options are what the pages need. StartDemo may be nil: then no page offers demo data. Hub may be nil: then pages show what
// was true when they were loaded.
type Options struct {
	Tenants  *tenants.Service
	Sessions *session.Store
	Handler  *handler.Adapter
	// Providers speaks with identity providers; Secrets seals what they need and what a browser carries to them.
	Providers *oidc.Client
	Secrets   *seal.Ring
	Readings  func(id.Tenant) Reader
	// Exports makes files of readings.
	Exports *export.Exporter
	// Rejected reads the newest rejected packets that were kept of a device, newest first.
	Rejected func(ctx context.Context, t id.Tenant, d id.Device, limit int) ([]telemetry.RejectedPacket, error)
	WorkList WorkList
	Jobs     Jobs
	// Recent reads the newest packets of a tenant from the lanes, newest first.
	Recent func(ctx context.Context, t id.Tenant, limit int) ([]telemetry.Recent, error)
	// RuleCounts is what the routing rules of a tenant have done in this process.
	RuleCounts func(id.Tenant) map[id.Rule]rule.Count
	// LimitsMet are the limits that devices of a tenant have met with this copy of the program since Began; LimitsMetBy those
	// that one device has met. The newest are first.
	LimitsMet   func(id.Tenant) []telemetry.Met
	LimitsMetBy func(id.Tenant, id.Device) []telemetry.Met
	Began       time.Time
	System      func(context.Context) System
	Operation   Operation
	// Destinations is what delivers to destinations.
	Destinations Deliverer
	// Mail sends one message to one address; nil when there is no mail server. Its error is a *reach.Error or the context's.
	Mail func(ctx context.Context, to string, m reach.Message) error
	// Alerts is the log of alerts.
	Alerts Alerts
	// Trials tries alert rules on the past.
	Trials Trials
	// Pictures are those of dashboards.
	Pictures Pictures
	// AlertLink reads the link of a notification; an error for every one that does nothing.
	AlertLink func(token string) (notify.Link, error)
	Hub       *live.Hub
	// AddressKey hashes the caller's address as ingest does for attempts that belong to no device.
	AddressKey func(address string) string
	// StartDemo makes demo devices and begins to feed them.
	StartDemo func(context.Context, tenants.Actor, id.Tenant) error
	Version   string
	// PublicURL is what people put in front of a path, if the program cannot know it; empty otherwise.
	PublicURL string
	// QueueRetention is how long a lane keeps a copy of a packet at most: a deletion names the day.
	QueueRetention time.Duration
	Log            *slog.Logger
	Now            func() time.Time // time.Now when nil
}

func (o Options) check() error {
	switch {
	case o.Tenants == nil, o.Sessions == nil, o.Handler == nil:
		return errors.New("web: Tenants, Sessions and Handler are required")
	case o.Providers == nil, o.Secrets == nil:
		return errors.New("web: Providers and Secrets are required")
	case o.Exports == nil:
		return errors.New("web: Exports are required")
	case o.Readings == nil, o.Rejected == nil, o.System == nil, o.Destinations == nil, o.Operation == nil:
		return errors.New("web: Readings, Rejected, System, Destinations and Operation are required")
	case o.Recent == nil, o.RuleCounts == nil, o.LimitsMet == nil, o.LimitsMetBy == nil:
		return errors.New("web: Recent, RuleCounts, LimitsMet and LimitsMetBy are required")
	case o.WorkList == nil, o.Jobs == nil, o.Alerts == nil, o.Trials == nil, o.AlertLink == nil:
		return errors.New("web: WorkList, Jobs, Alerts, Trials and AlertLink are required")
	case o.Pictures == nil:
		return errors.New("web: Pictures are required")
	case o.AddressKey == nil, o.Log == nil, o.QueueRetention <= 0:
		return errors.New("web: AddressKey, Log and a positive QueueRetention are required")
	}
	return nil
}

// Web holds what all pages share.
type Web struct {
	o          Options
	handler    *handler.Adapter // shows problems as pages
	assets     *static.Assets
	links      views.Assets
	socket     *socket // nil without a hub
	feeds      *widget.Feeds
	handover   *handover
	drafts     *drafts
	mails      *mailBudget
	activities *activities
	waiting    chan struct{}      // a token for each screen that waits to be paired
	asking     singleflight.Group // what the first pages of a tenant ask
	news       newsboard
	cross      *http.CrossOriginProtection
}

// New makes the pages. It returns an error for incomplete options, and static.ErrNotBuilt when the binary lacks the
// browser's assets.
func New(o Options) (*Web, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	assets, err := static.Open()
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	w := &Web{o: o, assets: assets, handover: newHandover(o.Now), drafts: newDrafts(o.Now), waiting: make(chan struct{}, maxWaitingScreens), mails: newMailBudget(), activities: newActivities(o.Readings, o.Now), news: newsboard{known: map[id.Tenant]datedNews{}}, cross: http.NewCrossOriginProtection()}
	w.links = views.Assets{
		CSS: assets.Path("app.css"), Theme: assets.Path("theme.js"), App: assets.Path("app.js"),
		Favicon: assets.Path("favicon.svg"), Logo: assets.Path("logo.svg"),
	}
	w.handler = o.Handler.With(w.showProblem)
	w.cross.SetDenyHandler(w.handler.Handle(refuseForeign))
	if err := w.openSocket(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	return w, nil
}

func (w *Web) openSocket() (err error) {
	if w.o.Hub == nil {
		return nil
	}
	w.feeds, err = widget.NewFeeds(widget.FeedsOptions{Hub: w.o.Hub, Readings: func(t id.Tenant) widget.Reader { return w.o.Readings(t) }, Log: w.o.Log})
	if err != nil {
		return err
	}
	w.socket, err = newSocket(SocketOptions{
		Interest: w.interest, Feeds: w.feeds,
		Hub:      w.o.Hub,
		Readings: func(t id.Tenant) LiveReader { return w.o.Readings(t) },
		Known: func(t id.Tenant, d id.Device) bool {
			_, ok := w.o.Tenants.State().Device(t, d)
			return ok
		},
		Unit:       func(t id.Tenant, metric string) string { return w.o.Tenants.State().Unit(t, metric) },
		Rejected:   w.o.Rejected,
		Alerts:     w.o.Alerts,
		Directory:  directory{w},
		AddressKey: func(r *http.Request) string { return w.o.AddressKey(w.handler.ClientAddress(r)) },
		Version:    w.o.Version,
		Log:        w.o.Log,
	})
	return err
}

// Drain waits until every browser has been told that the server goes away; the hub must have ended before. It fails
// when the context ends first.
func (w *Web) Drain(ctx context.Context) error {
	if w.socket == nil {
		return nil
	}
	if err := w.socket.drain(ctx); err != nil {
		return err
	}
	w.feeds.Wait()
	return nil
}

func refuseForeign(http.ResponseWriter, *http.Request) error {
	return handler.Problem{
		Status: http.StatusForbidden, Code: "cross_site", Title: "This form came from another site",
		Detail: "The request was sent by a page of another site, so nothing was done. Open the page here and try again.",
	}.Because(nil)
}
