package simulate

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"

	"longwave/ingest/telemetry"
)

const (
	// hostInterval is how often this host is looked at.
	hostInterval = 5 * time.Second
	// hostTimeout bounds one look; a network file system that hangs makes disk figures late, not the others wrong.
	hostTimeout = 2 * time.Second
)

// host reports the figures of this host as one device. Every packet is measured when it is due; after a pause it does
// not invent what it did not see.
type host struct {
	device         string
	at             time.Time
	measured       time.Time // of the counters below
	received, sent uint64
}

func newHostSource(prefix string, now time.Time) (source, error) {
	name, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name of this host: %w", err)
	}
	h := &host{device: prefix + "host-" + strings.ToLower(name), at: now.Add(hostInterval)}
	if _, err := cpu.Percent(0, false); err != nil { // the first call only sets the mark to measure from
		return nil, fmt.Errorf("figures of this host: %w", err)
	}
	h.traffic(context.Background(), now)
	return h, nil
}

func (h *host) name() string   { return h.device }
func (h *host) due() time.Time { return h.at }

func (h *host) next(ctx context.Context) telemetry.Packet {
	ctx, cancel := context.WithTimeout(ctx, hostTimeout)
	defer cancel()
	now := time.Now()
	packet := telemetry.Packet{ID: packetID(now), Time: telemetry.At(now)}
	add := func(name string, value float64) {
		packet.Values = append(packet.Values, telemetry.Value{Name: name, Num: value})
	}
	if used, err := cpu.PercentWithContext(ctx, 0, false); err == nil && len(used) == 1 {
		add("cpu_percent", used[0])
	}
	if average, err := load.AvgWithContext(ctx); err == nil {
		add("load_1m", average.Load1)
	}
	if memory, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		add("memory_percent", memory.UsedPercent)
		add("memory_available_bytes", float64(memory.Available))
	}
	if root, err := disk.UsageWithContext(ctx, "/"); err == nil {
		add("disk_percent", root.UsedPercent)
		add("disk_free_bytes", float64(root.Free))
	}
	if in, out, known := h.traffic(ctx, now); known {
		add("network_in_bytes_per_second", in)
		add("network_out_bytes_per_second", out)
	}
	h.at = now.Add(hostInterval)
	return packet
}

// traffic returns bytes per second since the last call. It is unknown at the first call, and after a counter went
// backwards because an interface went away.
func (h *host) traffic(ctx context.Context, now time.Time) (in, out float64, known bool) {
	counters, err := net.IOCountersWithContext(ctx, false)
	if err != nil || len(counters) != 1 {
		return 0, 0, false
	}
	received, sent := counters[0].BytesRecv, counters[0].BytesSent
	seconds := now.Sub(h.measured).Seconds()
	if !h.measured.IsZero() && seconds > 0 && received >= h.received && sent >= h.sent {
		in, out, known = float64(received-h.received)/seconds, float64(sent-h.sent)/seconds, true
	}
	h.measured, h.received, h.sent = now, received, sent
	return in, out, known
}
