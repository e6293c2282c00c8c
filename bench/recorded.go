package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/store"
)

// recorded stores recorded series as their devices would have sent them, one reading a packet, and returns what one takes
// on disk once the table is merged.
func (b *bench) recorded(ctx context.Context) (bytes, readings float64, err error) {
	d, err := openDatabase(ctx, b.settings, nil)
	if err != nil {
		return 0, 0, err
	}
	defer d.close()
	files := 0
	err = filepath.WalkDir(b.recordings, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".csv" {
			return err
		}
		files++
		block, err := recording(path, files)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return d.store.Insert(ctx, block)
	})
	if err == nil && files == 0 {
		err = errors.New("no CSV file there")
	}
	if err != nil {
		return 0, 0, err
	}
	if err := d.conn.Exec(ctx, "OPTIMIZE TABLE readings FINAL"); err != nil {
		return 0, 0, err
	}
	sizes, err := d.store.Disk(ctx)
	for _, size := range sizes {
		if size.Table == "readings" {
			return float64(size.Bytes) / float64(size.Rows), float64(size.Rows), nil
		}
	}
	return 0, 0, errors.Join(err, errors.New("nothing was stored"))
}

// recording is a block of a file's readings, moved in time so that they end now: what is older than the retention would
// be removed at once.
func recording(path string, device int) (*store.Block, error) {
	packets, err := readRecording(path)
	if err != nil {
		return nil, err
	}
	shift := telemetry.At(time.Now().Truncate(time.Hour)) - packets[len(packets)-1].Time
	block := new(store.Block)
	for i := range packets {
		packets[i].Time += shift
		block.Add(benchTenant(0), &telemetry.Batch{Device: benchDevice(device), Packets: packets[i : i+1], Received: packets[i].Time + 300_000, RetainDays: 400})
	}
	return block, nil
}
