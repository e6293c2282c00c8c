package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"longwave/tenants/id"
)

// maxYAML bounds the text of one rule: an expression, some labels and destinations, and comments.
const maxYAML = 8 << 10

// written is a rule as it stands in YAML.
type written struct {
	Name string `yaml:"name"`
	When string `yaml:"when,omitempty"`
	Then struct {
		Lane    string            `yaml:"lane,omitempty"`
		Drop    bool              `yaml:"drop,omitempty"`
		OneIn   int               `yaml:"one_in,omitempty"`
		Labels  map[string]string `yaml:"labels,omitempty"`
		Forward []string          `yaml:"forward,omitempty"`
	} `yaml:"then"`
}

// ToYAML writes a rule, without its id. It returns an error only for a rule that Check would refuse.
func ToYAML(r Rule) (string, error) {
	w := written{Name: r.Name, When: r.When}
	w.Then.Lane, w.Then.Drop, w.Then.OneIn, w.Then.Labels = r.Then.Lane, r.Then.Drop, r.Then.OneIn, r.Then.Labels
	for _, d := range r.Then.Forward {
		w.Then.Forward = append(w.Then.Forward, string(d))
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(w); err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return text.String(), nil
}

// FromYAML reads a rule, without an id. It returns an *InvalidError for text that is not one document with the members of a
// rule, and what Check returns.
func FromYAML(text string) (Rule, error) {
	if len(text) > maxYAML {
		return Rule{}, invalid("yaml", "has %d bytes, at most %d are read", len(text), maxYAML)
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	var w written
	if err := decoder.Decode(&w); err != nil {
		return Rule{}, invalid("yaml", "%s", plainWords(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Rule{}, invalid("yaml", "holds more than one document")
	}
	r := Rule{Name: w.Name, When: w.When}
	r.Then = Then{Lane: w.Then.Lane, Drop: w.Then.Drop, OneIn: w.Then.OneIn, Labels: w.Then.Labels}
	for _, d := range w.Then.Forward {
		named, err := id.Parse[id.Destination](d)
		if err != nil {
			return Rule{}, invalid("then.forward", "%.70q is no destination", d)
		}
		r.Then.Forward = append(r.Then.Forward, named)
	}
	return Check(r)
}

// plainWords leaves out how our program calls things.
func plainWords(err error) string {
	text := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ", "")
	text, _, _ = strings.Cut(text, " in type ")
	if errors.Is(err, io.EOF) {
		return "is empty: a rule has at least a name"
	}
	return strings.ReplaceAll(text, "\n  ", "; ")
}
