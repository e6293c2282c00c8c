package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a server under measurement, with what it and its children cost.
type process struct {
	command *exec.Cmd
	address string
	exited  chan struct{}
}

// launch starts a command and waits for the line in which it names its address.
func launch(ctx context.Context, prefix string, argv ...string) (*process, error) {
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, exited: make(chan struct{})}
	lines := bufio.NewScanner(stdout)
	for p.address == "" && lines.Scan() {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), prefix); ok {
			p.address = strings.TrimPrefix(strings.Fields(rest)[0], "http://")
		}
	}
	if p.address == "" {
		command.Process.Kill()
		return nil, errors.Join(fmt.Errorf("%s never named its address", argv[0]), command.Wait())
	}
	go func() { io.Copy(io.Discard, stdout); command.Wait(); close(p.exited) }()
	return p, nil
}

func (p *process) stop() {
	p.command.Process.Signal(os.Interrupt)
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.command.Process.Kill()
	}
}

// ticksPerSecond is the unit of /proc/PID/stat; Linux fixes it at 100 for user space (proc(5)).
const ticksPerSecond = 100

// cost is the CPU time and resident memory of the process and its children.
func (p *process) cost() (cpu time.Duration, resident int64) {
	for _, pid := range append(children(p.command.Process.Pid), p.command.Process.Pid) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		pages, _ := strconv.ParseInt(fields[21], 10, 64)
		cpu += time.Duration(user+system) * time.Second / ticksPerSecond
		resident += pages * int64(os.Getpagesize())
	}
	return cpu, resident
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

// metrics reads the program's own figures and sums each name over the labels that contain filter.
func (p *process) metrics(ctx context.Context, name, filter string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	sum, found := 0.0, false
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		line := lines.Text()
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' || !strings.Contains(rest, filter) {
			continue
		}
		value, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, fmt.Errorf("/metrics has no %s", name)
	}
	return sum, lines.Err()
}
