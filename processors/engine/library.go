package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// ErrNoLibrary says that the engine's library was not found or cannot be used.
var ErrNoLibrary = errors.New("embedded ClickHouse library not found")

// libraryEnv names the library where neither a flag nor a convention does.
const libraryEnv = "LONGWAVE_ENGINE_LIBRARY"

const libraryName = "libchdb.so"

// FindLibrary finds libchdb: the explicit path if there is one, else LONGWAVE_ENGINE_LIBRARY, else beside the
// executable or in ../lib, else the npm package in a node_modules directory at or above the working directory or the
// executable. It returns ErrNoLibrary, with what to do about it, when there is none.
func FindLibrary(explicit string) (string, error) {
	for _, named := range []struct{ path, by string }{{explicit, "the configuration"}, {os.Getenv(libraryEnv), libraryEnv}} {
		if named.path == "" {
			continue
		}
		if !isFile(named.path) {
			return "", fmt.Errorf("%w: %s names %s, which is no file", ErrNoLibrary, named.by, named.path)
		}
		return filepath.Abs(named.path)
	}
	for _, path := range libraryPlaces() {
		if isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: run `npm install` (it brings %s), put %s beside the executable, or set %s",
		ErrNoLibrary, npmPackage(), libraryName, libraryEnv)
}

func libraryPlaces() []string {
	var places, roots []string
	if exe, err := os.Executable(); err == nil {
		dir := filepath.Dir(exe)
		places = append(places, filepath.Join(dir, libraryName), filepath.Join(filepath.Dir(dir), "lib", libraryName))
		roots = append(roots, dir)
	}
	if wd, err := os.Getwd(); err == nil {
		roots = append([]string{wd}, roots...)
	}
	for _, root := range roots {
		for dir := root; ; dir = filepath.Dir(dir) {
			places = append(places, filepath.Join(dir, "node_modules", npmPackage(), libraryName))
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return places
}

// npmPackage is the package that carries the library for this platform.
func npmPackage() string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	suffix := ""
	if runtime.GOOS == "linux" {
		suffix = "-gnu"
	}
	return "@chdb/lib-" + runtime.GOOS + "-" + arch + suffix
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
