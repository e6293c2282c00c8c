package alert

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
)

// sending is one lane message.
type sending struct {
	lane telemetry.Lane
	data []byte
}

// story is messages in which every device is hot for every other packet, one second apart.
func (r *rig) story(packets int) (list []sending) {
	at := telemetry.At(time.Now().Add(-time.Hour))
	for i := range packets {
		for d, name := range r.devices {
			b := telemetry.Batch{Device: name, Received: telemetry.At(time.Now()), RetainDays: 30, Packets: []telemetry.Packet{
				{ID: fmt.Sprint(i), Time: at + telemetry.Micros(i)*microsPerSecond, Values: []telemetry.Value{{Name: "temp", Num: float64(i % 2 * 20)}}}}}
			list = append(list, sending{telemetry.Lanes()[d%3], telemetry.AppendBatch(nil, &b)})
		}
	}
	return list
}

func (r *rig) send(list []sending) {
	r.t.Helper()
	for _, s := range list {
		if _, err := r.js.Publish(r.t.Context(), telemetry.LaneSubject(s.lane, r.tenant), s.data); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestWhatIsSentAgainRaisesNothing sends everything, and then all of it again in any order, over a change of owner.
func TestWhatIsSentAgainRaisesNothing(t *testing.T) {
	r := newRig(t, 6)
	r.rule(func(a *alertrule.Rule) { a.Levels[0].Severity = alertrule.Critical })
	v, _ := r.evaluator()
	stop := r.run(v.Run)
	r.until("evaluates", v.Active)
	const packets = 20
	story := r.story(packets)
	r.send(story)
	all := func() int { return len(r.book.Find(r.tenant, Filter{})) }
	const want = 6 * packets / 2
	r.until("everything is found", func() bool { return all() == want })
	for round := range 2 {
		random := rand.New(rand.NewPCG(uint64(round), 1))
		random.Shuffle(len(story), func(i, j int) { story[i], story[j] = story[j], story[i] })
		r.send(story[:len(story)/2])
		stop()
		v, _ = r.evaluator()
		stop = r.run(v.Run)
		r.send(story[len(story)/2:])
	}
	for d := range r.devices {
		r.postIn(telemetry.Lanes()[d%3], d, 5)
	}
	r.until("all have ended", func() bool { return r.open() == 0 })
	if got, entries := all(), len(r.entries()); got != want || entries != 2*want {
		t.Errorf("%d alerts and %d entries, want %d and %d", got, entries, want, 2*want)
	}
}
