package alert

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// goldenPart is a part as the first version of the program wrote it. It must be read for ever.
const goldenPart = "0107ad02000103772d310303642d318080f28183898506010003612d31020138010202000100018080f28183898506008080f28183898506000101018080f281838985060200018080f2818389850600000000000000264027cc0fa0"

func TestPartsAreReadForEver(t *testing.T) {
	e, r := plant(0, 1, func(_ int, a *alertrule.Rule) { a.ID = "w-1"; a.Version = 3 })
	r.devices = []id.Device{"d-1"}
	r.dir.devices[r.tenant] = []alertrule.Device{{ID: "d-1", Name: "one"}}
	e.clock = 1_700_000_000_000_000
	e.follow(e.clock)
	e.position = [3]uint64{7, 300, 0}
	e.handle(&message{lane: telemetry.Standard, seq: 301, tenant: r.tenant, stored: e.clock, data: r.hot(e.clock, 11)})
	e.tenants[r.tenant].devices["d-1"].pairs[0].alert = "a-1" // its name depends on the tenant's
	parts := e.tenants[r.tenant].encodeParts(e.position)
	if len(parts) != 1 || hex.EncodeToString(parts[0]) != goldenPart {
		t.Errorf("%x\nwant %s", parts, goldenPart)
	}
	part, err := hex.DecodeString(goldenPart)
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := decodePart(part)
	if err != nil || len(pairs) != 1 || pairs[0].rule != "w-1" || pairs[0].version != 3 || pairs[0].device != "d-1" || pairs[0].alert != "a-1" ||
		pairs[0].severity != alertrule.Warning || pairs[0].number != 1 || pairs[0].covered != [3]uint64{7, 301, 0} || pairs[0].seen != e.clock {
		t.Errorf("%+v, %v", pairs, err)
	}
	if _, err := e.tenants[r.tenant].rules[0].program.ParseState(pairs[0].state); err != nil {
		t.Error(err)
	}
	for i := range part { // a flipped bit anywhere is found
		part[i] ^= 1
		if _, err := decodePart(part); !errors.Is(err, errPart) {
			t.Errorf("byte %d: %v", i, err)
		}
		part[i] ^= 1
	}
}

// hot is a lane message of the first device.
func (r *rig) hot(at telemetry.Micros, temp float64) []byte {
	b := telemetry.Batch{Device: r.devices[0], Received: at, RetainDays: 30, Packets: []telemetry.Packet{
		{ID: fmt.Sprint(at), Time: at, Values: []telemetry.Value{{Name: "temp", Num: temp}}}}}
	return telemetry.AppendBatch(nil, &b)
}

func FuzzDecodePart(f *testing.F) {
	part, _ := hex.DecodeString(goldenPart)
	f.Add(part[:len(part)-checksumBytes])
	f.Fuzz(func(t *testing.T, b []byte) {
		if pairs, err := decodePart(seal(b)); err == nil && len(pairs) > len(b) {
			t.Errorf("%d pairs of %d bytes", len(pairs), len(b))
		}
	})
}

// TestADamagedCheckpointForgetsNoAlert spoils the checkpoint and starts again: the log knows what is open.
func TestADamagedCheckpointForgetsNoAlert(t *testing.T) {
	r := newRig(t, 2)
	r.rule()
	v, _ := r.evaluator()
	stop := r.run(v.Run)
	r.until("fires", func() bool { r.post(0, 11); r.post(1, 11); return r.open() == 2 })
	stop()
	for _, subject := range []string{telemetry.AlertStateHead(), telemetry.AlertStateSubject(r.tenant, 0)} {
		if _, err := r.js.Publish(t.Context(), subject, []byte("spoilt")); err != nil {
			t.Fatal(err)
		}
	}
	v, _ = r.evaluator()
	r.run(v.Run)
	r.until("evaluates", v.Active)
	r.post(0, 1)
	r.until("ends one", func() bool { return r.open() == 1 })
	if list := r.book.Find(r.tenant, Filter{}); len(list) != 2 {
		t.Errorf("%d alerts", len(list))
	}
}

// TestWhoWasPausedWritesInVain lets a copy that does not know that another one has taken over write and save.
func TestWhoWasPausedWritesInVain(t *testing.T) {
	r := newRig(t, 1)
	r.rule()
	v, _ := r.evaluator()
	paused := &leader{o: v.o, trouble: &v.trouble, holder: &holder{epoch: 1}, evaluation: &evaluation{
		tenants: make(map[id.Tenant]*tenant), epoch: 1, dir: v.o.Directory, metrics: v.metrics, log: v.o.Log}}
	if err := paused.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := &leader{o: v.o, trouble: &v.trouble, holder: &holder{epoch: 2}, evaluation: &evaluation{
		tenants: make(map[id.Tenant]*tenant), epoch: 2, dir: v.o.Directory, metrics: v.metrics, log: v.o.Log}}
	if err := next.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := message{lane: telemetry.Standard, seq: 1, tenant: r.tenant, stored: telemetry.At(time.Now()), data: r.hot(telemetry.At(time.Now()), 11)}
	paused.handle(&m)
	if err := paused.writeOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := paused.checkpoint(t.Context()); !errors.Is(err, errLost) {
		t.Errorf("its checkpoint: %v", err)
	}
	last, err := r.js.Stream(t.Context(), telemetry.AlertStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.book.await(t.Context(), last.CachedInfo().State.LastSeq); err != nil || len(r.entries()) != 1 || r.open() != 0 {
		t.Errorf("%v, %d entries, %d alerts", err, len(r.entries()), r.open())
	}
	m.data = r.hot(telemetry.At(time.Now()), 12)
	next.handle(&m)
	if err := errors.Join(next.writeOut(t.Context()), next.checkpoint(t.Context())); err != nil {
		t.Fatal(err)
	}
	r.until("fires", func() bool { return r.open() == 1 })
}

// TestPurge leaves nothing of a tenant.
func TestPurge(t *testing.T) {
	r := newRig(t, 1)
	r.rule()
	v, _ := r.evaluator()
	stop := r.run(v.Run)
	r.until("fires", func() bool { r.post(0, 11); return r.open() == 1 })
	r.dir.change(func() { r.dir.rules[r.tenant], r.dir.devices[r.tenant] = nil, nil })
	r.until("ends", func() bool { return r.open() == 0 })
	stop()
	if err := v.Purge(t.Context(), r.tenant); err != nil {
		t.Fatal(err)
	}
	if r.book.Forget(r.tenant); len(r.book.Find(r.tenant, Filter{})) != 0 {
		t.Error("the book knows its alerts")
	}
	for stream, subject := range map[string]string{telemetry.AlertStream: telemetry.AlertSubject(r.tenant), telemetry.AlertStateStream: telemetry.AlertStateOf(r.tenant)} {
		err := readAll(t.Context(), r.js, stream, reading{filters: []string{subject}, each: func(m jetstream.Msg, _ uint64) error {
			return fmt.Errorf("%s is left", m.Subject())
		}})
		if err != nil {
			t.Error(err)
		}
	}
}
