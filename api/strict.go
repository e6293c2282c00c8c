package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// maxManageDepth is how deep what a script sends may be nested; no command needs more than three levels.
const maxManageDepth = 16

// strictJSON is huma's JSON, but refuses what encoding/json reads in a way that the sender may not have meant: bytes that
// are not UTF-8, a member given twice or written otherwise, a
// member without a value, and anything behind the end.
func strictJSON() huma.Format {
	strict := huma.DefaultJSONFormat
	strict.Unmarshal = func(data []byte, v any) error {
		if err := unambiguous(data); err != nil {
			return err
		}
		return json.Unmarshal(data, v)
	}
	return strict
}

func unambiguous(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("the body is not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := walk(decoder, 0); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("unexpected end of JSON input")
	} else if err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows the end of the body")
	}
	return nil
}

// walk reads one value and looks at the names in it.
func walk(decoder *json.Decoder, depth int) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	if token == nil && depth == 1 {
		return errors.New("a member is null: leave it out to leave it as it is")
	}
	opening, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxManageDepth {
		return fmt.Errorf("the body is nested more than %d deep", maxManageDepth)
	}
	seen := map[string]bool{}
	for decoder.More() {
		if opening == '{' {
			if err := nameOnce(decoder, seen, depth); err != nil {
				return err
			}
		}
		if err := walk(decoder, depth+1); err != nil {
			return err
		}
	}
	_, err = decoder.Token() // the closing one
	return err
}

// nameOnce takes a name. Those of ours are in lower case; encoding/json would take NAME for name.
func nameOnce(decoder *json.Decoder, seen map[string]bool, depth int) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	name, _ := token.(string) // a decoder takes nothing else for a name
	if depth == 0 && name != strings.ToLower(name) {
		return fmt.Errorf("%.60q must be written in lower case", name)
	}
	if seen[name] {
		return fmt.Errorf("%.60q is given twice", name)
	}
	seen[name] = true
	return nil
}
