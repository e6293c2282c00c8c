-- Positions of the control log with the hash of everything up to there, written by whoever follows the log. They lie
-- outside of it on purpose: a log that was cut off or written anew contradicts them.
CREATE TABLE IF NOT EXISTS anchors
(
    position UInt64,
    hash String,
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (position, hash)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, auto_statistics_types = '';
