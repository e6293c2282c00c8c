package alertrule

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
)

// placeholders are what may stand in braces in a template. Besides there is metric.NAME.
func placeholders() []string {
	return []string{"device", "profile", "site", "rule", "severity", "status", "metric", "value", "threshold", "time", "note"}
}

// Placeholders lists what may stand in braces in a template, for completion.
func Placeholders() []string { return append(placeholders(), "metric.…") }

const metricPrefix = "metric."

// piece is a text, or the name of what stands in its place.
type piece struct {
	text string
	name string // of a placeholder; empty for a text
}

// message is the template, or the usual one.
func (r *Rule) message() string {
	switch {
	case r.Message != "":
		return r.Message
	case r.Kind == NoData:
		return "{device} sends no data"
	default:
		return "{device}: {metric} is {value}"
	}
}

// parseMessage takes a template apart. Only what placeholders names can stand in it, and values are put in as they are,
// never looked at again: no text of a device can become part of the template.
func parseMessage(text string) (pieces []piece, err error) {
	if len(text) > MaxMessage {
		return nil, invalid("message", "has %d bytes, at most %d are allowed", len(text), MaxMessage)
	}
	if !visible(strings.ReplaceAll(text, "\n", " ")) {
		return nil, invalid("message", "contains an invisible character")
	}
	for text != "" {
		before, rest, opened := strings.Cut(text, "{")
		if before != "" {
			pieces = append(pieces, piece{text: before})
		}
		if !opened {
			return pieces, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		metric, ofMetric := strings.CutPrefix(name, metricPrefix)
		if !closed || !slices.Contains(placeholders(), name) && !(ofMetric && metricName(metric)) {
			return nil, invalid("message", "{%.40s} is not known, want one of {%s} or {metric.NAME}", name, strings.Join(placeholders(), "}, {"))
		}
		pieces, text = append(pieces, piece{name: name}), after
	}
	return pieces, nil
}

// MessageData is what a message may tell of.
type MessageData struct {
	Device Device
	Change Change
}

// Message is the text about a change, plain and not escaped for any channel.
func (p *Program) Message(d MessageData) string {
	var out strings.Builder
	for _, piece := range p.message {
		if piece.name == "" {
			out.WriteString(piece.text)
		} else {
			out.WriteString(p.fill(piece.name, d))
		}
	}
	return out.String()
}

func (p *Program) fill(name string, d MessageData) string {
	c := &d.Change
	switch name {
	case "device":
		return d.Device.Name
	case "profile":
		return d.Device.Profile
	case "site":
		return d.Device.Site
	case "rule":
		return p.rule.Name
	case "note":
		return p.rule.Note
	case "severity":
		return max(c.Severity, c.Was).String()
	case "status":
		return c.To.String()
	case "time":
		return c.At.Time().Format(time.RFC3339)
	case "metric":
		return c.metric()
	case "value":
		return c.Value(c.metric())
	case "threshold":
		return c.threshold()
	default:
		return c.Value(strings.TrimPrefix(name, metricPrefix))
	}
}

func (c *Change) metric() string {
	if c.Test == nil {
		return ""
	}
	return c.Test.Metric
}

// Value is the value of a metric at the change as it is shown; "unknown" for one that the rule does not look at.
func (c *Change) Value(metric string) string {
	i := slices.IndexFunc(c.Values, func(r Reading) bool { return r.Metric == metric })
	if i < 0 {
		return "unknown"
	}
	switch r := &c.Values[i]; r.Type {
	case telemetry.Text:
		return r.Text
	case telemetry.Bool:
		return strconv.FormatBool(r.Num != 0)
	default:
		return number(r.Num)
	}
}

func (c *Change) threshold() string {
	switch t := c.Test; {
	case t == nil:
		return ""
	case t.Op == TextIs || t.Op == TextContains || t.Op == TextMatches:
		return t.Text
	case t.Op == Outside || t.Op == Inside:
		return number(t.Value) + " to " + number(t.To)
	case t.Per != "":
		return number(t.Value) + " per " + t.Per
	default:
		return number(t.Value)
	}
}

func number(n float64) string { return strconv.FormatFloat(n, 'g', 10, 64) }
