package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoRoom is returned by Room.
var ErrNoRoom = errors.New("the disk of the queues is nearly full")

const (
	// lowShare and lowBytes, whichever is less, are the free space below which there is no room: what the tables need to
	// merge, and far more than arrives between two looks. A disk that runs full breaks every stream that writes to it.
	lowShare = 0.05
	lowBytes = 1 << 30
	// enough times that much is room again; in between nothing changes, so that the answer does not flicker.
	enough = 1.25
	// lookInterval is a tenth of what recovery may take.
	lookInterval = time.Second
	// canaryInterval is seldom enough to cost nothing: a stream that failed to write tells of itself at once.
	canaryInterval = 5 * time.Second
	canaryDeadline = 5 * time.Second
	canaryMade     = time.Minute // with its stream: the first write to a disk that restores others at the same time
	canaryTries    = 3           // in a row: one may meet a disk that is only slow
	// restartPause grows twofold up to the longest while restarts do not help: packets are to be accepted again within ten
	// seconds of the moment when one would.
	restartPause    = time.Second
	maxRestartPause = 4 * time.Second
)

// canaryStream holds one message, the newest canary.
const (
	canaryStream  = "CANARY"
	canarySubject = "canary.write"
)

// Disk is the size of a disk and what is free on it, in bytes.
type Disk struct{ Free, Total uint64 }

func diskOf(dir string) (Disk, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return Disk{}, err
	}
	size := uint64(stat.Bsize)
	return Disk{Free: stat.Bavail * size, Total: stat.Blocks * size}, nil
}

// low is the free space below which there is no room.
func (d Disk) low() float64 { return min(float64(d.Total)*lowShare, lowBytes) }

type noRoom struct{ err error }

// Room returns nil while there is room for packets on the disk, and ErrNoRoom, with figures for the operator, while they
// are to be refused. It costs nothing: the disk is looked at once a second.
func (s *Server) Room() error {
	if full := s.room.Load(); full != nil {
		return full.err
	}
	return nil
}

// Restarts counts how often the server was started again because it could not write any more.
func (s *Server) Restarts() uint64 { return s.restarts.Load() }

// lookAtDisk sets what Room says. A disk that cannot be asked is taken for one with room: JetStream has limits of its own.
func (s *Server) lookAtDisk() {
	disk, err := s.o.Disk(s.o.Dir)
	if err != nil {
		s.o.Log.Warn("the free space of the disk is not known", slog.Any("error", err))
		return
	}
	before := s.room.Load()
	switch {
	case float64(disk.Free) < disk.low():
		s.room.Store(&noRoom{fmt.Errorf("%w: %d MiB are free of %d, at least %.0f are kept", ErrNoRoom, disk.Free>>20, disk.Total>>20, disk.low()/(1<<20))})
		if before == nil {
			s.o.Log.Error("the disk is nearly full; packets are refused", slog.Uint64("free_bytes", disk.Free))
		}
	case before != nil && float64(disk.Free) >= enough*disk.low():
		s.room.Store(nil)
		s.o.Log.Info("there is room on the disk again", slog.Uint64("free_bytes", disk.Free))
	}
}

// guard looks after the disk and the server until ctx ends.
func (s *Server) guard(ctx context.Context) {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	pause, next, canary := restartPause, time.Now(), time.Now()
	silent := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		s.lookAtDisk()
		if now := time.Now(); now.Sub(canary) >= canaryInterval {
			canary = now
			silent = s.sing(ctx, silent)
		}
		if s.broken(silent) == "" {
			pause = restartPause
			continue
		}
		if s.Room() != nil || time.Now().Before(next) { // without room it would break again
			continue
		}
		s.mend(ctx, silent)
		silent = 0
		next = time.Now().Add(pause)
		pause = min(2*pause, maxRestartPause)
	}
}

// mend starts the server again if it still has to be: while somebody else does, it looks as if it did not run, and a
// second start behind the first would tear down what has only just come up.
func (s *Server) mend(ctx context.Context, silent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cause := s.broken(silent)
	if cause == "" || ctx.Err() != nil {
		return
	}
	s.o.Log.Error("the queues cannot be written; the NATS server is started again", slog.String("cause", cause))
	if err := s.restart(ctx); err != nil {
		s.o.Log.Error("the NATS server was not started again", slog.Any("error", err))
	}
}

// sing writes a canary and returns how many in a row got no answer.
func (s *Server) sing(ctx context.Context, silent int) int {
	ctx, cancel := context.WithTimeout(ctx, canaryDeadline)
	defer cancel()
	_, err := s.js.Publish(ctx, canarySubject, []byte("alive"), jetstream.WithRetryAttempts(0))
	if err == nil {
		return 0
	}
	return silent + 1
}

// broken tells why the server has to be started again; empty when it has not.
func (s *Server) broken(silent int) string {
	if failed := s.logs.failed.Load(); failed != nil {
		return *failed
	}
	ns := s.current.Load()
	if ns == nil {
		return "it does not run"
	}
	if health := ns.Healthz(&server.HealthzOptions{}); strings.Contains(health.Error, "write error") {
		return health.Error // anything else is not mended by a start
	}
	if silent >= canaryTries {
		return "it does not confirm what is written"
	}
	return ""
}

// Restart stops the server and starts it over the same files. Connections made by Connect find the new one by themselves,
// and with it everything that is built upon them; what was on its way is lost, as with any connection that breaks. It
// returns ErrStart when the server does not come up, and then there is none until the guard has started it. Streams that
// have to be read block by block take as long as they take: giving up on them would only begin it anew.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restart(ctx)
}

// restart is Restart. The lock is held.
func (s *Server) restart(ctx context.Context) error {
	if s.closed {
		return fmt.Errorf("%w: it was closed", ErrStart)
	}
	s.restarts.Add(1)
	s.halt()
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrStart, err)
	}
	return nil
}

// openCanary makes the stream that shows whether JetStream writes.
func (s *Server) openCanary(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, canaryMade)
	defer cancel()
	_, err := s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: canaryStream, Subjects: []string{canarySubject}, Storage: jetstream.FileStorage,
		MaxMsgs: 1, MaxBytes: 64 << 10, Discard: jetstream.DiscardOld,
	})
	return err
}
