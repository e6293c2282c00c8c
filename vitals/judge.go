package vitals

import (
	"fmt"
	"strings"
	"time"
)

// Severity is how soon an operator must act.
type Severity uint8

// The severities. Warning is for today, Critical for now.
const (
	Warning Severity = iota + 1
	Critical
)

func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Critical:
		return "critical"
	default:
		return "none"
	}
}

// Condition is one thing that an operator must see.
type Condition struct {
	Name     string // one of Names
	Severity Severity
	Title    string    // what is the matter, in a few words
	Detail   string    // the figures
	Action   string    // what to do about it
	Since    time.Time // set by a Board
}

const (
	// backlogWarning and backlogCritical are shares of a lane's retention: half of it leaves a day and a half, or more, to
	// mend what does not store, before somebody who looks for those packets finds nothing to replay either.
	backlogWarning  = 0.5
	backlogCritical = 0.8
	// manyRestarts within RestartMemory are not bad luck.
	manyRestarts = 3
)

// Names lists every condition there is, in the order in which Judge returns them.
func Names() []string {
	var names []string
	for _, c := range conditions() {
		names = append(names, c.name)
	}
	return names
}

// Judge returns the conditions that hold.
func Judge(f Facts) []Condition {
	var found []Condition
	for _, c := range conditions() {
		severity, detail := c.holds(f)
		if severity != 0 {
			found = append(found, Condition{Name: c.name, Severity: severity, Title: c.title, Detail: detail, Action: c.action})
		}
	}
	return found
}

// rule is one line of the list.
type rule struct {
	name, title, action string
	holds               func(Facts) (Severity, string) // 0 when it does not
}

// conditions is the list. A name is never used for anything else again.
func conditions() []rule {
	return []rule{
		{"packets_lost", "Acknowledged packets were lost",
			"Look at the log for the lane and the numbers. Devices that still have them may send again; then check the disk, and restart to begin counting anew.", packetsLost},
		{"backlog_old", "Packets wait for too long to be stored",
			"Bring ClickHouse back, or give it more to work with. Nothing that waits is dropped, but a lane that is full refuses new packets.", backlogOld},
		{"lane_full", "A lane is full of packets that are not stored",
			"Bring ClickHouse back, or raise --lane-bytes if the disk has room: a full lane refuses new packets.", laneFull},
		{"disk_low", "The disk is nearly full",
			"Make room on the disk. Packets are refused until then, and accepted again by themselves.", diskLow},
		{"data_damaged", "Stored data is damaged",
			"Run longwave verify to see what is concerned, then restore those parts from a copy.", dataDamaged},
		{"control_log", "The control log is not what it was",
			"Stop the program and run longwave verify, which names the first place concerned.", controlLog},
		{"settled_unknown", "NATS lost track of what is stored",
			"Nothing was lost by it: what is not proven to be stored was stored again. Check the disk of the queues.", lostTrack},
		{"forwarding_behind", "More is forwarded than this installation can keep up with",
			"Packets of those tenants are stored as always, and not forwarded until it has caught up; their destinations say how many. Have their rules forward less, or give the queues a faster disk.", forwardingBehind},
		{"alerts_missed", "Alert rules have not seen all packets",
			"Look at the log for when. Rules that are behind hold no lane; give the machine or the queues' disk more room, or have fewer rules look at every device.", alertsMissed},
		{"engine_restarting", "The embedded ClickHouse keeps ending",
			"Look at the log for how it ends; too little memory is the usual reason.", engineRestarting},
		{"broker_restarted", "The embedded NATS was started again",
			"It could not write. Look at the log for the cause, and check the disk of the queues.", brokerRestarted},
		{"clock_jumped", "The clock of this machine has jumped",
			"Check its time service. Packets without a time of their own have got the wrong one meanwhile.", clockJumped},
		{"snapshot_useless", "The snapshot of the control log cannot be used",
			"Nothing to do: every event was read instead, and a new snapshot is written. If it comes again, check the disk.", snapshotUseless},
		{"repetitions_forgotten", "Repetitions are recognised for a shorter time than they should be",
			"More packets come than the memory for repetitions is made for. Later repetitions are stored once all the same, but cost an insert; run more copies.", repetitionsForgotten},
	}
}

func when(holds bool, s Severity, detail string) (Severity, string) {
	if !holds {
		return 0, ""
	}
	return s, detail
}

func packetsLost(f Facts) (Severity, string) {
	return when(f.Lost > 0, Critical, fmt.Sprintf("%d lane messages, each with one or more packets, are gone or damaged.", f.Lost))
}

func backlogOld(f Facts) (worst Severity, detail string) {
	var old []string
	for _, l := range f.Lanes {
		share := 0.0
		if l.Retention > 0 {
			share = float64(l.Oldest) / float64(l.Retention)
		}
		if share <= backlogWarning {
			continue
		}
		worst = max(worst, Warning)
		if share > backlogCritical {
			worst = Critical
		}
		old = append(old, fmt.Sprintf("the oldest in lane %s waits for %s; packets are kept for %s", l.Name, inWords(l.Oldest), inWords(l.Retention)))
	}
	return worst, sentence(old)
}

func laneFull(f Facts) (Severity, string) {
	var full []string
	for _, l := range f.Lanes {
		if l.Stuck {
			full = append(full, "lane "+l.Name+" has nothing left that may be dropped")
		}
	}
	return when(len(full) > 0, Critical, sentence(full))
}

func diskLow(f Facts) (Severity, string) { return when(f.NoRoom != "", Critical, f.NoRoom) }

func dataDamaged(f Facts) (Severity, string) {
	return when(f.DamagedParts > 0, Critical, fmt.Sprintf("%d parts of tables cannot be read and were set aside; their rows are missing from answers.", f.DamagedParts))
}

func controlLog(f Facts) (Severity, string) { return when(f.ControlLog != "", Critical, f.ControlLog) }

func lostTrack(f Facts) (Severity, string) {
	return when(f.LostTrack > 0, Warning, times(f.LostTrack)+" since the start.")
}

func forwardingBehind(f Facts) (Severity, string) {
	return when(f.PassedOver > 0, Warning, fmt.Sprintf("Nothing is forwarded for %d of the tenants with destinations.", f.PassedOver))
}

func alertsMissed(f Facts) (Severity, string) {
	return when(f.AlertsMissed+f.AlertsLeftOut > 0, Warning, fmt.Sprintf("%d messages of the lanes were gone before; %d pairs of a rule and a device are left out, because a tenant has too many.", f.AlertsMissed, f.AlertsLeftOut))
}

func engineRestarting(f Facts) (Severity, string) {
	return when(f.EngineRestarts >= manyRestarts, Critical, fmt.Sprintf("%s within the last %s.", times(uint64(f.EngineRestarts)), inWords(RestartMemory)))
}

func brokerRestarted(f Facts) (Severity, string) {
	severity := Warning
	if f.BrokerRestarts >= manyRestarts {
		severity = Critical
	}
	return when(f.BrokerRestarts > 0, severity, fmt.Sprintf("%s within the last %s.", times(uint64(f.BrokerRestarts)), inWords(RestartMemory)))
}

func clockJumped(f Facts) (Severity, string) {
	direction := "forwards"
	if f.ClockJumped < 0 {
		direction = "backwards"
	}
	return when(f.ClockJumped != 0, Warning, fmt.Sprintf("By %s %s within the last hour; a machine that was asleep looks the same.", inWords(f.ClockJumped.Abs()), direction))
}

func snapshotUseless(f Facts) (Severity, string) {
	return when(f.SnapshotUseless, Warning, "The start took longer for it.")
}

func repetitionsForgotten(f Facts) (Severity, string) {
	return when(f.Window.Reaches > 0, Warning, fmt.Sprintf("%d packets are remembered, those of the last %s.", f.Window.Entries, inWords(f.Window.Reaches)))
}

func times(n uint64) string {
	if n == 1 {
		return "Once"
	}
	return fmt.Sprintf("%d times", n)
}

// inWords rounds to what matters.
func inWords(d time.Duration) string {
	switch {
	case d >= 3*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	case d >= 3*time.Minute:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	default:
		return fmt.Sprintf("%.0f seconds", d.Seconds())
	}
}

// sentence joins what is found into one.
func sentence(found []string) string {
	if len(found) == 0 {
		return ""
	}
	text := strings.Join(found, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
