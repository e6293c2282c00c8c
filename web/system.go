package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwave/tenants"
	"longwave/views"
)

// System is how the installation is, as main knows it.
type System struct {
	Version    string
	Started    time.Time
	DataDir    string
	Durability string // what an acknowledgement promises, in a sentence
	Checks     []Check
	Lanes      []Lane
	DiskUsed   uint64 // bytes below DataDir; 0 when not known
	DiskFree   uint64
	Tables     []Table
	Conditions []Condition
	// Remembered packets would be recognised as repetitions, which takes RememberedBytes of memory.
	Remembered      int
	RememberedBytes uint64
}

// Condition is something that an operator must see: what is the matter, the figures, and what to do about it.
type Condition struct {
	Critical              bool // for now; otherwise for today
	Title, Detail, Action string
	Since                 time.Time
}

// Check is the health of one part; Err is what is wrong with it.
type Check struct {
	Name   string
	Detail string // what it is when it is well: a version, an address
	Err    error
}

// Lane is how far one consumer of a lane is behind.
type Lane struct {
	Lane, Consumer string
	Messages       uint64
	Packets        uint64        // in them, about; 0 when not known
	Behind         time.Duration // age of the oldest that is not settled
}

// Table is what one table of the storage holds.
type Table struct {
	Name        string
	Rows, Bytes uint64
}

func (w *Web) showSystem(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	s := w.o.System(r.Context())
	page := views.System{Frame: w.frame(out, r, p, "System"), Tabs: w.adminTabs(r, p), DataDir: s.DataDir, Durability: sentence(s.Durability), Facts: w.systemFacts(s)}
	failing := 0
	for _, c := range s.Checks {
		if c.Name == checkDurability {
			continue // it is a promise and has a place of its own
		}
		row := views.Check{Name: capital(c.Name), State: views.State{Key: stateLive, Word: "Well"}, Detail: sentence(c.Detail)}
		if c.Err != nil {
			failing++
			row.State, row.Detail, row.Cause = views.State{Key: stateSilent, Word: "Failing"}, consequence(c.Name), c.Err.Error()
			if row.Detail == "" {
				row.Detail, row.Cause = sentence(c.Err.Error()), ""
			}
		}
		page.Checks = append(page.Checks, row)
	}
	for _, c := range s.Conditions {
		page.Conditions = append(page.Conditions, w.conditionRow(c))
	}
	for _, l := range s.Lanes {
		page.Lanes = append(page.Lanes, laneRow(l))
	}
	page.Whole, page.Summary = wholeOf(s.Conditions, failing, len(page.Checks))
	page.DiskText, page.DiskShare = diskText(s.DiskUsed, s.DiskFree)
	return w.render(out, r, http.StatusOK, views.SystemPage(page))
}

// wholeOf sums up: what fails goes before what is to be looked at.
func wholeOf(conditions []Condition, failing, parts int) (whole views.State, summary string) {
	switch {
	case failing > 0:
		return views.State{Key: stateSilent, Word: "Failing"},
			capital(grouped(uint64(failing))) + " of " + count(uint64(parts), "part fails", "parts fail") + "; the reason stands below."
	case len(conditions) > 0:
		critical := slices.ContainsFunc(conditions, func(c Condition) bool { return c.Critical })
		return severityState(critical), capital(count(uint64(len(conditions)), "thing", "things")) + " to look at."
	}
	return views.State{Key: stateLive, Word: "Well"}, "Everything works"
}

func severityState(critical bool) views.State {
	if critical {
		return views.State{Key: stateSilent, Word: "Critical"}
	}
	return views.State{Key: stateLate, Word: "Warning"}
}

func (w *Web) conditionRow(c Condition) views.Condition {
	return views.Condition{
		State: severityState(c.Critical), Title: c.Title, Detail: c.Detail, Action: c.Action,
		Since: "for " + duration(w.o.Now().Sub(c.Since)), Exact: c.Since.UTC().Format("2006-01-02 15:04:05 UTC"), ISO: c.Since.UTC().Format(time.RFC3339),
	}
}

// checkDurability is the name of the check that only repeats System.Durability.
const checkDurability = "durability"

// consequence says what it means that a part fails, to somebody who does not know the program's inside; empty for a part
// that has no such sentence.
func consequence(part string) string {
	switch part {
	case "storage":
		return "ClickHouse does not answer. Packets are still accepted and wait in their lanes; pages come without what is stored until it is back."
	case "engine":
		return "The embedded ClickHouse has stopped and is being started again. Packets are still accepted and wait in their lanes."
	case "queues":
		return "The queues do not answer. Packets are refused with 503, so that devices keep them and send again."
	case "lanes":
		return "How many packets wait could not be asked."
	}
	return ""
}

// behindAfter is how old the oldest waiting packet may be before a lane counts as behind: a block is stored every half
// second, and a burst takes some.
const behindAfter = 10 * time.Second

func laneRow(l Lane) views.LaneRow {
	row := views.LaneRow{
		Lane: capital(l.Lane), Purpose: lanePurpose(l.Lane), Pending: count(l.Messages, "message", "messages"), Behind: "–",
		State: views.State{Key: stateLive, Word: "Keeps up"},
	}
	if l.Messages > 0 {
		row.Behind = duration(l.Behind)
	}
	if l.Packets > 0 {
		row.Pending = "about " + count(l.Packets, "packet", "packets")
	}
	if l.Messages > 0 && l.Behind > behindAfter {
		row.State = views.State{Key: stateLate, Word: "Behind"}
	}
	return row
}

func lanePurpose(lane string) string {
	switch lane {
	case "critical":
		return "status changes, stored first"
	case "standard":
		return "metrics"
	case "bulk":
		return "logs, and what exceeds a share"
	}
	return ""
}

// diskText says how much of the disk that Longwave could use it does use; nothing when that is not known.
func diskText(used, free uint64) (text, share string) {
	if used == 0 && free == 0 {
		return "", ""
	}
	percent := 100 * float64(used) / float64(used+free)
	return bytesText(used) + " used, " + bytesText(free) + " free", strconv.FormatFloat(max(percent, 0.5), 'f', 1, 64)
}

// sentence makes an operator's cause readable: it begins with a capital and ends with a full stop.
func sentence(text string) string {
	text = capital(strings.TrimSpace(text))
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

func (w *Web) systemFacts(s System) []views.Group {
	tenantCount, people, devices := w.o.Tenants.State().Totals()
	groups := []views.Group{
		{ID: "installation", Heading: "Installation", Facts: []views.Fact{
			{Name: "Version", Value: s.Version}, {Name: "Running for", Value: duration(w.o.Now().Sub(s.Started))},

			{Name: "Packets recognised if sent again", Value: grouped(uint64(s.Remembered)) + ", in " + bytesText(s.RememberedBytes) + " of memory"},
			{Name: "Tenants", Value: grouped(uint64(tenantCount))}, {Name: "People", Value: grouped(uint64(people))}, {Name: "Devices", Value: grouped(uint64(devices))},
		}},
	}
	if len(s.Tables) > 0 {
		groups = append(groups, views.Group{ID: "stored", Heading: "Stored", Facts: storedFacts(s.Tables)})
	}
	return groups
}

// storedFacts lists the tables that hold what devices sent, and sums up the others.
func storedFacts(tables []Table) []views.Fact {
	var facts []views.Fact
	var rest Table
	said := func(t Table) string { return count(t.Rows, "row", "rows") + ", " + bytesText(t.Bytes) }
	for _, t := range tables {
		if word := tableWord(t.Name); word != "" {
			facts = append(facts, views.Fact{Name: word, Value: said(t)})
			continue
		}
		rest.Rows, rest.Bytes = rest.Rows+t.Rows, rest.Bytes+t.Bytes
	}
	if rest.Rows > 0 {
		facts = append(facts, views.Fact{Name: "Book-keeping", Value: said(rest)})
	}
	return facts
}

// tableWord is what people call a table; empty for one that serves the program alone.
func tableWord(name string) string {
	switch name {
	case "readings":
		return "Readings"
	case "events":
		return "Events"
	case "latest":
		return "Latest values"
	case "rollup_1m":
		return "Rollups of a minute"
	case "rollup_1h":
		return "Rollups of an hour"
	case "rollup_1d":
		return "Rollups of a day"
	}
	return ""
}
