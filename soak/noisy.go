package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"
)

// What one tenant may send, and how much of it before it travels in the bulk lane, which is half.
const (
	tenantPackets = 4_000
	tenantShare   = tenantPackets / 2
	quietTenants  = 50
	// noiseAtMost is what the noise of one tenant may do to the delays of others.
	noiseAtMost = 2.0
)

// quiet is 50 tenants with a device each, noise ten times the share of one tenant, from devices that do not care for what
// they are told.
var (
	quiet = shape{devices: quietTenants, batch: 10, rate: 1_000, echo: 0.02}
	noise = shape{devices: 64, batch: 50, rate: 10 * tenantShare, echo: 0.02, rude: true}
)

// oneIsNoisy compares what quiet tenants notice of the program before and while another one sends far too much. The
// generator shares the machine: how much of it was idle is part of the answer.
func oneIsNoisy(ctx context.Context, s *settings) (row row, err error) {
	row.times = 1
	r, err := newRig(ctx, s, plan{name: "noisy", shape: quiet, tenants: quietTenants, flags: []string{"--tenant-packets", fmt.Sprint(tenantPackets)}})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	loud, err := r.beside(ctx, noise)
	if err != nil {
		return row, err
	}
	eyes, err := r.watch(ctx, r.fleet)
	if err != nil {
		return row, err
	}
	defer eyes.close()
	phase := s.phase()
	r.fleet.start()
	wait(ctx, 10*time.Second) // to warm up
	calm := r.listen(ctx, eyes, phase)
	loud.start()
	wait(ctx, 5*time.Second)
	before, tried := loud.acked.Load(), loud.refusedRequests.Load()
	noisy := r.listen(ctx, eyes, phase)
	accepted, refused := loud.acked.Load()-before, loud.refusedRequests.Load()-tried
	row.figures, row.broken = compare(calm, noisy)
	row.figures = fmt.Sprintf("%d tenants at %.0f packets/s together; one more at %.0f/s, of which %.0f/s were accepted; %s", quietTenants, quiet.rate,
		float64(accepted+refused*int64(noise.batch))/phase.Seconds(), float64(accepted)/phase.Seconds(), row.figures)
	if err := eyes.failed(); err != nil {
		return row, err
	}
	if err := loud.finish(ctx); err != nil {
		return row, err
	}
	r.fleet.halt()
	r.fleet.ledger = append(r.fleet.ledger, loud.ledger...)
	row.verdict, err = r.judge(ctx)
	return row, err
}

func (s *settings) phase() time.Duration {
	if s.short {
		return 8 * time.Second
	}
	return time.Minute
}

// beside registers the devices of one more tenant, which send beside the fleet.
func (r *rig) beside(ctx context.Context, sh shape) (*fleet, error) {
	before := r.fleet
	err := r.enlist(ctx, sh)
	more := r.fleet
	r.fleet = before
	return more, err
}

// heard is what quiet tenants noticed for a while, and what of the machine nobody used.
type heard struct {
	acked, shown time.Duration // p99
	idle         float64
}

func (r *rig) listen(ctx context.Context, eyes *screens, phase time.Duration) heard {
	from, unused, all := time.Now(), 0.0, 0.0
	idle, total := processors()
	wait(ctx, phase)
	to := time.Now()
	if i, t := processors(); t > total {
		unused, all = i-idle, t-total
	}
	return heard{acked: r.fleet.p99(from, to), shown: eyes.quantile(0.99, from, to), idle: unused / max(all, 1)}
}

// processors is how much time they have spent doing nothing, and in all.
func processors() (idle, total float64) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	for i, field := range bytes.Fields(first)[1:] {
		var ticks float64
		fmt.Sscan(string(field), &ticks)
		if i < 8 { // the rest is counted in the first ones already
			total += ticks
		}
		if i == 3 || i == 4 {
			idle += ticks
		}
	}
	return idle, total
}

func compare(calm, noisy heard) (figures, broken string) {
	acked, shown := float64(noisy.acked)/float64(calm.acked), float64(noisy.shown)/float64(calm.shown)
	figures = fmt.Sprintf("ack p99 %.1f ms before, %.1f ms during (× %.2f); POST to screen p99 %.1f ms before, %.1f ms during (× %.2f); processors idle %.0f %% before, %.0f %% during",
		ms(calm.acked), ms(noisy.acked), acked, ms(calm.shown), ms(noisy.shown), shown, 100*calm.idle, 100*noisy.idle)
	if acked > noiseAtMost || shown > noiseAtMost {
		broken = fmt.Sprintf("quiet tenants waited %.2f times as long for an acknowledgement and %.2f times for their screens, promised are %.0f", acked, shown, noiseAtMost)
	}
	return figures, broken
}
