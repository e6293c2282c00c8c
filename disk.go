package main

import (
	"io/fs"
	"path/filepath"
	"syscall"
)

// diskUsage is what lies below a directory and what is free on its disk, in bytes; zero when it cannot be known.
func diskUsage(dir string) (used, free uint64) {
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir // files and folders come and go while the engines work
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			used += uint64(info.Size())
		}
		return nil
	})
	if err != nil {
		used = 0
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err == nil {
		free = stat.Bavail * uint64(stat.Bsize)
	}
	return used, free
}
