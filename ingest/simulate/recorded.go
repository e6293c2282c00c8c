package simulate

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/simulate/internal/series"
	"longwave/ingest/telemetry"
)

// recorded replays a series: its first reading is mapped onto the start, and the distances between readings are
// divided by the speed. After the last reading it begins again.
type recorded struct {
	device string
	metric string
	points []series.Point
	speed  float64
	start  time.Time
	at     int
}

// recordedSources opens every file that --replay names, or finds below a directory that it names.
func recordedSources(c *Config, now time.Time) ([]source, error) {
	var sources []source
	for _, root := range c.Replay {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || (path != root && !strings.EqualFold(filepath.Ext(path), ".csv")) {
				return err
			}
			s, err := openRecorded(c, path, now)
			if err == nil {
				sources = append(sources, s)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%w: --replay: %w", ErrConfig, err)
		}
		if len(sources) == 0 {
			return nil, fmt.Errorf("%w: --replay: no .csv file in %s", ErrConfig, root)
		}
	}
	return sources, nil
}

func openRecorded(c *Config, path string, now time.Time) (source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	points, err := series.Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	metric, unit := metricOf(path)
	c.Log.Info("replaying", "file", path, "device", c.Prefix+deviceName(path), "metric", metric, "unit", unit, "readings", len(points))
	return &recorded{device: c.Prefix + deviceName(path), metric: metric, points: points, speed: c.Speed, start: now.Add(-c.Backfill)}, nil
}

func (r *recorded) name() string { return r.device }

func (r *recorded) due() time.Time {
	elapsed := r.points[r.at].Time.Sub(r.points[0].Time)
	return r.start.Add(time.Duration(float64(elapsed) / r.speed))
}

func (r *recorded) next(context.Context) telemetry.Packet {
	due := r.due()
	packet := telemetry.Packet{
		ID:     packetID(due),
		Time:   telemetry.At(due),
		Values: []telemetry.Value{{Name: r.metric, Num: r.points[r.at].Value}},
	}
	if r.at++; r.at == len(r.points) {
		r.at = 0
		r.start = due.Add(time.Duration(float64(r.points[1].Time.Sub(r.points[0].Time)) / r.speed))
	}
	return packet
}

// packetID follows from the instant, since a device here reports once at an instant.
func packetID(at time.Time) string { return "sim-" + strconv.FormatInt(at.UnixMicro(), 36) }
