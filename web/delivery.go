package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/forward"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

func destinationFacts(d tenants.Destination, row views.DestinationRow) []views.Fact {
	facts := []views.Fact{
		{Name: "Kind", Value: row.Kind}, {Name: "Sends to", Value: row.Where}, {Name: "Queued", Value: row.Queued},
		{Name: "Undelivered", Value: row.Undelivered}, {Name: "Last success", Value: row.Success.Text},
	}
	if d.Kind == tenants.NATSSubject {
		facts = append(facts, views.Fact{Name: "Consumer", Value: string(d.ID) + " of stream " + telemetry.OutStream})
	}
	return append(facts, views.Fact{Name: "Created", Value: d.Created.UTC().Format("2006-01-02 15:04 MST")})
}

func destinationRow(d tenants.Destination, states map[id.Destination]forward.State, known bool, now time.Time) views.DestinationRow {
	row := views.DestinationRow{
		Name: d.Name, Href: destinationPath(d), Kind: destinationWord(d.Kind), Where: whereOf(d),
		State: views.State{Key: "unknown", Word: "Unknown"}, Queued: "–", Undelivered: "–", Success: views.Time{Text: "unknown"},
	}
	s, ok := states[d.ID]
	if !ok && known { // made a moment ago
		s.Condition = forward.Untried
	}
	if !known {
		return row
	}
	row.State, row.Queued, row.Undelivered = conditionState(s.Condition), grouped(s.Queued), grouped(s.Undelivered)
	row.Success = views.Time{Millis: "0", Text: "never"}
	if s.Success != nil {
		row.Success = viewTime(s.Success.At, now)
	}
	if s.Queued > 0 && !s.Oldest.IsZero() {
		row.Oldest = viewTime(s.Oldest, now)
	}
	if s.Failure != nil && (s.Condition == forward.Failing || s.Condition == forward.Broken) {
		row.Detail = causeWords(s.Failure.Cause)
	}
	return row
}

func conditionState(c forward.Condition) views.State {
	switch c {
	case forward.Well:
		return views.State{Key: "live", Word: "OK"}
	case forward.Failing:
		return views.State{Key: "late", Word: "Failing"}
	case forward.Broken:
		return views.State{Key: "silent", Word: "Circuit open"}
	case forward.Disabled:
		return views.State{Key: "disabled", Word: "Disabled"}
	default:
		return views.State{Key: "never", Word: "Not tried yet"}
	}
}

// storyOf says in a sentence how a destination is doing, and what is being done about it.
func storyOf(d tenants.Destination, s forward.State, now time.Time) string {
	story := ""
	switch s.Condition {
	case forward.Disabled:
		story = "It is disabled: nothing new is queued for it, and what is queued waits for up to three days."
	case forward.Broken:
		story = "Attempts keep failing (" + causeWords(s.Failure.Cause) + "), so one is made from time to time only. Everything else waits in the queue."
	case forward.Failing:
		story = "The last attempt failed: " + causeWords(s.Failure.Cause) + ". What fails is tried again for a day."
	case forward.Well:
		story = "The last attempt succeeded " + age(s.Success.At, now) + "."
	default:
		story = "Nothing was sent to it yet."
		if d.Kind == tenants.NATSSubject {
			story = "Your own consumers read it; Longwave sees what waits, and not what they do."
		}
	}
	if s.Discard != nil && now.Sub(s.Discard.At) < 24*time.Hour {
		story += fmt.Sprintf(" Its queue was full %s: %s not queued.", age(s.Discard.At, now), count(uint64(s.Discard.Count), "message was", "messages were"))
	}
	return story
}

// causeWords turns the stable word of a failure into words for people.
func causeWords(cause string) string {
	if status, ok := strings.CutPrefix(cause, "answer_"); ok {
		text := http.StatusText(atoi(status))
		return strings.TrimSpace("it answered " + status + " " + text)
	}
	if code, ok := strings.CutPrefix(cause, "mail_"); ok && atoi(code) > 0 {
		return "the mail server answered " + code
	}
	words := map[string]string{
		"timeout": "no answer within 10 s", "connection_refused": "nobody listens at the address", "connection_failed": "the connection broke",
		"name_not_found": "nobody knows the name in the address", "tls": "its certificate is not accepted", "address_refused": "the address is not public",
		"address_unusable": "the address cannot be used", "not_tried_in_time": "not tried in time", "secret_unreadable": "its secret cannot be opened: the master key is missing",
		"mail_not_set_up": "the operator has set up no mail server", "message_unusable": "the message cannot be sent this way",
		"queue_full": "its queue is full", "share_used": "the destinations of this tenant have as much in their queues as they may", "fell_behind": "more is forwarded for this tenant than the installation can keep up with", "too_large": "the message is too large", "damaged": "the message is damaged",
	}
	if text, ok := words[strings.TrimPrefix(cause, "mail_")]; ok && words[cause] == "" {
		return "the mail server: " + text
	}
	if text, ok := words[cause]; ok {
		return text
	}
	return strings.ReplaceAll(cause, "_", " ")
}

func atoi(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func attemptRow(a forward.Attempt, path string, mayResend bool, now time.Time) views.AttemptRow {
	row := views.AttemptRow{At: viewTime(a.At, now), Message: a.Message, Sent: string(a.Body), Answer: a.Answer}
	if a.Status > 0 {
		row.Status = strconv.Itoa(a.Status)
	}
	took := strconv.FormatInt(a.Took.Milliseconds(), 10) + " ms"
	switch a.Outcome {
	case forward.Delivered:
		row.State, row.Summary = views.State{Key: "live", Word: "Delivered"}, "in "+took
	case forward.Failed:
		row.State, row.Summary = views.State{Key: "late", Word: "Failed"}, capital(causeWords(a.Cause))+", after "+took
		if a.Next != nil {
			row.Summary += "; tried again at " + a.Next.UTC().Format("15:04:05 MST")
		}
	case forward.Undelivered:
		row.State, row.Summary = views.State{Key: "silent", Word: "Undelivered"}, capital(causeWords(a.Cause))
	default:
		row.State, row.Summary = views.State{Key: "silent", Word: "Discarded"}, count(uint64(a.Count), "message", "messages")+": "+causeWords(a.Cause)
	}
	if a.Tries > 1 {
		row.Summary += fmt.Sprintf(" (attempt %d)", a.Tries)
	}
	if mayResend && len(a.Body) > 0 && a.Type != forward.TypeTest {
		row.ResendAction = path + "/attempts/" + strconv.FormatUint(a.Place, 10) + "/resend"
	}
	return row
}

func undeliveredGroup(g forward.Group, now time.Time) views.UndeliveredGroup {
	group := views.UndeliveredGroup{
		Cause: g.Cause, Words: capital(causeWords(g.Cause)) + ".", Detail: g.Detail, Count: grouped(uint64(g.Count)),
		Redrive: "Send these " + grouped(uint64(g.Count)) + " again", First: viewTime(g.First, now), Last: viewTime(g.Last, now),
	}
	if strings.EqualFold(group.Words, g.Detail+".") {
		group.Detail = "" // it says no more
	}
	if g.Count == 1 {
		group.Redrive = "Send it again"
	}
	for _, s := range g.Samples {
		group.Samples = append(group.Samples, s.Message.At.UTC().Format("2006-01-02 15:04:05 MST")+"  "+s.Message.Text)
	}
	return group
}
