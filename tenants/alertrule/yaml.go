package alertrule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxYAML bounds the text of one rule: three levels with all their tests, and comments.
const maxYAML = 32 << 10

// ToYAML writes a rule, without its id, version and mode. It returns an error only for a rule that Validate would refuse.
func ToYAML(r Rule) (string, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(r); err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return text.String(), nil
}

// FromYAML reads a rule, without id, version and mode. It returns an *InvalidError for text that is not one document with the
// members of a rule, and what Validate returns.
func FromYAML(text string) (r Rule, err error) {
	if len(text) > maxYAML {
		return Rule{}, invalid("yaml", "has %d bytes, at most %d are read", len(text), maxYAML)
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&r); err != nil {
		return Rule{}, invalid("yaml", "%.300s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Rule{}, invalid("yaml", "holds more than one document")
	}
	return r, r.Validate()
}
