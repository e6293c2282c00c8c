-- Which hours of which devices have readings that the rollups do not know yet. Every insert adds a random token; who
-- has recomputed an hour adds the negative of the sum it saw. The sum is zero exactly when nothing came in between,
-- whatever the order, the repetitions, or the number of those who recompute at once.
CREATE TABLE IF NOT EXISTS touched
(
    tenant LowCardinality(String),
    device String,
    hour DateTime('UTC'),
    token SimpleAggregateFunction(sum, UInt64),        -- sums wrap around
    rolled SimpleAggregateFunction(max, DateTime('UTC')) -- when it was last recomputed: decides how soon again, never whether
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant, device, hour)
TTL rolled + INTERVAL 1 HOUR DELETE WHERE token = 0 -- removing a zero changes no sum
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, merge_with_ttl_timeout = 900, auto_statistics_types = '';

-- The hours that one run has taken upon itself, so that its statements agree on them.
CREATE TABLE IF NOT EXISTS rollup_runs
(
    run UInt64,
    tenant LowCardinality(String),
    device String,
    hour DateTime('UTC'),
    token UInt64,
    started DateTime('UTC') DEFAULT now('UTC')
)
ENGINE = MergeTree
ORDER BY (run, tenant, device, hour)
TTL started + INTERVAL 1 HOUR -- a run is over long before; what it leaves when it dies is of no use to another
SETTINGS fsync_after_insert = 0, merge_with_ttl_timeout = 900, auto_statistics_types = '';

-- Windows of a minute, an hour and a day. They are computed from the set of readings, and their version is the number
-- of facts in the window: a set only grows, so a computation that saw more always wins, without a clock.
-- A window with one reading keeps it in low alone and leaves high, total, last and last_ts at zero, which the views put
-- right: otherwise a device that sends once a minute would take five times as much here as its readings take.
CREATE TABLE IF NOT EXISTS rollup_1m
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    metric LowCardinality(String) CODEC(ZSTD(1)),
    ts DateTime('UTC') CODEC(Delta, ZSTD(1)), -- start of the window
    low Float64 CODEC(ZSTD(1)),
    high Float64 CODEC(ZSTD(1)),
    total Float64 CODEC(ZSTD(1)),
    count UInt64 CODEC(ZSTD(1)),
    first_ts DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    last_ts DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    last Float64 CODEC(ZSTD(1)), -- value at last_ts, the greater of two
    expires Date CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY toYYYYMM(ts)
ORDER BY (tenant, device, metric, ts)
TTL expires
SETTINGS index_granularity = 4096, fsync_after_insert = 1, fsync_part_directory = 1, auto_statistics_types = '';

CREATE TABLE IF NOT EXISTS rollup_1h
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    metric LowCardinality(String) CODEC(ZSTD(1)),
    ts DateTime('UTC') CODEC(Delta, ZSTD(1)),
    low Float64 CODEC(ZSTD(1)),
    high Float64 CODEC(ZSTD(1)),
    total Float64 CODEC(ZSTD(1)),
    count UInt64 CODEC(ZSTD(1)),
    first_ts DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    last_ts DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    last Float64 CODEC(ZSTD(1)),
    expires Date CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY toYYYYMM(ts)
ORDER BY (tenant, device, metric, ts)
TTL expires
SETTINGS index_granularity = 4096, fsync_after_insert = 1, fsync_part_directory = 1, auto_statistics_types = '';

CREATE TABLE IF NOT EXISTS rollup_1d
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    metric LowCardinality(String) CODEC(ZSTD(1)),
    ts DateTime('UTC') CODEC(Delta, ZSTD(1)),
    low Float64 CODEC(ZSTD(1)),
    high Float64 CODEC(ZSTD(1)),
    total Float64 CODEC(ZSTD(1)),
    count UInt64 CODEC(ZSTD(1)),
    first_ts DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    last_ts DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    last Float64 CODEC(ZSTD(1)),
    expires Date CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY toYear(ts)
ORDER BY (tenant, device, metric, ts)
TTL expires
SETTINGS index_granularity = 4096, fsync_after_insert = 1, fsync_part_directory = 1, auto_statistics_types = '';
