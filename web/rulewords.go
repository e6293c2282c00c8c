package web

import (
	"slices"
	"strconv"
	"strings"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// whenWords is an expression as a sentence. What menus cannot say stays as it is written.
func whenWords(when string) string {
	clauses, err := rule.Sentence(when)
	if err != nil || len(clauses) == 0 {
		if when != "" {
			return "When " + when
		}
		return "Every packet"
	}
	var words []string
	for _, c := range clauses {
		words = append(words, clauseWords(c))
	}
	return "When " + strings.Join(words, " and ")
}

func clauseWords(c rule.Clause) string {
	switch {
	case c.Of == "":
		return c.Text
	case c.Is == "present":
		return subjectWords(c.Of) + " is present"
	default:
		return subjectWords(c.Of) + " " + operatorWords(c.Is) + " " + c.Text
	}
}

func operatorWords(is string) string {
	if is == "containing" {
		return "contains"
	}
	return "is " + is
}

// The subjects of a sentence that are not values of the packet.
var subjects = [][2]string{
	{"packet.kind", "the kind"}, {"device.profile", "the profile"}, {"device.site", "the site"}, {"device.id", "the device"},
}

func subjectWords(of string) string {
	for _, s := range subjects {
		if s[0] == of {
			return s[1]
		}
	}
	if label, ok := strings.CutPrefix(of, "device.labels"); ok {
		return "the label " + strings.Trim(label, `.[]"`)
	}
	return of
}

// thenWords is what a rule does, as a list of words.
func thenWords(st *tenants.State, t id.Tenant, then rule.Then) string {
	var words []string
	if then.Lane != "" {
		words = append(words, "send by the "+then.Lane+" lane")
	}
	switch {
	case then.Drop:
		words = append(words, "drop")
	case then.OneIn > 1:
		words = append(words, "keep one in "+strconv.Itoa(then.OneIn))
	}
	if len(then.Labels) > 0 {
		words = append(words, "label "+strings.Join(labelTexts(then.Labels), ", "))
	}
	var to []string
	for _, d := range then.Forward {
		to = append(to, destinationName(st, t, d))
	}
	if len(to) > 0 {
		words = append(words, "forward to "+strings.Join(to, ", "))
	}
	if len(words) == 0 {
		return "keep as it is"
	}
	return strings.Join(words, ", ")
}

func destinationName(st *tenants.State, t id.Tenant, d id.Destination) string {
	if found, ok := st.Destination(t, d); ok {
		return found.Name
	}
	return string(d) + " (deleted)"
}

// outcomeWords is what all rules together would do with a packet.
func outcomeWords(t *rule.Trial, set *rule.Set) string {
	if t.Verdict.Fate != rule.Keep {
		return map[rule.Fate]string{rule.Drop: "dropped", rule.SampledOut: "sampled out"}[t.Verdict.Fate] + " by " + set.Rule(t.Verdict.By).Name
	}
	words := t.Would.String() + " lane"
	if t.Would != t.Lane {
		words = "from the " + t.Lane.String() + " to the " + words
	}
	if t.Verdict.By >= 0 {
		words += " by " + set.Rule(t.Verdict.By).Name
	}
	if t.Verdict.Forward != 0 {
		words += ", forwarded"
	}
	return words
}

// namesIn are the names of values in packets, as expressions spell them.
func namesIn(trials []rule.Trial) []string {
	var names []string
	for i := range trials {
		for _, v := range trials[i].Packet.Values {
			if name := rule.Spell(v.Name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
