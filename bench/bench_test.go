package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/pprof/profile"

	"longwave/ingest/telemetry"
)

// A server that answers late must not delay the instants from which latency counts.
func TestOpenLoopCountsFromWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &connection{load: load{connections: 2, batch: 10, rate: 200}, author: &author{number: 1}}
		began := time.Now()
		until := began.Add(time.Second)
		s := c.schedule()
		for i := range 3 {
			if due, want := s.wait(until), began.Add(50*time.Millisecond+time.Duration(i)*100*time.Millisecond); !due.Equal(want) {
				t.Errorf("request %d is due after %s, want %s", i, due.Sub(began), want.Sub(began))
			}
			time.Sleep(400 * time.Millisecond) // the answer
		}
		due := s.wait(until)
		if waited := s.unsent(due, until, time.Now()); len(waited) != 7 || waited[0] != time.Since(due) || waited[6] != time.Since(began.Add(950*time.Millisecond)) {
			t.Errorf("what was never sent waited %v", waited)
		}
	})
}

func TestBodiesAreWhatTheySay(t *testing.T) {
	ids := map[string]bool{}
	for _, c := range []struct {
		form    form
		packets int
	}{{arrays(), 1}, {arrays(), 100}, {lines(), 100}, {packed("gzip"), 100}} {
		a, err := newAuthor(c.form, len(ids), 1_790_000_000_000)
		if err != nil {
			t.Fatal(err)
		}
		body, err := a.body(c.packets)
		if err != nil {
			t.Fatal(err)
		}
		if c.form.encoding == "gzip" {
			reader, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(reader); err != nil {
				t.Fatal(err)
			}
		}
		format, err := telemetry.FormatOf(c.form.contentType)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := telemetry.Decode(body, telemetry.DecodeOptions{Now: telemetry.At(time.UnixMilli(1_790_000_100_000)), Device: "d-bench", Format: format})
		if err != nil || len(decoded.Packets) != c.packets || len(decoded.Packets[0].Values) != valuesPerPacket {
			t.Fatalf("%+v: %d packets, %v", c.form, len(decoded.Packets), err)
		}
		for _, p := range decoded.Packets {
			if ids[p.ID] {
				t.Errorf("packet %s is there twice", p.ID)
			}
			ids[p.ID] = true
		}
	}
}

func TestStagesAreToldFromTheInside(t *testing.T) {
	for want, stack := range map[string][]string{
		stageDecode: {"runtime.mallocgc", "longwave/ingest/telemetry.(*scanner).number", "longwave/ingest/telemetry.(*Decoded).Decode", "longwave/ingest.(*Front).Accept", "net/http.(*conn).serve"},
		stageBroker: {"syscall.Syscall", "os.(*File).Sync", "github.com/nats-io/nats-server/v2/server.(*fileStore).StoreMsg"},
		stageHTTP:   {"syscall.write", "net.(*conn).Write", "net/http.(*conn).serve"},
		stageRest:   {"runtime.futex", "runtime.schedule"},
	} {
		sample := &profile.Sample{}
		for _, name := range stack {
			sample.Location = append(sample.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name}}}})
		}
		if got := stageOf(sample, stages()); got != want {
			t.Errorf("%s is counted as %s", want, got)
		}
	}
}

func TestPlansAreCounted(t *testing.T) {
	e := &explainer{reads: map[string]granules{}}
	e.tally(`ReadFromMergeTree (bench.readings)
  Indexes:
    Min-Max
      Granules: 90/100
    PrimaryKey
      Keys:
        tenant
      Granules: 2/90
    ReadFromMergeTree (bench.readings)
    PrimaryKey
      Granules: 3/90
    ReadFromMergeTree (bench.touched)
    PrimaryKey
      Granules: 1/1
`)
	if got := e.reads; len(got) != 2 || got["readings"] != (granules{5, 90}) || got["touched"] != (granules{1, 1}) {
		t.Errorf("got %v", got)
	}
}

func TestPublishReplacesItsBlockOnly(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir(filepath.Dir(document), 0o755); err != nil {
		t.Fatal(err)
	}
	before := "# Title\n<!-- bench run -->\nold\n<!-- /bench run -->\ntext\n<!-- bench growth -->\nkept\n<!-- /bench growth -->\n"
	if err := os.WriteFile(document, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := publish(document, "run", "new\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(document)
	if err != nil || string(got) != strings.Replace(before, "old\n", "new\n", 1) {
		t.Errorf("got %q, %v", got, err)
	}
	if publish(document, "variants", "x") == nil {
		t.Error("a block that is not there was replaced")
	}
}

func TestLayoutHoldsWhatIsAsked(t *testing.T) {
	for _, readings := range []int64{leastReadings, 1_000_000, 30_000_000, 1_000_000_000} {
		f := layout(readings)
		if got := f.readings(); f.perTenant < tenantDevices || got > readings || got < readings*8/10 {
			t.Errorf("%d readings become %d of %d tenants with %d devices", readings, got, f.tenants, f.perTenant)
		}
	}
}
