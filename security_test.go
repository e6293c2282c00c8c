package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityChecklistNamesWhatExists keeps docs/security.md from pointing at tests and files that are gone.
func TestSecurityChecklistNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || path != "." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		tests.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([A-Za-z/_.]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 50 {
		t.Errorf("only %d names", len(named))
	}
	for _, match := range named {
		name := match[1]
		if strings.HasPrefix(name, "Test") && !strings.Contains(tests.String(), "func "+name+"(") {
			t.Errorf("there is no test %s", name)
		}
		if strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".md") {
			if _, err := os.Stat(name); err != nil {
				t.Errorf("there is no file %s", name)
			}
		}
	}
}
