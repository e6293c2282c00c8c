package notify

import (
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

func TestARehearsalCountsWhatWouldBeSent(t *testing.T) {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	after := func(minutes float64) time.Time { return began.Add(time.Duration(minutes * float64(time.Minute))) }
	course := func(device string, known, ended float64, turns ...Turn) Course {
		c := Course{Device: alertrule.Device{ID: id.Device(device)}, Turns: turns, Until: after(600),
			Alert: alert.Alert{Device: id.Device(device), Began: telemetry.At(after(known)), Known: after(known), Severity: alertrule.Warning}}
		if ended > 0 {
			c.Ended = after(ended)
		}
		return c
	}
	steps := alertrule.Notify{Repeat: alertrule.Duration(time.Hour), Steps: []alertrule.Step{
		{Destinations: []id.Destination{first}}, {After: alertrule.Duration(10 * time.Minute), Destinations: []id.Destination{second}}}}
	byDevice := steps
	byDevice.GroupBy = alertrule.GroupDevice
	for name, c := range map[string]struct {
		notify  alertrule.Notify
		courses []Course
		first   int
		second  int
	}{
		"nobody":         {alertrule.Notify{}, []Course{course("d-1", 0, 5)}, 0, 0},
		"short":          {steps, []Course{course("d-1", 0, 5)}, 2, 0},                                           // began, resolved
		"escalated":      {steps, []Course{course("d-1", 0, 20)}, 2, 2},                                          // and so for the second
		"repeated":       {steps, []Course{course("d-1", 0, 130)}, 4, 3},                                         // at 60 and 120; the second at 70
		"worse":          {steps, []Course{course("d-1", 0, 5, Turn{after(2), alertrule.Critical})}, 3, 0},       //
		"still open":     {steps, []Course{course("d-1", 0, 0)}, 11, 10},                                         // every hour up to the tenth
		"together":       {steps, []Course{course("d-2", 0.2, 5.1), course("d-1", 0, 5)}, 4, 0},                  // the second waits for half a minute
		"each by itself": {byDevice, []Course{course("d-1", 0, 5), course("d-2", 0, 5)}, 4, 0},                   //
		"many at once":   {steps, []Course{course("d-1", 0, 5), course("d-2", 0, 5), course("d-3", 0, 5)}, 2, 0}, // one message each time
	} {
		r := NewRehearsal(c.notify, 1000)
		for _, one := range c.courses {
			r.Add(one)
		}
		all, each, complete := r.Messages()
		if each[first] != c.first || each[second] != c.second || all != c.first+c.second || !complete {
			t.Errorf("%s: %d messages, %v, complete %v", name, all, each, complete)
		}
	}
	r := NewRehearsal(steps, 3)
	r.Add(course("d-1", 0, 0))
	if _, _, complete := r.Messages(); complete {
		t.Error("what was cut off is not said")
	}
}
