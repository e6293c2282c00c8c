package dashboard

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"longwave/tenants/id"
)

// format is the first line of a file. Its number rises when the meaning of what is in it changes.
const format = "dashboard/1"

// File is a dashboard as it is taken from one place to another.
type File struct {
	ID       id.Dashboard
	Name     string
	Document Document
}

type fileYAML struct {
	Format   string `yaml:"longwave"`
	ID       string `yaml:"id"`
	Name     string `yaml:"name"`
	Document `yaml:",inline"`
}

// Export writes a dashboard as YAML.
func Export(f File) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(fileYAML{Format: format, ID: string(f.ID), Name: f.Name, Document: f.Document}); err != nil {
		return nil, fmt.Errorf("export dashboard: %w", err)
	}
	return out.Bytes(), nil
}

// Import reads what Export wrote, or a person. A file without an id is a new dashboard. It returns an *InvalidError.
func Import(data []byte) (File, error) {
	if len(data) > 2*MaxBytes { // YAML needs more room than JSON
		return File{}, invalid("file", "has %d bytes, at most %d are allowed", len(data), 2*MaxBytes)
	}
	var in fileYAML
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&in); err != nil {
		return File{}, invalid("file", "cannot be read: %s", withoutTypes(err))
	}
	if err := decoder.Decode(new(fileYAML)); !errors.Is(err, io.EOF) {
		return File{}, invalid("file", "holds more than one dashboard")
	}
	if in.Format != format {
		return File{}, invalid("longwave", "is %.40q, want %s", in.Format, format)
	}
	out := File{Name: in.Name}
	var err error
	if in.ID != "" {
		if out.ID, err = id.Parse[id.Dashboard](in.ID); err != nil {
			return File{}, invalid("id", "%.70q is no id", in.ID)
		}
	}
	out.Document, err = Check(in.Document)
	return out, err
}

// withoutTypes is what the reader of YAML found, in a person's words: its own name the types of this program.
func withoutTypes(err error) string {
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) && len(wrong.Errors) > 0 {
		first, _, _ := bytes.Cut([]byte(wrong.Errors[0]), []byte(" in type "))
		first, _, _ = bytes.Cut(first, []byte(" into dashboard."))
		return string(first)
	}
	return err.Error()
}
