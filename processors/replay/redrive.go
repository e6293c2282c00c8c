package replay

import (
	"context"
	"errors"
	"time"

	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

const (
	// pagePackets is how many rejected packets are read at once; the largest page takes 5 MiB.
	pagePackets = 200
	// redriveTimeout bounds one step of a job on rejected packets.
	redriveTimeout = 30 * time.Second
)

// measureRejected counts what the filter selects, and sets where it ends.
func (w *worker) measureRejected(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redriveTimeout)
	defer cancel()
	f := &w.job.Filter
	if f.Through == 0 {
		end, err := w.o.Front.RejectedEnd(ctx)
		if err != nil {
			return err
		}
		f.Through = end
	}
	w.job.Progress.Ends[0] = f.Through
	w.job.Progress.Total = 0
	state := w.o.Tenants.State()
	return w.o.Front.EachRejected(ctx, w.tenant, ingest.RejectedQuery{Device: f.Device}, func(k ingest.KeptPacket) {
		if f.matches(&k, deviceOf(state, w.tenant, k.Device)) {
			w.job.Progress.Total++
		}
	})
}

// rejected does something with every rejected packet that the filter selects, oldest first. What it leaves in the list
// under a new place stands behind the end of the job.
func (w *worker) rejected(ctx context.Context, do func(context.Context, *ingest.KeptPacket) error) error {
	p := &w.job.Progress
	filter := w.job.Filter
	filter.Through = p.Ends[0]
	for {
		page, err := w.page(ctx, p.Next[0])
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			k := &page[i]
			if k.Sequence > filter.Through {
				return nil
			}
			if filter.matches(k, deviceOf(w.state, w.tenant, k.Device)) {
				w.pace.wait(ctx, 1)
				if err := w.persist(ctx, func(ctx context.Context) error { return do(ctx, k) }); err != nil {
					return err
				}
				p.Read++
			}
			p.Next[0] = k.Sequence + 1
			if err := w.save(ctx); err != nil {
				return err
			}
		}
	}
}

func (w *worker) page(ctx context.Context, from uint64) (page []ingest.KeptPacket, err error) {
	w.state = w.o.Tenants.State()
	query := ingest.RejectedQuery{Device: w.job.Filter.Device, From: from, Limit: pagePackets}
	err = w.persist(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, redriveTimeout)
		defer cancel()
		page = page[:0]
		return w.o.Front.EachRejected(ctx, w.tenant, query, func(k ingest.KeptPacket) { page = append(page, k) })
	})
	return page, err
}

// redrive sends one packet through the front door. It leaves the work list after it is in its lane; a crash in between
// sends it again, to the same effect.
func (w *worker) redrive(ctx context.Context, k *ingest.KeptPacket) error {
	ctx, cancel := context.WithTimeout(ctx, redriveTimeout)
	defer cancel()
	from, refused := w.sender(k)
	var err error
	if refused == nil {
		refused, err = w.o.Front.Redrive(ctx, from, &k.RejectedPacket)
	}
	switch {
	case err != nil:
		return err
	case refused == nil:
		err = w.o.Front.Forget(ctx, w.tenant, k)
	case refused.Code == codeCut || causeOf(*refused) == causeOf(k.Rejection):
		// As before, or not known: the reason that stands there says more.
	default:
		err = w.o.Front.Reword(ctx, w.tenant, k, *refused)
	}
	if err != nil && !errors.Is(err, ingest.ErrRejectedGone) {
		return err
	}
	w.count(refused == nil)
	return nil
}

func (w *worker) count(stored bool) {
	outcome, number := "stored", &w.job.Progress.Stored
	if !stored {
		outcome, number = "refused", &w.job.Progress.Refused
	}
	*number++
	w.metrics.packets.WithLabelValues(string(w.job.Kind), outcome).Inc()
}

func (w *worker) dismiss(ctx context.Context, k *ingest.KeptPacket) error {
	ctx, cancel := context.WithTimeout(ctx, redriveTimeout)
	defer cancel()
	err := w.o.Front.Forget(ctx, w.tenant, k)
	if errors.Is(err, ingest.ErrRejectedGone) {
		return nil
	}
	if err == nil {
		w.job.Progress.Dismissed++
		w.metrics.packets.WithLabelValues(string(w.job.Kind), "dismissed").Inc()
	}
	return err
}

// Codes of why a packet cannot go again, beside those of the decoder.
const (
	codeGone     = "device_deleted"
	codeDisabled = "device_disabled"
	codeCut      = "not_kept_whole"
)

func (w *worker) sender(k *ingest.KeptPacket) (ingest.Principal, *telemetry.Rejection) {
	return sender(w.o.Tenants.State(), w.tenant, k.Device)
}

// sender is the device as the front door knows it, or why it may not send.
func sender(state *tenants.State, t id.Tenant, d id.Device) (ingest.Principal, *telemetry.Rejection) {
	device, ok := state.Device(t, d)
	if !ok {
		return ingest.Principal{}, &telemetry.Rejection{Code: codeGone, Detail: "the device does not exist any more"}
	}
	if device.Disabled {
		return ingest.Principal{}, &telemetry.Rejection{Code: codeDisabled, Detail: "the device is disabled: enable it, then send the packet again"}
	}
	tenant, _ := state.Tenant(t)
	return ingest.Principal{Tenant: t, Device: d, RetainDays: tenant.KeepDays(), Profile: device.Profile, Site: device.Site, Labels: device.Labels}, nil
}

// deviceOf is a device, or nothing for one that does not exist any more.
func deviceOf(state *tenants.State, t id.Tenant, d id.Device) tenants.Device {
	device, _ := state.Device(t, d)
	return device
}
