package natsd

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	memoryDir   = "/dev/shm"
	tmpfsMagic  = 0x01021994 // statfs(2)
	accountDir  = "jetstream/$G/streams"
	stagingName = "batches"
)

// StageInMemory lets the server keep the unfinished atomic batches of these streams in memory. It prepares each batch in
// files of its own, three fsyncs and a dozen entries of directories, before it writes and syncs the stream itself, only
// to finish a half-written batch after a crash. Who uses batches to share an fsync, and needs no message to stand or fall
// with another, pays for that many times over. An acknowledged batch is in the stream's own files either way.
//
// It returns false, and everything stays as it was, where there is no memory file system or a stream has a batch in the
// making; batches are slower then and nothing else. The choice survives Restart.
func (s *Server) StageInMemory(streams ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staged = streams
	return s.stage()
}

// stage links the directories; the server removes the links whenever it starts.
func (s *Server) stage() bool {
	var kind syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &kind); err != nil || kind.Type != tmpfsMagic || len(s.staged) == 0 {
		return false
	}
	at := stagingDir(s.o.Dir)
	if s.staging == nil {
		lock, err := claimStaging(at)
		if err != nil {
			return false
		}
		s.staging = lock
	}
	for _, stream := range s.staged {
		link := filepath.Join(s.o.Dir, accountDir, stream, stagingName)
		if to, err := os.Readlink(link); err == nil && filepath.Dir(to) == at {
			continue
		}
		if err := os.Mkdir(filepath.Join(at, stream), 0o700); err != nil && !os.IsExist(err) {
			return false
		}
		_ = os.Remove(link) // an empty directory of the server's own; one that is not empty stays, and the link fails
		if err := os.Symlink(filepath.Join(at, stream), link); err != nil {
			return false
		}
	}
	return true
}

// ours tells that nobody else made the directory: everybody may write to the memory file system.
func ours(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Getuid()
}

// claimStaging makes the directory ours for as long as the process lives, and removes those of processes that were killed:
// the kernel lets go of their locks, and their data directory may never be started again.
func claimStaging(at string) (*os.File, error) {
	others, _ := filepath.Glob(filepath.Join(memoryDir, fmt.Sprintf("longwave-%d-*", os.Getuid()))) // the pattern is right
	for _, other := range others {
		if lock, err := lockDir(other); err == nil {
			_ = os.RemoveAll(other)
			_ = lock.Close()
		}
	}
	if err := os.Mkdir(at, 0o700); err != nil {
		return nil, err
	}
	return lockDir(at)
}

func lockDir(dir string) (*os.File, error) {
	if !ours(dir) {
		return nil, os.ErrPermission
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// unstage gives the memory back.
func (s *Server) unstage() {
	if s.staging == nil {
		return
	}
	_ = os.RemoveAll(stagingDir(s.o.Dir))
	_ = s.staging.Close()
	s.staging = nil
}

// stagingDir is the same for a data directory at every start, so that what a killed process left is found and removed.
func stagingDir(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(memoryDir, fmt.Sprintf("longwave-%d-%s", os.Getuid(), hex.EncodeToString(sum[:8])))
}
