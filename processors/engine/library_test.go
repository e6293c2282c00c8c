package engine

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFindLibrary(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b")
	packaged := filepath.Join(root, "node_modules", npmPackage(), libraryName)
	for _, dir := range []string{deep, filepath.Dir(packaged)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(libraryEnv, "")
	t.Chdir(deep)
	if path, err := FindLibrary(""); !errors.Is(err, ErrNoLibrary) {
		t.Fatalf("found %q (%v) where there is none", path, err)
	}
	named := filepath.Join(root, "named.so")
	for _, path := range []string{packaged, named} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(explicit, path string) {
		t.Helper()
		if got, err := FindLibrary(explicit); err != nil || got != path {
			t.Errorf("FindLibrary(%q) = %q, %v; want %q", explicit, got, err, path)
		}
	}
	want("", packaged)
	want(named, named)
	t.Setenv(libraryEnv, named)
	want("", named)
	want(packaged, packaged)
}
