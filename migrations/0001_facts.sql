-- A reading is a fact and this table is the set of them: the sorting key is the whole fact, so that a reading written
-- again disappears into the one already there, whoever wrote it and whenever. Arrival, type and expiry are not part of it.
CREATE TABLE IF NOT EXISTS readings
(
    -- Low cardinality also for devices: rows are sorted by them, so a part's dictionary stays small per granule.
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    metric LowCardinality(String) CODEC(ZSTD(1)),
    -- Delta leaves regular intervals constant, which the general codec then removes; DoubleDelta packs bits and hides them from it.
    ts DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- Measured on recorded series: 3.8 bytes; ZSTD(3) 3.9, Gorilla 5.0, FPC 4.8. Values repeat as wholes, not as prefixes,
    -- and the higher level costs an insert nothing that could be measured.
    value Float64 CODEC(ZSTD(12)),
    type UInt8 CODEC(ZSTD(1)), -- 0 number, 1 bool
    -- Whole seconds: it says how late a reading came, and microseconds of jitter would cost as much as half a value.
    received_at DateTime('UTC') CODEC(Delta, ZSTD(1)),
    expires Date CODEC(ZSTD(1)),
    -- NaN is not equal to itself and so cannot be an element of a set.
    CONSTRAINT value_is_finite CHECK isFinite(value)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(ts)
PRIMARY KEY (tenant, device, metric, ts)
ORDER BY (tenant, device, metric, ts, value)
TTL expires
-- A block that is inserted stays compact, which is fewer files to sync. A granule is what is compressed at once in such a
-- part: half as large a one takes 2 % more.
-- No statistics: they took more than half of what a reading takes on disk, and every question goes by the primary key.
SETTINGS index_granularity = 8192, min_bytes_for_wide_part = 67108864, fsync_after_insert = 1, fsync_part_directory = 1, auto_statistics_types = '';

-- Texts, status changes and log lines: again the sorting key is the fact. The text stays out of the primary key, which is held in memory.
CREATE TABLE IF NOT EXISTS events
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    ts DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    kind UInt8 CODEC(ZSTD(1)), -- of the packet: 0 metrics, 1 status, 2 logs
    name LowCardinality(String) CODEC(ZSTD(1)),
    text String CODEC(ZSTD(3)),
    received_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    expires Date CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(ts)
PRIMARY KEY (tenant, device, ts)
ORDER BY (tenant, device, ts, kind, name, text)
TTL expires
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, auto_statistics_types = '';
