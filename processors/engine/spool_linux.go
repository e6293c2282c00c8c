package engine

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newSpool makes a nameless file in memory: it cannot outlive the process, and its path is one that the engine can open.
func newSpool(string) (f *os.File, path string, err error) {
	fd, err := unix.MemfdCreate("insert", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, "", fmt.Errorf("no memory file for an insert: %w", err)
	}
	return os.NewFile(uintptr(fd), "insert"), fmt.Sprintf("/proc/self/fd/%d", fd), nil
}
