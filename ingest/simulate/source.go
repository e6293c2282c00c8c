package simulate

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"longwave/ingest/telemetry"
)

// source is what a device reports.
type source interface {
	// name is the name of the device.
	name() string
	// due is when the next packet is to be made. Instants before the present are caught up with at once.
	due() time.Time
	// next makes the packet that is due and goes on to the one after it.
	next(ctx context.Context) telemetry.Packet
}

// metricOf names the metric, and its unit if known, that a recorded file holds, from the words in the file's name.
func metricOf(file string) (metric, unit string) {
	base := strings.ToLower(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
	for _, known := range []struct{ words, metric, unit string }{
		{"temperature", "temperature", "°F"},
		{"cpu", "cpu", "%"},
		{"network_in", "network_in", "B"},
		{"network_out", "network_out", "B"},
		{"latency", "latency", "ms"},
		{"disk_write", "disk_write", "B"},
		{"taxi", "passengers", ""},
		{"key_hold", "key_hold", "s"},
		{"key_updown", "key_updown", "s"},
		{"load_balancer", "requests", ""},
	} {
		if strings.Contains(base, known.words) {
			return known.metric, known.unit
		}
	}
	return "value", ""
}

// deviceName makes a name that people recognise out of a file's: machine_temperature.csv becomes machine-temperature.
func deviceName(file string) string {
	base := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return strings.ReplaceAll(base, "_", "-")
}
