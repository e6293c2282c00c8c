package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd"
)

// A lane reserves its size whether there is a disk for it or not: a copy of an installation on a small disk, or one whose
// disk is full, is looked at all the same.
func TestVerifyOpensLanesThatTheDiskCouldNotHold(t *testing.T) {
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	setup := setupCommand{Data: data, Operator: "ada@example.org", PasswordFile: password, Tenant: "Pumps Ltd", natsConfig: natsConfig{NATSReplicas: 1}}
	if err := setup.Run(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	broker, err := natsd.Start(t.Context(), natsd.Options{Dir: filepath.Join(data, "queues"), MaxStore: anySize, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := broker.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "LARGE", Subjects: []string{"large"}, MaxBytes: 1 << 45}); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := broker.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	verify := verifyCommand{Data: data, natsConfig: natsConfig{NATSReplicas: 1}}
	if err := verify.Run(t.Context(), &out); err != nil || !strings.Contains(out.String(), "control log") {
		t.Errorf("verify: %v\n%s", err, out.String())
	}
}
