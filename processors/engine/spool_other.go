//go:build !linux

package engine

import (
	"fmt"
	"os"
)

// newSpool makes a temporary file for the data of an insert; the caller removes it.
func newSpool(dir string) (f *os.File, path string, err error) {
	f, err = os.CreateTemp(dir, "insert-*")
	if err != nil {
		return nil, "", fmt.Errorf("no temporary file for an insert: %w", err)
	}
	return f, f.Name(), nil
}
