//go:build !linux

package engine

import "syscall"

// childAttributes: a Ctrl-C in the terminal, which goes to the whole group, is the parent's to act upon. The child
// notices a dead parent by the end of its input.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
