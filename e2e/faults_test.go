package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const senders = 8

func prepare(t *testing.T) (installation, *program, []device) {
	t.Helper()
	i := setup(t)
	p := start(t, i.data)
	var devices []device
	for n := range senders {
		devices = append(devices, p.register(i, fmt.Sprintf("pump-%d", n)))
	}
	return i, p, devices
}

// The whole process is killed under load, three times. Every packet that got a 200 is there afterwards, once.
func TestKilledProcessLosesNothing(t *testing.T) {
	i, p, devices := prepare(t)
	l := startLoad(p, devices, 5)
	for range 3 {
		l.acknowledged(t, 2_000)
		p.kill()
		p = start(t, i.data)
		l.base.Store(&p.base)
	}
	l.acknowledged(t, 1_000)
	l.stop()
	t.Logf("%d packets acknowledged over three kills", l.ledger.accepted.Load())
	l.ledger.compare(t, p, i, devices)
}

// The engine is killed under load, three times. Packets go on being acknowledged, and nothing is lost or doubled.
func TestKilledEngineLosesNothing(t *testing.T) {
	i, p, devices := prepare(t)
	l := startLoad(p, devices, 5)
	for range 3 {
		l.acknowledged(t, 1_000)
		pid := p.enginePID()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		l.acknowledged(t, 1_000)
		eventually(t, time.Minute, "a new engine", func() error {
			if status, body := p.call(http.MethodGet, "/readyz", "", ""); status != http.StatusOK {
				return fmt.Errorf("readyz %d: %s", status, body)
			}
			return nil
		})
	}
	l.stop()
	l.ledger.compare(t, p, i, devices)
}

// Ctrl-C under load: the program stops in order and by itself, and the next start shows all that was acknowledged.
func TestOrderlyStopLosesNothing(t *testing.T) {
	i, p, devices := prepare(t)
	l := startLoad(p, devices, 5)
	l.acknowledged(t, 2_000)
	if err := p.stop(); err != nil {
		t.Fatalf("stopping: %v\n%s", err, p.log)
	}
	l.stop()
	p = start(t, i.data)
	l.ledger.compare(t, p, i, devices)
}

// A person who presses Ctrl-C twice means it: the program ends at once, whatever hangs, and what was acknowledged is there
// at the next start.
func TestSecondInterruptForces(t *testing.T) {
	i, p, devices := prepare(t)
	l := startLoad(p, devices, 5)
	l.acknowledged(t, 1_000)
	if err := syscall.Kill(p.enginePID(), syscall.SIGSTOP); err != nil { // an engine that hangs holds up an orderly stop
		t.Fatal(err)
	}
	l.acknowledged(t, 1_000)
	l.stop()
	for range 2 {
		if err := p.command.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "the address is free: the program has begun to stop", func() error {
			if _, err := http.Get(p.base + "/livez"); err == nil {
				return errors.New("it still answers")
			}
			return nil
		})
	}
	var exit *exec.ExitError
	if err := p.gone(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Fatalf("it ended with %v\n%s", err, p.log)
	}
	p = start(t, i.data)
	l.ledger.compare(t, p, i, devices)
}
