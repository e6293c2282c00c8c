package engine

import "syscall"

// childAttributes: the child dies with its parent even when that is killed, and a Ctrl-C in the terminal, which goes
// to the whole group, is the parent's to act upon.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
