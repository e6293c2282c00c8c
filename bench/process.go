package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under measurement, with what it and its children cost.
type process struct {
	command *exec.Cmd
	address string
	exited  chan struct{}
}

// launch starts a command and waits for the line in which it names its address.
func launch(ctx context.Context, environment []string, prefix string, argv ...string) (*process, error) {
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Stderr, command.Env = os.Stderr, append(os.Environ(), environment...)
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

// cost is what a program and its engine have used.
type cost struct {
	program, engine time.Duration // CPU time of the process, and of its children
	resident        int64         // of all of them
}

func (c cost) minus(before cost) cost {
	return cost{c.program - before.program, c.engine - before.engine, max(c.resident, before.resident)}
}

func (c cost) total() time.Duration { return c.program + c.engine }

func (p *process) cost() cost {
	c := cost{}
	c.program, c.resident = usage(p.command.Process.Pid)
	for _, pid := range children(p.command.Process.Pid) {
		cpu, resident := usage(pid)
		c.engine, c.resident = c.engine+cpu, c.resident+resident
	}
	return c
}

func usage(pid int) (cpu time.Duration, resident int64) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	pages, _ := strconv.ParseInt(fields[21], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond, pages * int64(os.Getpagesize())
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

// effort is how much the machine had done at one moment, and how much of that was ours.
type effort struct {
	at        time.Time
	all, ours time.Duration
}

func busy() effort {
	text, _ := os.ReadFile("/proc/stat")
	var user, nice, system, idle, wait, irq, soft, steal int64
	fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &soft, &steal)
	return effort{time.Now(), time.Duration(user+nice+system+irq+soft+steal) * time.Second / ticksPerSecond, ownTime()}
}

// ownTime is what this process and those of its descendants that have ended used; between parts none is running.
func ownTime() time.Duration {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if syscall.Getrusage(who, &used) == nil {
			total += time.Duration(used.Utime.Nano() + used.Stime.Nano())
		}
	}
	return total
}

// since is how many cores others have used on average.
func (e effort) since() float64 {
	now := busy()
	return max(0, ((now.all-e.all)-(now.ours-e.ours)).Seconds()/now.at.Sub(e.at).Seconds())
}

// size is what the files of a directory hold.
func size(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil // a file that has just gone has no size
	})
	return bytes
}

// metrics reads the program's own figures and sums each name over the labels that contain filter.
func (p *process) metrics(ctx context.Context, name, filter string) (float64, error) {
	body, err := p.get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
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
	return sum, nil
}

// get reads a page that is for programs on this machine.
func (p *process) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", path, response.StatusCode)
	}
	return io.ReadAll(response.Body)
}
