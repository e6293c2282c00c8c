package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"longwave/ingest/telemetry"
)

// serveBare is the reference: net/http, the same decoder, and an answer; no authentication, no durability. Nothing that
// keeps what it is sent can be faster on this machine with this HTTP stack.
func serveBare(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening", listener.Addr())
	server := &http.Server{Handler: http.HandlerFunc(bare), ReadHeaderTimeout: 5 * time.Second}
	go func() { <-ctx.Done(); server.Close() }()
	return server.Serve(listener)
}

func bare(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	decoded, err := telemetry.Decode(body, telemetry.DecodeOptions{Now: telemetry.At(time.Now()), Device: "d-bench"})
	if err != nil || len(decoded.Rejected) > 0 {
		http.Error(w, "not a packet", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
