package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/processors/engine"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// database is an engine of the bench's own with the program's tables, without the program.
type database struct {
	dir    string
	engine *engine.Engine
	store  *store.Store
	conn   driver.Conn
}

// openDatabase starts an engine; reader, if not nil, changes how the store's questions get to it.
func openDatabase(ctx context.Context, s *settings, reader func(*clickhouse.Options)) (d *database, err error) {
	d = &database{}
	if d.dir, err = os.MkdirTemp(s.dir, "database-"); err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	d.engine, err = engine.Start(ctx, engine.Options{Dir: filepath.Join(d.dir, "engine"), Library: s.library, Command: []string{s.binary, "engine"}, Log: log})
	if err != nil {
		return nil, err
	}
	connect, read := d.engine.Connect(), d.engine.ConnectReader()
	connect.Auth.Database, read.Auth.Database = "bench", "bench"
	if reader != nil {
		reader(read)
	}
	if d.store, err = store.Open(ctx, store.Options{Connect: connect, Reader: read, Log: log}); err == nil {
		d.conn, err = clickhouse.Open(connect)
	}
	if err != nil {
		return nil, errors.Join(err, d.engine.Close(context.WithoutCancel(ctx)))
	}
	return d, nil
}

func (d *database) close() {
	d.conn.Close()
	d.store.Close()
	stop, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d.engine.Close(stop)
	os.RemoveAll(d.dir)
}

// used is the engine's CPU time.
func (d *database) used() time.Duration {
	cpu, _ := usage(d.engine.Health().PID)
	return cpu
}

const (
	insertPackets = 50_000 // of a block: what a processor collects under a backlog
	insertDevices = 500
)

// measureInserts measures blocks that are made before the clock starts, one at a time.
func (b *bench) measureInserts(ctx context.Context) (rows [][]string, err error) {
	d, err := openDatabase(ctx, b.settings, nil)
	if err != nil {
		return nil, err
	}
	defer d.close()
	err = d.conn.Exec(ctx, `CREATE TABLE plain (tenant LowCardinality(String), device LowCardinality(String), metric LowCardinality(String), ts DateTime64(6, 'UTC'),
value Float64, type UInt8, received_at DateTime('UTC'), expires Date) ENGINE = MergeTree ORDER BY (tenant, device, metric, ts)`)
	if err != nil {
		return nil, err
	}
	for _, way := range []struct {
		name   string
		insert func(context.Context, int) (func() error, error)
	}{
		{"ClickHouse, sorted columns into a plain table", func(ctx context.Context, n int) (func() error, error) { return d.columns(ctx, "plain", n) }},
		{"ClickHouse, sorted columns into `readings` with its codecs", func(ctx context.Context, n int) (func() error, error) { return d.columns(ctx, "readings", n) }},
		{"the program's own insert: readings, latest values, touched hours", func(ctx context.Context, n int) (func() error, error) {
			block := blockOf(n)
			return func() error { return d.store.Insert(ctx, block) }, nil
		}},
	} {
		var took, spent time.Duration
		packets := 0
		for n := 0; took < b.duration; n++ {
			insert, err := way.insert(ctx, n)
			if err != nil {
				return nil, err
			}
			began, before := time.Now(), d.used()+ownTime()
			if err := insert(); err != nil {
				return nil, fmt.Errorf("%s: %w", way.name, err)
			}
			took, spent, packets = took+time.Since(began), spent+d.used()+ownTime()-before, packets+insertPackets
		}
		rate := float64(packets) / took.Seconds()
		rows = append(rows, []string{way.name, number(rate), "–", b.against("arrays of 100, 16 connections", "process", rate), number(float64(spent.Microseconds()) / float64(packets))})
		progress("%s: %s packets/s", way.name, number(rate))
	}
	return rows, nil
}

// columns prepares the nth block for a table and returns what sends it.
func (d *database) columns(ctx context.Context, table string, n int) (func() error, error) {
	batch, err := d.conn.PrepareBatch(ctx, "INSERT INTO "+table+" (tenant, device, metric, ts, value, type, received_at, expires)")
	if err != nil {
		return nil, err
	}
	const rows = insertPackets * valuesPerPacket
	tenant, device, metric := make([]string, 0, rows), make([]string, 0, rows), make([]string, 0, rows)
	at, value, kind := make([]time.Time, 0, rows), make([]float64, 0, rows), make([]uint8, rows)
	received, expires := make([]time.Time, rows), make([]time.Time, rows)
	start := blockStart(n)
	for i := range insertDevices {
		for m := range valuesPerPacket {
			for j := range insertPackets / insertDevices {
				tenant, device, metric = append(tenant, "t-bench"), append(device, fmt.Sprint("d-", i)), append(metric, metricName(m))
				at, value = append(at, start.Add(time.Duration(j)*time.Second)), append(value, wander(i+m, n*100+j))
			}
		}
	}
	for i := range rows {
		received[i], expires[i] = start, start.AddDate(1, 0, 0)
	}
	for i, column := range []any{tenant, device, metric, at, value, kind, received, expires} {
		if err := batch.Column(i).Append(column); err != nil {
			return nil, err
		}
	}
	return batch.Send, nil
}

// blockOf is the nth block of the same packets as a processor has it.
func blockOf(n int) *store.Block {
	block := new(store.Block)
	start := telemetry.At(blockStart(n))
	tenant, _ := id.Parse[id.Tenant]("t-bench")
	for i := range insertDevices {
		device, _ := id.Parse[id.Device](fmt.Sprint("d-", i))
		batch := &telemetry.Batch{Device: device, Received: start, RetainDays: 400}
		for j := range insertPackets / insertDevices {
			packet := telemetry.Packet{Time: start + telemetry.Micros(j)*1_000_000}
			for m := range valuesPerPacket {
				packet.Values = append(packet.Values, telemetry.Value{Name: metricName(m), Num: wander(i+m, n*100+j)})
			}
			batch.Packets = append(batch.Packets, packet)
		}
		block.Add(tenant, batch)
	}
	return block
}

func blockStart(n int) time.Time {
	return time.Now().Truncate(24 * time.Hour).Add(-240 * time.Hour).Add(time.Duration(n) * 100 * time.Second)
}

func metricName(m int) string { return fmt.Sprint("m-", m) }

// wander is a value with two decimals that goes up and down slowly with a little noise.
func wander(seed, n int) float64 {
	noise := (uint64(seed)*2654435761 + uint64(n)*40503) % 41
	return math.Round(2000+500*math.Sin(float64(n)/997+float64(seed))+float64(noise)) / 100
}
