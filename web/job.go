package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/replay"
	"longwave/tenants"
	"longwave/views"
)

func (w *Web) showReplay(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	job, err := w.job(r, p)
	if err != nil {
		return err
	}
	self := jobPath(p.Tenant(), job.ID)
	row := w.replayRow(job, p)
	page := views.Replay{
		Frame: w.frame(out, r, p, row.What), Self: self, Back: replaysPath(p.Tenant()), Heading: row.What, Live: !job.State.Ended(),
		State: row.State, Problem: job.Problem, Progress: row.Progress, Share: row.Share, Cancel: row.Cancel, Facts: w.jobFacts(job, p), Numbers: jobNumbers(job),
		Samples: workSamples(job.Progress.Samples, workLook{state: w.o.Tenants.State(), tenant: p.Tenant(), now: w.o.Now()}), Note: jobNote(job),
	}
	if job.Kind == replay.Preview && job.State == replay.Done && job.Progress.Packets > 0 && p.May(tenants.ReplayPackets) == nil {
		page.Next = []views.ReplayNext{{
			Action: replaysPath(p.Tenant()), Submit: "Store these packets again", Hidden: selectionFields(job),
			Note: "Stores what is stored already once more, which changes nothing, and brings back what the storage has lost. Rollups follow by themselves.",
		}}
		page.ElseHref = replaysPath(p.Tenant()) + "?" + valuesOf(page.Next[0].Hidden).Encode()
	}
	return w.render(out, r, http.StatusOK, views.ReplayPage(page))
}

// valuesOf is hidden fields as the form that they are part of.
func valuesOf(fields []views.Hidden) url.Values {
	form := url.Values{}
	for _, f := range fields {
		form.Set(f.Name, f.Value)
	}
	return form
}

// selectionFields are the form of a replay of the same packets. Its end is fixed: what came since is none of them.
func selectionFields(job replay.Job) []views.Hidden {
	s := job.Selection
	if s.To == 0 {
		s.To = telemetry.At(job.Began.Add(time.Second))
	}
	fields := []views.Hidden{{Name: "kind", Value: string(replay.Store)}}
	for _, f := range []views.Hidden{
		{Name: "device", Value: string(s.Device)}, {Name: "label", Value: labelField(s)}, {Name: "site", Value: s.Site}, {Name: "from", Value: timeField(s.From)}, {Name: "to", Value: timeField(s.To)},
		{Name: "sent_from", Value: timeField(s.SentFrom)}, {Name: "sent_to", Value: timeField(s.SentTo)},
	} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

func labelField(s replay.Selection) string {
	if s.Label == "" {
		return ""
	}
	return s.Label + "=" + s.Value
}

func timeField(at telemetry.Micros) string {
	if at == 0 {
		return ""
	}
	return at.Time().Format("2006-01-02T15:04:05.999")
}

func (w *Web) replayRow(job replay.Job, p tenants.Principal) views.ReplayRow {
	row := views.ReplayRow{
		Href: jobPath(p.Tenant(), job.ID), What: capital(job.Kind.Words()), Of: w.jobOf(job, p), By: job.By, State: jobState(job.State),
		Began: viewTime(job.Created, w.o.Now()), Progress: jobProgress(job, w.o.Now()), Share: jobShare(job),
	}
	if !job.State.Ended() && p.May(tenants.ReplayPackets) == nil {
		row.Cancel = row.Href + "/cancel"
	}
	return row
}

// jobOf says in a line which packets are meant.
func (w *Web) jobOf(job replay.Job, p tenants.Principal) string {
	var parts []string
	for _, f := range w.jobFacts(job, p) {
		if f.Name != "Packets per second" && f.Name != "Asked for by" {
			parts = append(parts, f.Value)
		}
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, ", ")
}

func (w *Web) jobFacts(job replay.Job, p tenants.Principal) []views.Fact {
	if !job.Kind.OfLanes() {
		return append(w.filterFacts(workQuery{filter: job.Filter}, p), askedFor(job)...)
	}
	s := job.Selection
	facts := w.filterFacts(workQuery{filter: replay.Filter{Device: s.Device, Label: s.Label, Value: s.Value}}, p)
	if job.Destination != "" {
		name := "deleted"
		if d, ok := w.o.Tenants.State().Destination(p.Tenant(), job.Destination); ok {
			name = d.Name
		}
		facts = append(facts, views.Fact{Name: "Destination", Value: "to " + name})
	}
	for _, f := range []views.Fact{
		{Name: "Site", Value: s.Site}, {Name: "Profile", Value: s.Profile},
		{Name: "Received", Value: rangeText(s.From, s.To)}, {Name: "Device time", Value: rangeText(s.SentFrom, s.SentTo)},
	} {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	return append(facts, askedFor(job)...)
}

func askedFor(job replay.Job) []views.Fact {
	return []views.Fact{{Name: "Packets per second", Value: "at most " + grouped(uint64(job.Rate))}, {Name: "Asked for by", Value: job.By}}
}

func rangeText(from, to telemetry.Micros) string {
	const layout = "2006-01-02 15:04:05"
	switch {
	case from == 0 && to == 0:
		return ""
	case from == 0:
		return "before " + to.Time().Format(layout) + " UTC"
	case to == 0:
		return "from " + from.Time().Format(layout) + " UTC"
	}
	return from.Time().Format(layout) + " to " + to.Time().Format(layout) + " UTC"
}

func jobState(s replay.State) views.State {
	key := map[replay.State]string{replay.Waiting: stateNever, replay.Running: stateLive, replay.Failed: stateSilent}[s]
	if key == "" {
		key = stateDisabled // over, and nothing to look after
	}
	return views.State{Key: key, Word: capital(string(s))}
}

func jobShare(job replay.Job) string {
	p := job.Progress
	switch {
	case job.State == replay.Done:
		return "100"
	case p.Total == 0:
		return "0"
	}
	return strconv.FormatFloat(min(100, 100*float64(p.Read)/float64(p.Total)), 'f', 1, 64)
}

func jobProgress(job replay.Job, now time.Time) string {
	p, what := job.Progress, "messages"
	if !job.Kind.OfLanes() {
		what = "packets"
	}
	if job.State == replay.Waiting {
		return "Begins in a moment"
	}
	if !p.Begun {
		return "Counting what there is to do"
	}
	text := grouped(p.Read) + " of " + grouped(p.Total) + " " + what
	if seconds, ok := job.SecondsLeft(now); ok {
		text += ", about " + length(time.Duration(seconds)*time.Second) + " left"
	}
	return text
}

// jobNumbers is what a job came to, so far.
func jobNumbers(job replay.Job) []views.Fact {
	p := job.Progress
	number := func(name string, n uint64) views.Fact { return views.Fact{Name: name, Value: grouped(n)} }
	switch job.Kind {
	case replay.Redrive:
		return []views.Fact{number("Accepted and off the list", p.Stored), number("Refused again", p.Refused)}
	case replay.Dismiss:
		return []views.Fact{number("Dismissed", p.Dismissed)}
	}
	facts := []views.Fact{number("Packets", p.Packets), {Name: "In messages of", Value: bytesText(p.Bytes)}}
	switch job.Kind {
	case replay.Preview:
		facts = append(facts, number("Devices", p.Devices))
	case replay.Forward, replay.Route:
		facts = append(facts, number("Queued for destinations", p.Queued), number("Not taken by a destination", p.Refused))
	default:
		facts = append(facts, number("Stored", p.Stored), number("Refused by the storage", p.Refused), number("Of deleted devices, left out", p.Dropped))
	}
	if p.Damaged > 0 {
		facts = append(facts, number("Damaged messages", p.Damaged))
	}
	if p.First != 0 {
		facts = append(facts, views.Fact{Name: "Device times", Value: rangeText(p.First, p.Last)})
	}
	return facts
}

// jobNote says what is true now that the job has ended.
func jobNote(job replay.Job) string {
	switch {
	case job.State == replay.Cancelled:
		return "It was cancelled. What it had done by then stays done; to start it again does no harm."
	case job.State != replay.Done:
		return ""
	case job.Kind == replay.Preview && job.Progress.Packets == 0:
		return "The lanes hold nothing of this: it came at another time, or its packets have made room for newer ones."
	case job.Kind == replay.Preview:
		return "Nothing was written."
	case job.Kind == replay.Forward:
		return "The packets are on the destination's queue, from where they are delivered as all others are."
	case job.Kind == replay.Route:
		return "What the rules forward is on the queues of their destinations, from where it is delivered as everything else is."
	case job.Kind == replay.Redrive && job.Progress.Refused > 0:
		return "What was refused again is still in the list of rejected packets, with the reason."
	}
	return ""
}
