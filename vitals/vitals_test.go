package vitals

import (
	"slices"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		facts    Facts
		name     string
		severity Severity
	}{
		"young backlog":       {Facts{Lanes: []Lane{{Name: "bulk", Oldest: 36 * time.Hour, Retention: 3 * day}}}, "", 0},
		"kept for ever":       {Facts{Lanes: []Lane{{Name: "bulk", Oldest: 90 * day}}}, "", 0},
		"old backlog":         {Facts{Lanes: []Lane{{Name: "bulk", Oldest: 40 * time.Hour, Retention: 3 * day}}}, "backlog_old", Warning},
		"very old backlog":    {Facts{Lanes: []Lane{{Name: "critical", Oldest: 6 * day, Retention: 7 * day}, {Name: "bulk"}}}, "backlog_old", Critical},
		"full lane":           {Facts{Lanes: []Lane{{Name: "bulk", Stuck: true}}}, "lane_full", Critical},
		"full disk":           {Facts{NoRoom: "10 MiB are free"}, "disk_low", Critical},
		"loss":                {Facts{Lost: 1}, "packets_lost", Critical},
		"damaged part":        {Facts{DamagedParts: 2}, "data_damaged", Critical},
		"contradiction":       {Facts{ControlLog: "it has lost its end"}, "control_log", Critical},
		"two engine restarts": {Facts{EngineRestarts: 2}, "", 0},
		"engine restarts":     {Facts{EngineRestarts: 3}, "engine_restarting", Critical},
		"broker restart":      {Facts{BrokerRestarts: 1}, "broker_restarted", Warning},
		"broker restarts":     {Facts{BrokerRestarts: 3}, "broker_restarted", Critical},
		"clock forwards":      {Facts{ClockJumped: time.Hour}, "clock_jumped", Warning},
		"clock backwards":     {Facts{ClockJumped: -time.Hour}, "clock_jumped", Warning},
		"snapshot":            {Facts{SnapshotUseless: true}, "snapshot_useless", Warning},
		"consumer":            {Facts{LostTrack: 1}, "settled_unknown", Warning},
		"passed over":         {Facts{PassedOver: 1}, "forwarding_behind", Warning},
		"alerts behind":       {Facts{AlertsMissed: 1}, "alerts_missed", Warning},
		"too many pairs":      {Facts{AlertsLeftOut: 1}, "alerts_missed", Warning},
		"short window":        {Facts{Window: Window{Reaches: time.Minute}}, "repetitions_forgotten", Warning},
	} {
		found := Judge(c.facts)
		if c.name == "" {
			if len(found) > 0 {
				t.Errorf("%s: %+v, want nothing", name, found)
			}
			continue
		}
		if len(found) != 1 || found[0].Name != c.name || found[0].Severity != c.severity {
			t.Errorf("%s: %+v, want %s of %s only", name, found, c.severity, c.name)
			continue
		}
		if found[0].Title == "" || found[0].Detail == "" || found[0].Action == "" {
			t.Errorf("%s: %+v says too little", name, found[0])
		}
	}
}

// Every name is somebody's alarm: it must be in the list, once, and stay there.
func TestNamesStay(t *testing.T) {
	released := []string{"packets_lost", "backlog_old", "lane_full", "disk_low", "data_damaged", "control_log", "settled_unknown",
		"engine_restarting", "broker_restarted", "clock_jumped", "snapshot_useless", "repetitions_forgotten", "forwarding_behind"}
	names := Names()
	for _, name := range released {
		if !slices.Contains(names, name) {
			t.Errorf("%s is gone", name)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a name is there twice: %v", names)
	}
}

func TestBoardRemembersSinceWhen(t *testing.T) {
	var b Board
	begin := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	warning, critical := []Condition{{Name: "x", Severity: Warning}}, []Condition{{Name: "x", Severity: Critical}}
	if got := b.Put(warning, begin); len(got) != 1 || got[0].Over {
		t.Errorf("begin: %+v", got)
	}
	if got := b.Put(warning, begin.Add(time.Minute)); len(got) != 0 {
		t.Errorf("nothing changed: %+v", got)
	}
	if got := b.Put(critical, begin.Add(time.Hour)); len(got) != 1 || got[0].Over {
		t.Errorf("it got worse: %+v", got)
	}
	if got := b.Conditions(); len(got) != 1 || !got[0].Since.Equal(begin) {
		t.Errorf("%+v, want one since %s", got, begin)
	}
	if got := b.Put(nil, begin.Add(2*time.Hour)); len(got) != 1 || !got[0].Over {
		t.Errorf("end: %+v", got)
	}
}

func TestRecentForgets(t *testing.T) {
	var r Recent
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		total uint64
		after time.Duration
		want  int
	}{{0, 0, 0}, {2, time.Minute, 2}, {3, 5 * time.Minute, 3}, {3, 12 * time.Minute, 1}, {3, time.Hour, 0}} {
		if got := r.Count(step.total, RestartMemory, now.Add(step.after)); got != step.want {
			t.Errorf("after %s: %d of %d, want %d", step.after, got, step.total, step.want)
		}
	}
}

func TestClockJumps(t *testing.T) {
	wall := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for name, jump := range map[string]time.Duration{"forwards": 49 * time.Hour, "backwards": -20 * time.Minute, "corrected a little": 0} {
		var c Clock
		c.Look(wall, 0, JumpMemory)
		if got := c.Look(wall.Add(5*time.Second), 5*time.Second, JumpMemory); got != 0 {
			t.Errorf("%s: %s before it jumped", name, got)
		}
		corrected := jump + 200*time.Millisecond
		got := c.Look(wall.Add(10*time.Second+corrected), 10*time.Second, JumpMemory)
		if jump != 0 && got != corrected || jump == 0 && got != 0 {
			t.Errorf("%s: %s, want %s", name, got, corrected)
		}
		if got := c.Look(wall.Add(2*time.Hour+corrected), 2*time.Hour, JumpMemory); got != 0 {
			t.Errorf("%s: %s after it should be forgotten", name, got)
		}
	}
}
