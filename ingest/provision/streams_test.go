package provision_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd/natstest"
	"longwave/ingest/provision"
)

func wanted() jetstream.StreamConfig {
	return jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
		MaxBytes: 1 << 20, Duplicates: time.Minute, AllowAtomicPublish: true, AllowMsgTTL: true}
}

func TestStreamsPutsRight(t *testing.T) {
	_, _, js := natstest.Start(t)
	old, kept := wanted(), wanted()
	old.AllowAtomicPublish, old.AllowMsgTTL, old.MaxAge, old.MaxBytes = false, false, time.Hour, 2<<20
	kept.Name, kept.Subjects, kept.Discard, kept.Duplicates = "KEPT", []string{"kept"}, jetstream.DiscardOld, time.Hour
	kept.MaxBytes = 2 << 20
	for _, c := range []jetstream.StreamConfig{old, kept} {
		if _, err := js.CreateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	smaller := kept
	smaller.MaxBytes, smaller.Duplicates = 1<<20, time.Minute
	larger := wanted()
	larger.Name, larger.Subjects = "NEW", []string{"new"}
	if err := provision.Streams(t.Context(), js, wanted(), smaller, larger); err != nil {
		t.Fatal(err)
	}
	if c := config(t, js, "S"); !c.AllowAtomicPublish || !c.AllowMsgTTL || c.MaxAge != 0 || c.MaxBytes != 1<<20 {
		t.Errorf("not put right: %+v", c)
	}
	if c := config(t, js, "KEPT"); c.MaxBytes != 2<<20 || c.Duplicates != time.Hour {
		t.Errorf("less is kept than before: %+v", c)
	}
	if c := config(t, js, "NEW"); c.MaxBytes != 1<<20 {
		t.Errorf("made as %+v", c)
	}
}

func TestStreamsRefuses(t *testing.T) {
	for name, change := range map[string]func(*jetstream.StreamConfig){
		"discard":                 func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"discard_new_per_subject": func(c *jetstream.StreamConfig) { c.DiscardNewPerSubject, c.MaxMsgsPerSubject = true, 1 },
		"storage":                 func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"retention":               func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy },
		"subjects":                func(c *jetstream.StreamConfig) { c.Subjects = []string{"s.a", "s.b"} },
		"max_msgs":                func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 },
		"max_msgs_per_subject":    func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 10 },
		"max_msg_size":            func(c *jetstream.StreamConfig) { c.MaxMsgSize = 10 },
		"duplicate_window":        func(c *jetstream.StreamConfig) { c.Duplicates = time.Second },
		"no_ack":                  func(c *jetstream.StreamConfig) { c.NoAck, c.AllowAtomicPublish = true, false },
	} {
		t.Run(name, func(t *testing.T) {
			_, _, js := natstest.Start(t)
			c := wanted()
			change(&c)
			if _, err := js.CreateStream(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			err := provision.Streams(t.Context(), js, wanted())
			if !errors.Is(err, provision.ErrDiffers) || !strings.Contains(err.Error(), "S has "+name+" ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func config(t *testing.T, js jetstream.JetStream, name string) jetstream.StreamConfig {
	t.Helper()
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().Config
}
