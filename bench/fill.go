package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	filledDays    = 30
	filledSeconds = filledDays * 24 * 3600
	// densest is how many readings a series of thirty days has at the most: one in ten seconds.
	densest = filledSeconds / 10
	// tenantDevices is how many devices a tenant has at the least: fifty series are asked for at once.
	tenantDevices = 14
	leastReadings = tenantDevices * valuesPerPacket * filledDays * 24
	// fleetDevices is how many devices the tenant has whose fleet is looked at.
	fleetDevices = 10_000
)

// filled is what was put into the tables. Devices of a tenant are numbered.
type filled struct {
	tenants, perTenant int
	series             int64 // readings of each
	end                time.Time
}

func (f filled) readings() int64 {
	return int64(f.tenants*f.perTenant) * valuesPerPacket * f.series
}

func (f filled) start() time.Time { return f.end.Add(-filledDays * 24 * time.Hour) }

// layout spreads readings over thirty days of as many devices as needed, and those over ten tenants.
func layout(readings int64) filled {
	f := filled{series: min(densest, readings/(tenantDevices*valuesPerPacket)), end: time.Now().UTC().Truncate(time.Hour)}
	devices := int(readings / (valuesPerPacket * f.series))
	f.perTenant = max(tenantDevices, devices/10)
	f.tenants = max(1, devices/f.perTenant)
	return f
}

func benchTenant(i int) id.Tenant { return must(id.Parse[id.Tenant](fmt.Sprint("t-", i))) }
func benchDevice(i int) id.Device { return must(id.Parse[id.Device](fmt.Sprint("d-", i))) }
func fleetTenant() id.Tenant      { return must(id.Parse[id.Tenant]("t-fleet")) }

// must is for names that are written in this program.
func must[K id.Kind](k K, err error) K {
	if err != nil {
		panic(err)
	}
	return k
}

// who and when of a row by its number, for a device and its metrics; a series has {each} rows.
const (
	fillWho  = ` SELECT {tenant:String}, concat('d-', toString({device:UInt32})), concat('m-', toString(intDiv(number, {each:UInt64}))), `
	fillFrom = ` FROM numbers({each:UInt64} * 4)`

	fillReadings = `INSERT INTO readings (tenant, device, metric, ts, value, type, received_at, expires)` + fillWho + `
fromUnixTimestamp64Micro({start:Int64} + (number % {each:UInt64}) * {interval:Int64}) AS at,
round(20 + 5 * sin(number / 997 + {device:UInt32}) + (cityHash64(number, {device:UInt32}) % 41) / 100, 2), 0, at, toDate('2149-01-01')` + fillFrom

	// A window as rollups have it. The values are others than those of the readings: nobody looks at them here.
	fillWindows = ` (tenant, device, metric, ts, low, high, total, count, first_ts, last_ts, last, expires)` + fillWho + `
toDateTime({second:Int64} + (number % {each:UInt64}) * {window:Int64}, 'UTC') AS at, round(20 + 5 * sin(number / 97), 2) AS value, value + 0.4, value * {count:UInt64}, {count:UInt64},
at, at + {window:Int64} - 10, value + 0.1, toDate('2149-01-01')` + fillFrom

	fillLatest = `INSERT INTO latest (tenant, device, metric, ts, type, num, text, received, seen, expires)
SELECT {tenant:String}, concat('d-', toString(intDiv(number, 4))), concat('m-', toString(number % 4)), fromUnixTimestamp64Micro({start:Int64}) + number % 86400,
0, number % 977 / 10, '', now64(), now64(), toDate('2149-01-01') FROM numbers({devices:UInt64} * 4)`

	fillTouched = `INSERT INTO touched (tenant, device, hour, token)
SELECT {tenant:String}, concat('d-', toString(number)), toStartOfHour(toDateTime({second:Int64}, 'UTC')), 1 FROM numbers({devices:UInt64})`

	fillFleet = `INSERT INTO rollup_1h (tenant, device, metric, ts, low, high, total, count, first_ts, last_ts, last, expires)
SELECT {tenant:String}, concat('d-', toString(intDiv(number, 720) + {device:UInt32})), 'm-0', toDateTime({second:Int64} + number % 720 * 3600, 'UTC') AS at,
round(20 + 5 * sin(number / 97), 2) AS value, value + 0.4, value * 360, 360, at, at + 3590, value, toDate('2149-01-01') FROM numbers(720 * {devices:UInt64})`
)

// fill puts about as many readings into the tables, with what rollups know of them, and a fleet beside. It goes round the
// program's own path, which would take ten times as long; what lies in the tables is the same.
func (d *database) fill(ctx context.Context, readings int64) (filled, error) {
	f := layout(readings)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	began := time.Now()
	for i := range f.tenants * f.perTenant {
		group.Go(func() error { return d.fillDevice(ctx, f, i) })
		if i%100 == 99 {
			progress("%s readings after %s", count(int64(i+1)*valuesPerPacket*f.series), time.Since(began).Round(time.Second))
		}
	}
	for t := range f.tenants {
		who := []any{named("tenant", string(benchTenant(t))), named("devices", f.perTenant)}
		group.Go(func() error { return d.put(ctx, fillLatest, f.start(), who...) })
		// The newest hour of a device that sends is never rolled up yet.
		group.Go(func() error { return d.put(ctx, fillTouched, f.end.Add(-time.Hour), who...) })
	}
	const some = 1000 // devices of the fleet in one statement
	for first := 0; first < fleetDevices; first += some {
		group.Go(func() error {
			return d.put(ctx, fillFleet, f.start(), named("tenant", string(fleetTenant())), named("device", first), named("devices", some))
		})
	}
	group.Go(func() error {
		return d.put(ctx, fillLatest, f.end.Add(-24*time.Hour), named("tenant", string(fleetTenant())), named("devices", fleetDevices))
	})
	return f, group.Wait()
}

func (d *database) fillDevice(ctx context.Context, f filled, i int) error {
	who := []any{named("tenant", string(benchTenant(i/f.perTenant))), named("device", i%f.perTenant)}
	interval := int64(filledSeconds) * 1_000_000 / f.series
	if err := d.put(ctx, fillReadings, f.start(), append(who, named("each", f.series), named("interval", interval))...); err != nil {
		return err
	}
	for _, rollup := range []struct {
		table  string
		window int64
	}{{"rollup_1m", 60}, {"rollup_1h", 3600}, {"rollup_1d", 24 * 3600}} {
		windows := min(f.series, filledSeconds/rollup.window)
		params := append(who, named("each", windows), named("window", filledSeconds/windows), named("count", f.series/windows))
		if err := d.put(ctx, "INSERT INTO "+rollup.table+fillWindows, f.start().Truncate(time.Duration(rollup.window)*time.Second), params...); err != nil {
			return err
		}
	}
	return nil
}

// put runs an insert as one block.
func (d *database) put(ctx context.Context, sql string, start time.Time, params ...any) error {
	settings := clickhouse.Settings{"max_block_size": 1 << 21, "max_insert_block_size": 1 << 21, "min_insert_block_size_rows": 1 << 21, "max_partitions_per_insert_block": 0}
	params = append(params, named("start", int64(telemetry.At(start))), named("second", start.Unix()))
	return d.conn.Exec(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), sql, params...)
}

func named(name string, value any) any { return clickhouse.Named(name, value) }
