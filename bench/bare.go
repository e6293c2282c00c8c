package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"longwave/ingest/telemetry"
)

// serveBare is the reference: net/http, the same decoders, and an answer; no authentication, no durability. Nothing that
// keeps what it is sent can be faster on this machine with this HTTP stack.
func serveBare(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening", listener.Addr())
	b := &bareServer{}
	server := &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// bareServer keeps what it decodes into, as any server would.
type bareServer struct{ gzip, zstd, decoded sync.Pool }

func (b *bareServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ingest/v1/ws" {
		b.stream(w, r)
		return
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	if err == nil {
		body, err = b.unpack(body, r.Header.Get("Content-Encoding"))
	}
	if err == nil {
		err = b.decode(body, r.Header.Get("Content-Type"))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (b *bareServer) unpack(body []byte, encoding string) ([]byte, error) {
	switch encoding {
	case "gzip":
		reader, ok := b.gzip.Get().(*gzip.Reader)
		if !ok {
			reader = new(gzip.Reader)
		}
		defer b.gzip.Put(reader)
		if err := reader.Reset(bytes.NewReader(body)); err != nil {
			return nil, err
		}
		return io.ReadAll(reader)
	case "zstd":
		reader, ok := b.zstd.Get().(*zstd.Decoder)
		if !ok {
			var err error
			if reader, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1)); err != nil {
				return nil, err
			}
		}
		defer b.zstd.Put(reader)
		return reader.DecodeAll(body, nil)
	}
	return body, nil
}

func (b *bareServer) decode(body []byte, contentType string) error {
	format, err := telemetry.FormatOf(contentType)
	if err != nil {
		return err
	}
	decoded, ok := b.decoded.Get().(*telemetry.Decoded)
	if !ok {
		decoded = new(telemetry.Decoded)
	}
	defer b.decoded.Put(decoded)
	err = decoded.Decode(body, telemetry.DecodeOptions{Now: telemetry.At(time.Now()), Device: "d-bench", Format: format})
	if err == nil && len(decoded.Rejected) > 0 {
		err = fmt.Errorf("not a packet: %s", decoded.Rejected[0].Detail)
	}
	return err
}

// stream answers each frame of one connection as soon as it is decoded.
func (b *bareServer) stream(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer socket.CloseNow()
	for n := int64(1); ; n++ {
		_, frame, err := socket.Read(r.Context())
		if err == nil {
			err = b.decode(frame, "application/json")
		}
		if err == nil {
			err = socket.Write(r.Context(), websocket.MessageText, append(strconv.AppendInt([]byte(`{"ack":"`), n, 10), `"}`...))
		}
		if err != nil {
			return
		}
	}
}
