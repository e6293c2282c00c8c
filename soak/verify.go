package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// verified are the lines of the program's own verification that end with how much was looked at and what of it is wrong.
var verified = regexp.MustCompile(`(?m)^(control log|files of ClickHouse|rollups against readings)\s+(\d+)\s+(\d+)$`)

// verify stops the program and lets it compare what it keeps: the control log with its hashes, files with their
// checksums, and every window that was rolled up, its count included, with the readings that lie in it.
func (r *rig) verify(ctx context.Context, v *verdict) error {
	if err := r.process.stop(); err != nil {
		return err
	}
	argv := append([]string{"verify", "--data", r.data, "--engine-library", r.settings.library}, r.outside...)
	command := exec.CommandContext(ctx, r.settings.binary, argv...)
	command.Stderr = r.log
	out, err := command.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1 says that something is wrong
		return fmt.Errorf("verify: %w", err)
	}
	return v.read(out)
}

// read takes over what verify printed.
func (v *verdict) read(table []byte) error {
	lines := verified.FindAllSubmatch(table, -1)
	if len(lines) != 3 {
		return fmt.Errorf("verify answered %q", table[:min(len(table), 2000)])
	}
	for _, line := range lines {
		looked, _ := strconv.Atoi(string(line[2])) // digits, as the pattern says
		wrong, _ := strconv.Atoi(string(line[3]))
		if bytes.HasPrefix(line[1], []byte("rollups")) {
			v.windows = looked
		}
		v.unverified += wrong
	}
	return nil
}
