package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

const (
	first  = id.Destination("o-first")
	second = id.Destination("o-second")
)

// story is an alert, and what is decided about it as time goes by.
type story struct {
	alert alert.Alert
	facts Facts
	began time.Time
}

func newStory() *story {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return &story{
		alert: alert.Alert{ID: "a-1", Rule: "w-1", Device: "d-1", Firing: true, Severity: alertrule.Warning, Began: telemetry.At(began), Known: began},
		facts: Facts{Device: alertrule.Device{ID: "d-1", Site: "plant-1"}, Notify: alertrule.Notify{Repeat: alertrule.Duration(time.Hour), Steps: []alertrule.Step{
			{Destinations: []id.Destination{first}}, {After: alertrule.Duration(10 * time.Minute), Destinations: []id.Destination{second}}}}},
		began: began,
	}
}

// at decides at so many minutes after the beginning, and takes what is decided for done.
func (s *story) at(minute int) string {
	now := s.began.Add(time.Duration(minute) * time.Minute)
	s.facts.Now = now
	var out []string
	due, _ := Decide(&s.alert, &s.facts)
	for _, d := range due {
		out = append(out, fmt.Sprintf("%s %d %s %v", d.Destination, d.Step, d.Reason, d.Send))
		kept := s.alert.Told[:0:0]
		for _, n := range s.alert.Told {
			if n.Destination != d.Destination || n.Step != d.Step {
				kept = append(kept, n)
			}
		}
		s.alert.Told = append(kept, alert.Notice{Destination: d.Destination, Step: d.Step, Round: d.Round, Sent: d.Send, Reason: string(d.Reason), Severity: s.alert.Severity, At: now})
	}
	if again, _ := Decide(&s.alert, &s.facts); len(again) > 0 {
		return fmt.Sprintf("decided twice: %+v", again)
	}
	return strings.Join(out, ", ")
}

func (s *story) silence(from, until int) {
	s.facts.Silences = []alertrule.Silence{{Selector: alertrule.Selector{Sites: []string{"plant-1"}}, Reason: "works",
		From: s.began.Add(time.Duration(from) * time.Minute), Until: s.began.Add(time.Duration(until) * time.Minute)}}
}

func TestDecide(t *testing.T) {
	for name, c := range map[string]func(s *story) (got, want []string){
		"escalates and repeats": func(s *story) (got, want []string) {
			return []string{s.at(0), s.at(9), s.at(10), s.at(59), s.at(60), s.at(70)},
				[]string{"o-first 1 began true", "", "o-second 2 escalated true", "", "o-first 1 repeated true", "o-second 2 repeated true"}
		},
		"acknowledged": func(s *story) (got, want []string) {
			got = append(got, s.at(0))
			s.alert.Acknowledged = &alert.Act{By: "Ada"}
			return append(got, s.at(10), s.at(300)), []string{"o-first 1 began true", "o-second 2 acknowledged false", ""}
		},
		"silenced, then still firing": func(s *story) (got, want []string) {
			s.silence(0, 30)
			return []string{s.at(0), s.at(10), s.at(29), s.at(30)},
				[]string{"o-first 1 silenced false", "o-second 2 silenced false", "", "o-first 1 catch_up true, o-second 2 catch_up true"}
		},
		"silenced elsewhere": func(s *story) (got, want []string) {
			s.silence(0, 30)
			s.facts.Device.Site = "plant-10"
			return []string{s.at(0)}, []string{"o-first 1 began true"}
		},
		"snoozed": func(s *story) (got, want []string) {
			got = append(got, s.at(0))
			s.alert.Snoozed = s.began.Add(2 * time.Hour)
			return append(got, s.at(60), s.at(61), s.at(120)),
				[]string{"o-first 1 began true", "o-first 1 snoozed false, o-second 2 snoozed false", "", "o-first 1 catch_up true, o-second 2 catch_up true"}
		},
		"worse": func(s *story) (got, want []string) {
			got = append(got, s.at(0))
			s.alert.Severity, s.alert.Acknowledged = alertrule.Critical, &alert.Act{By: "Ada"}
			return append(got, s.at(1), s.at(2)), []string{"o-first 1 began true", "o-first 1 worse true", ""}
		},
		"resolved": func(s *story) (got, want []string) {
			got = append(got, s.at(0))
			s.alert.Firing = false
			return append(got, s.at(1), s.at(2)), []string{"o-first 1 began true", "o-first 0 resolved true", ""}
		},
		"resolved while silenced": func(s *story) (got, want []string) {
			s.silence(0, 30)
			got = append(got, s.at(0))
			s.alert.Firing = false
			return append(got, s.at(1), s.at(40)), []string{"o-first 1 silenced false", " 0 over_untold false", ""}
		},
		"shadow": func(s *story) (got, want []string) {
			s.alert.Shadow = true
			got = append(got, s.at(0))
			s.alert.Firing = false
			return append(got, s.at(1)), []string{" 0 shadow false", ""}
		},
		"nobody to tell": func(s *story) (got, want []string) {
			s.facts.Notify = alertrule.Notify{}
			got = append(got, s.at(0))
			s.alert.Firing = false
			return append(got, s.at(1)), []string{" 0 nobody false", ""}
		},
		"of the past": func(s *story) (got, want []string) {
			s.alert.Began -= telemetry.Micros(2 * time.Hour / time.Microsecond)
			return []string{s.at(0), s.at(10)}, []string{" 0 old_news false", ""}
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := c(newStory())
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%d: got %q, want %q", i, got[i], want[i])
				}
			}
		})
	}
}
