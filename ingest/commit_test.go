package ingest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// postAll posts one packet for each tenant at once, so that their messages share a turn.
func (b *bench) postAll(tenants int, packet string) (refused int) {
	b.t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range tenants {
		wg.Go(func() {
			from := Principal{Tenant: id.Tenant(fmt.Sprint("t-", n)), Device: "d-pump"}
			_, err := b.Accept(b.t.Context(), from, Request{Body: fmt.Appendf(nil, `{"id":"%s","values":{"a":%d}}`, packet, n)})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				refused++
			}
		})
	}
	wg.Wait()
	return refused
}

// checkTenants checks that every tenant's packet is there once.
func (b *bench) checkTenants(tenants int, packet string) {
	b.t.Helper()
	inLane := b.inLane(telemetry.Standard)
	for n := range tenants {
		if name := fmt.Sprintf("t-%d/d-pump/%s", n, packet); inLane[name] != 1 {
			b.t.Errorf("%s is there %d times", name, inLane[name])
		}
	}
}

func TestManyTenantsShareABatch(t *testing.T) {
	const tenants = 300
	for name, change := range map[string]func(*Options){
		"behind an fsync": nil,
		"without":         func(o *Options) { o.SyncAlways = false },
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, t.TempDir(), change)
			if refused := b.postAll(tenants, "p"); refused > 0 {
				t.Errorf("%d were refused", refused)
			}
			b.checkTenants(tenants, "p")
			if used := b.lanes(telemetry.Standard).batches.Load(); used != b.o.SyncAlways {
				t.Errorf("batches are used: %v", used)
			}
		})
	}
}

func TestStreamWithoutBatches(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	stream, err := b.js.Stream(t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.AllowAtomicPublish = false
	if _, err := b.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if refused := b.postAll(100, "p"); refused > 0 {
		t.Errorf("%d were refused", refused)
	}
	b.checkTenants(100, "p")
	if b.lanes(telemetry.Standard).batches.Load() {
		t.Error("batches are tried again")
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.reopen(nil) // switches them on
	if refused := b.postAll(100, "q"); refused > 0 || !b.lanes(telemetry.Standard).batches.Load() {
		t.Errorf("%d were refused", refused)
	}
	b.checkTenants(100, "q")
}

// TestOneBadMessageHarmsNoOther commits turns in which one message is there already, and one can never be stored.
func TestOneBadMessageHarmsNoOther(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	c := b.lanes(telemetry.Standard)
	turn := c.turnOf(20)
	known := turn[7].message
	if _, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: known.Subject, Header: known.Header, Data: known.Data}); err != nil {
		t.Fatal(err)
	}
	turn[3].message.Header["Nats-Expected-Stream"] = []string{"another"}
	c.commit(turn)
	for i := range turn {
		<-turn[i].flights[0].done
		if err := turn[i].flights[0].err; (err != nil) != (i == 3) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if got := b.inLane(telemetry.Standard); len(got) != 19 {
		t.Errorf("the lane holds %v", got)
	}
	b.checkOnceEach(telemetry.Standard)
}

func (b *bench) checkOnceEach(lane telemetry.Lane) {
	b.t.Helper()
	for name, times := range b.inLane(lane) {
		if times != 1 {
			b.t.Errorf("%s is there %d times", name, times)
		}
	}
}

func TestLostAnswerOfABatch(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	c := b.lanes(telemetry.Standard)
	turn := c.turnOf(20)
	b.acks(telemetry.Standard, false)
	done := make(chan struct{})
	go func() { defer close(done); c.commit(turn) }()
	waitFor(t, func() bool { return b.messages(telemetry.Standard) == 20 })
	b.acks(telemetry.Standard, true)
	<-done
	for i := range turn {
		if err := turn[i].flights[0].err; err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
	b.checkTenants(20, "p")
}

// turnOf makes a turn of messages of as many tenants, one packet in each.
func (c *committer) turnOf(messages int) []group {
	turn := make([]group, messages)
	for i := range turn {
		l := &line{tenant: id.Tenant(fmt.Sprint("t-", i))}
		batch := telemetry.Batch{Device: "d-pump", Packets: []telemetry.Packet{{ID: "p", Values: []telemetry.Value{{Name: "a"}}}}}
		turn[i] = group{line: l, flights: []*flight{{payload: telemetry.AppendBatch(nil, &batch), done: make(chan struct{})}}}
		c.compose(&turn[i])
	}
	return turn
}

func (b *bench) messages(lane telemetry.Lane) uint64 {
	b.t.Helper()
	stream, err := b.js.Stream(b.t.Context(), telemetry.LaneStream(lane))
	if err != nil {
		b.t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func TestTurnsAreFair(t *testing.T) {
	p := &publishers{workers: 0}
	c := &committer{publishers: p, lines: map[id.Tenant]*line{}}
	submit := func(t2 id.Tenant, n, size int) {
		for range n {
			if err := c.submit(t2, &flight{payload: make([]byte, size)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	submit("t-noisy", 24, 300<<10)
	submit("t-quiet", 1, 100)
	submit("t-other", 1, 100)
	var order []id.Tenant
	for range 3 {
		for _, g := range c.next(nil) {
			order = append(order, g.line.tenant)
		}
	}
	if fmt.Sprint(order[:3]) != "[t-noisy t-quiet t-other]" {
		t.Errorf("the turns went to %v", order)
	}
	submit("t-late", 1, 100)
	if turn := c.next(nil); turn[1].line.tenant != "t-late" {
		t.Errorf("who came late was not served in the next turn, but %v", turn[1].line.tenant)
	}
}

// lanes returns the committer of a lane.
func (b *bench) lanes(lane telemetry.Lane) *committer { return b.publishers.lanes[lane] }
