package api

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"longwave/web/handler"
)

// zstdWindow is the largest window that a zstd body may ask memory for. Ours are 1 MiB on the wire, so a longer
// window cannot help an honest sender.
const zstdWindow = 8 << 20

// decoders are pools of decompressors: setting one up costs more than a small body.
type decoders struct {
	gzip sync.Pool
	zstd sync.Pool
}

// errTooLarge says that a body grew beyond what it may.
var errTooLarge = errors.New("body grows beyond the limit")

// packed is what a compressed body says of itself before it is unpacked.
type packed struct {
	size   int64 // of what comes out; what is not known counts as much as is allowed
	window int64 // memory that the decoder needs beside
}

// decompress fills b.plain from b.wire. The memory is taken before it is used.
func (a *API) decompress(ctx context.Context, b *body, encoding string) error {
	limit := min(MaxPlain, max(int64(len(b.wire))*maxRatio, minBomb))
	said, unpack := packed{}, a.decoders.gunzip
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "identity":
		b.plain = b.wire
		return a.bodies.admit(ctx, b, int64(len(b.wire)))
	case "gzip", "x-gzip":
		said = gzipSays(b.wire)
	case "zstd":
		said, unpack = zstdSays(b.wire, limit), a.decoders.unzstd
	default:
		return handler.Problem{
			Status: http.StatusUnsupportedMediaType, Code: "encoding_unsupported", Title: "Content-Encoding is not supported",
			Detail: "This server reads bodies with Content-Encoding gzip, zstd or none.",
		}.Because(nil)
	}
	said.size = min(said.size, limit)
	if err := a.bodies.admit(ctx, b, said.size+said.window/decodedCost); err != nil {
		return err
	}
	var err error
	b.grown, err = unpack(slices.Grow(b.grown[:0], int(said.size)+1), b.wire, limit)
	if b.plain = b.grown; err != nil {
		return plainError(err, limit)
	}
	return a.bodies.working.raise(&b.working, int64(len(b.plain))*decodedCost) // it may have said less
}

// plainError puts a failed decompression into words.
func plainError(err error, limit int64) error {
	switch {
	case errors.Is(err, errTooLarge):
		return handler.Problem{
			Status: http.StatusRequestEntityTooLarge, Code: "body_too_large_unpacked", Title: "Too large",
			Detail: fmt.Sprintf("The body grows to more than %d bytes when it is unpacked; at most %d bytes, and %d times its compressed size, are allowed. Send fewer packets per request.", limit, MaxPlain, maxRatio),
			Limit:  &handler.Limit{Name: "unpacked_body_bytes", Scope: "request", Max: float64(limit)},
		}.Because(nil)
	default:
		return handler.Problem{
			Status: http.StatusBadRequest, Code: "body_not_unpackable", Title: "The body cannot be unpacked",
			Detail: "The body is not valid data of its Content-Encoding. Check that it was compressed once and sent whole.",
		}.Because(err)
	}
}

func (d *decoders) gunzip(dst, wire []byte, limit int64) ([]byte, error) {
	source := bytes.NewReader(wire)
	reader, ok := d.gzip.Get().(*gzip.Reader)
	var err error
	if ok {
		err = reader.Reset(source)
	} else {
		reader, err = gzip.NewReader(source)
	}
	if err != nil {
		return dst, err // a reader that could not be set up is not worth keeping
	}
	defer d.gzip.Put(reader)
	return readLimited(dst, reader, limit)
}

func (d *decoders) unzstd(dst, wire []byte, limit int64) ([]byte, error) {
	reader, ok := d.zstd.Get().(*zstd.Decoder)
	if !ok {
		var err error
		// One decoder, no goroutines of its own: it may be dropped by the pool without being closed.
		reader, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return dst, err
		}
	}
	defer d.zstd.Put(reader)
	if err := reader.Reset(bytes.NewReader(wire)); err != nil {
		return dst, err
	}
	return readLimited(dst, reader, limit)
}

// gzipSays reads the size that stands at the end of the last member, which is nearly always the only one.
func gzipSays(wire []byte) packed {
	if len(wire) < 4 {
		return packed{} // the decoder will say what it thinks of it
	}
	return packed{size: int64(binary.LittleEndian.Uint32(wire[len(wire)-4:]))}
}

// zstdSays reads the header of the first frame.
func zstdSays(wire []byte, limit int64) packed {
	var header zstd.Header
	if header.Decode(wire) != nil {
		return packed{}
	}
	said := packed{size: limit, window: int64(min(header.WindowSize, zstdWindow))}
	if header.HasFCS {
		said.size = int64(min(header.FrameContentSize, MaxPlain))
	}
	return said
}

// readLimited reads to the end, or fails with errTooLarge as soon as there is more than limit.
func readLimited(dst []byte, from io.Reader, limit int64) ([]byte, error) {
	dst, err := readAll(dst, io.LimitReader(from, limit+1))
	if err == nil && int64(len(dst)) > limit {
		err = errTooLarge
	}
	return dst, err
}
