package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/ingest/telemetry"
)

const (
	// exportBuffer is how much of an export is in memory at a time.
	exportBuffer = 64 << 10
	// exportTimeout is how long a reader may take for one buffer; a stalled one would hold a query open for ever.
	exportTimeout = 30 * time.Second
	// exportWithin bounds a whole export, however steadily it is read: it occupies the engine all the while.
	exportWithin = time.Hour
)

// writeEach streams every reading of the range, one a line. A failure before the first buffer went out is answered as
// a problem; after that the adapter cuts the connection.
func writeEach(w http.ResponseWriter, r *http.Request, reader Reader, q telemetry.SeriesQuery) error {
	w.Header().Set("Content-Type", ndjsonType)
	out := bufio.NewWriterSize(&patient{w: w, control: http.NewResponseController(w)}, exportBuffer)
	var line []byte
	ctx, cancel := context.WithTimeout(r.Context(), exportWithin)
	defer cancel()
	err := reader.Each(ctx, q, func(p telemetry.Point) error {
		line = append(appendPoint(line[:0], p), '}', '\n')
		_, err := out.Write(line)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// patient gives every write its own deadline.
type patient struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// Write waits at most exportTimeout for the caller to read.
func (p *patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(exportTimeout)) // unsupported only in tests without a connection
	return p.w.Write(b)
}
