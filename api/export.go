package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

const (
	// exportBuffer is how much of an export is in memory at a time.
	exportBuffer = 64 << 10
	// exportWithin bounds a whole export, however steadily it is read: it occupies the engine all the while.
	exportWithin = time.Hour
)

// export takes a place and writes. Without one in time it says to come again.
func (a *API) export(ctx context.Context, t id.Tenant, write func() error) error {
	leave, err := a.exports.Enter(ctx, t)
	if err != nil {
		return err
	}
	defer leave()
	return write()
}

// stillEvery is how often a running export asks whether its key may go on: a revoked one ends it within a second.
const stillEvery = 500 * time.Millisecond

// eachReader reads for as long as still returns nil.
type eachReader struct {
	Reader
	still func() error
}

// Each is the reader's own, and ends with what still returns.
func (e eachReader) Each(ctx context.Context, q telemetry.SeriesQuery, each func(telemetry.Point) error) error {
	asked := time.Now()
	return e.Reader.Each(ctx, q, func(p telemetry.Point) error {
		if time.Since(asked) >= stillEvery {
			if err := e.still(); err != nil {
				return err
			}
			asked = time.Now()
		}
		return each(p)
	})
}

// stillSees returns nil as long as the visitor's key is valid and the device one that it sees.
func (m *management) stillSees(who visitor, d id.Device) error {
	now, err := m.admit(who.request, tenants.ViewDevices)
	if err == nil {
		_, err = m.deviceOf(now, string(d))
	}
	return err
}

// writeEach streams every reading of the range, one a line. A failure before the first buffer went out is answered as
// a problem; after that the adapter cuts the connection, which it also does when the caller stops reading.
func writeEach(w http.ResponseWriter, r *http.Request, reader Reader, q telemetry.SeriesQuery) error {
	w.Header().Set("Content-Type", ndjsonType)
	out := bufio.NewWriterSize(w, exportBuffer)
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
