package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"longwave/tenants"
)

// startLine is what `go test -bench` prints of one start.
var startLine = regexp.MustCompile(`(?m)^BenchmarkStart/(\S+?)(?:-\d+)?\s+\d+\s+(\d+) ns/op`)

// measureStart measures how long it takes until the program takes requests.
func measureStart(ctx context.Context, b *bench) ([]table, error) {
	start := table{title: "Start", columns: []string{"what", "seconds"},
		note: "The program: from starting the process until it takes requests, the broker and the engine included, after it was stopped in order. The control log: reading a million events of 100,000 devices, from the log alone and from a snapshot with as many messages behind it as there ever are."}
	for _, devices := range []int{benchDevices, tenants.MaxDevices} {
		if b.quick && devices == tenants.MaxDevices {
			continue
		}
		o := programOptions{durability: "disk", devices: devices}
		p, err := startProgram(ctx, b.settings, o)
		if err != nil {
			return nil, err
		}
		p.stop() // in order, which leaves a snapshot
		if err := p.serve(ctx, b.settings, o); err != nil {
			return nil, err
		}
		start.rows = append(start.rows, []string{fmt.Sprintf("the program, %s devices", count(devices)), number(p.launched.Seconds())})
		progress("start with %d devices: %s", devices, p.launched.Round(time.Millisecond))
		p.close()
	}
	if b.quick {
		return []table{start}, nil
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkStart$", "-benchtime", "1x", "./tenants").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench BenchmarkStart ./tenants: %w: %s", err, out)
	}
	for _, found := range startLine.FindAllStringSubmatch(string(out), -1) {
		if nanoseconds, err := strconv.ParseFloat(found[2], 64); err == nil {
			start.rows = append(start.rows, []string{"the control log, 1,000,000 events: " + regexp.MustCompile("_").ReplaceAllString(found[1], " "), number(nanoseconds / 1e9)})
		}
	}
	return []table{start}, nil
}
