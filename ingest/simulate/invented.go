package simulate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"longwave/ingest/telemetry"
)

const (
	// stepChance, statusChance are per packet: a step now and then makes a chart worth looking at, a change of status
	// exercises the critical lane without filling it.
	stepChance   = 1.0 / 500
	statusChance = 1.0 / 200
)

// invented is a machine that does not exist: a daily rhythm, noise, steps, and a status that changes now and then.
type invented struct {
	device   string
	at       time.Time
	interval time.Duration
	random   *rand.Rand
	base     float64 // of the temperature; steps move it
	status   int
}

func newInvented(c *Config, n int, now time.Time) source {
	random := rand.New(rand.NewPCG(uint64(n), 0)) // the same device behaves alike in every run
	interval := time.Duration(float64(time.Second) * float64(c.Devices) / c.Rate)
	return &invented{
		device:   fmt.Sprintf("%smachine-%04d", c.Prefix, n+1),
		at:       now.Add(time.Duration(random.Float64() * float64(interval))), // devices are not in step with each other
		interval: max(interval, time.Microsecond),                              // facts of a device differ in their microsecond
		random:   random,
		base:     40 + 30*random.Float64(),
	}
}

func (i *invented) name() string   { return i.device }
func (i *invented) due() time.Time { return i.at }

func (i *invented) next(context.Context) telemetry.Packet {
	packet := telemetry.Packet{ID: packetID(i.at), Time: telemetry.At(i.at)}
	if i.random.Float64() < statusChance {
		packet.Kind = telemetry.KindStatus
		packet.Values = i.change()
	} else {
		packet.Values = i.measure()
	}
	i.at = i.at.Add(i.interval)
	return packet
}

func (i *invented) measure() []telemetry.Value {
	if i.random.Float64() < stepChance {
		i.base += 10 * i.random.NormFloat64()
	}
	day := 2 * math.Pi * float64(i.at.Unix()%86400) / 86400
	number := func(name string, value float64) telemetry.Value {
		return telemetry.Value{Name: name, Num: math.Round(value*1000) / 1000} // sensors have a resolution
	}
	return []telemetry.Value{
		number("temperature", i.base+5*math.Sin(day)+0.3*i.random.NormFloat64()),
		number("pressure", 1013+8*math.Cos(day)+0.5*i.random.NormFloat64()),
		number("vibration", 2+0.4*i.random.ExpFloat64()),
		number("power", 1200+200*math.Sin(day)+15*i.random.NormFloat64()),
	}
}

func (i *invented) change() []telemetry.Value {
	words := [...]string{"running", "idle", "maintenance", "running", "fault"}
	i.status = (i.status + 1 + i.random.IntN(len(words)-1)) % len(words)
	return []telemetry.Value{
		{Name: "state", Type: telemetry.Text, Text: words[i.status]},
		{Name: "healthy", Type: telemetry.Bool, Num: btof(words[i.status] != "fault")},
	}
}

func btof(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
