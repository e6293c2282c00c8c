// Package export lets readings leave as files: of any devices and metrics that somebody may see, over any range, every
// reading or buckets, as CSV, as JSON lines or as Parquet.
//
// Contract. It decides which devices a request means, how many exports run at once, and what the bytes are; who may ask is
// decided before (tenants.ExportData), and answered again while an export runs. A device that is named and not there,
// not seen by whoever asks, or another tenant's gives the same tenants.ErrNotFound; a selection that none fits is an empty
// file. Every export stands in the control log before its first byte leaves; one that goes on after a broken connection
// does not stand there twice.
//
// Ordered: rows come in the order of device id, metric, time and value, and no row comes twice. CSV and JSON lines are
// resumed: whoever shows the last whole line that arrived gets what comes behind it. A reading that was stored
// meanwhile is in the rest if its place comes later, and is not if the place has passed, so a range that has ended gives
// the same file however often it broke off. Parquet begins anew.
//
// Concurrent: everything may be called from any goroutine. An export runs in the goroutine of its caller and holds a
// buffer of 64 KiB, whatever its size. Of one tenant a few run at once, and of all tenants twice as many; who finds no
// place within two seconds is told to come again.
//
// When the storage is slow or dead before the first byte, the error is the storage's; after it the answer ends as a broken
// one, never as a complete one. When the reader leaves, the question to the storage is cancelled. An export ends after an
// hour.
package export
