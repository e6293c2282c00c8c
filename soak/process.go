package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	readyIn = time.Minute      // far above what a start takes, so that a slow machine is no failure
	stopIn  = 45 * time.Second // what the program itself allows for stopping, and some
)

// process is a program that runs. Its owner ends it with kill or stop.
type process struct {
	command *exec.Cmd
	words   map[string]string // what it printed at its start: "address", "first run"
	took    time.Duration     // from exec to the end of that block
	exited  chan struct{}
	err     error // of its end; read after exited
}

// launch starts a command and waits for the line that begins with last, which ends the block it prints at its start.
// Everything it logs goes to the file.
func launch(log *os.File, environment []string, last string, argv ...string) (*process, error) {
	p := &process{command: exec.Command(argv[0], argv[1:]...), words: map[string]string{}, exited: make(chan struct{})}
	p.command.Stderr = log
	p.command.Env = append(os.Environ(), environment...)
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go p.read(stdout, last, ready)
	select {
	case <-ready:
		p.took = time.Since(began)
		return p, nil
	case <-p.exited:
		return nil, fmt.Errorf("%s ended instead of starting: %w", argv[0], p.err)
	case <-time.After(readyIn):
		p.kill()
		return nil, fmt.Errorf("%s was not ready after %s", argv[0], readyIn)
	}
}

func (p *process) read(stdout io.Reader, last string, ready chan<- struct{}) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		name, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), "  ")
		if ready != nil {
			p.words[name] = strings.TrimSpace(value)
		}
		if name == last && ready != nil {
			close(ready)
			ready = nil
		}
	}
	p.err = p.command.Wait()
	if p.err == nil {
		p.err = errors.New("ended without an error")
	}
	close(p.exited)
}

// kill ends the process and its children as the out-of-memory killer would, and returns when it is gone.
func (p *process) kill() {
	select {
	case <-p.exited:
		return // its number may be another's by now
	default:
	}
	p.signal(syscall.SIGKILL)
	<-p.exited
}

// signal reaches the process and its children.
func (p *process) signal(s syscall.Signal) {
	for _, pid := range append(children(p.command.Process.Pid), p.command.Process.Pid) {
		syscall.Kill(pid, s) // one that is gone already is what was wanted
	}
}

// stop asks politely.
func (p *process) stop() error {
	if err := p.command.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopIn):
		p.kill()
		return fmt.Errorf("did not stop within %s", stopIn)
	}
}

func children(parent int) []int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	var all []int
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}
