-- The newest value of each series by device time. Every column is the maximum of what was ever written, so rows may
-- arrive in any order and any number of times. Written beside the readings and never derived by a view, because a
-- view that fails half-way leaves the two apart for ever.
CREATE TABLE IF NOT EXISTS latest
(
    tenant LowCardinality(String),
    device String,
    metric String,
    -- What an insert sends; not stored. Sent flat, because tuples cannot be appended as columns.
    ts DateTime64(6, 'UTC') EPHEMERAL,
    type UInt8 EPHEMERAL,
    num Float64 EPHEMERAL,
    text String EPHEMERAL,
    received DateTime64(6, 'UTC') EPHEMERAL,
    -- Compared from left to right: newest device time, then the greater value of two at one instant, then the earlier arrival.
    newest SimpleAggregateFunction(max, Tuple(DateTime64(6, 'UTC'), UInt8, Float64, String, Int64))
        DEFAULT tuple(ts, type, num, text, -toUnixTimestamp64Micro(received)),
    seen SimpleAggregateFunction(max, DateTime64(6, 'UTC')) DEFAULT received,
    -- Of the newest window with enough readings to tell a pace: its start, its count, and microseconds from first to last.
    pace SimpleAggregateFunction(max, Tuple(DateTime('UTC'), UInt64, Int64)),
    expires SimpleAggregateFunction(max, Date)
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant, device, metric)
TTL expires
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, auto_statistics_types = '';
