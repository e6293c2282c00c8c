package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrStart is returned when the server cannot be started; the wrapped cause is for the operator.
var ErrStart = errors.New("the embedded NATS server did not start")

// ErrUnhealthy is returned by Healthy.
var ErrUnhealthy = errors.New("the embedded NATS server is not healthy")

const (
	// healthDeadline is what a readiness probe can afford to wait.
	healthDeadline = 2 * time.Second
	// syncInterval is the default of Options.SyncInterval.
	syncInterval = 100 * time.Millisecond
	// maxMemoryStore bounds streams in memory; we have none of size, so this only stops an accident.
	maxMemoryStore = 256 << 20
	// reconnectWait is how often a connection tries to get to a server that is being restarted: it costs a pipe.
	reconnectWait = 100 * time.Millisecond
	// maxPayload bounds one message; ingest groups packets well below it.
	maxPayload = 1 << 20
)

// Options says where and how the server keeps its messages.
type Options struct {
	Dir        string // where JetStream keeps its files; made when missing
	SyncAlways bool   // an acknowledgement waits for the disk
	// SyncInterval bounds what a power cut can take when SyncAlways is off; 0 means 100 ms, which cost nothing that could be measured.
	SyncInterval time.Duration
	MaxStore     int64        // bytes that all streams may reserve together; 0 lets the server take three quarters of the free disk
	Log          *slog.Logger // receives the server's warnings and errors
	// Disk tells what is free on the disk that holds a directory; nil asks the operating system.
	Disk func(dir string) (Disk, error)
}

func (o Options) validate() error {
	switch {
	case o.Dir == "":
		return errors.New("option Dir is empty")
	case o.MaxStore < 0 || o.SyncInterval < 0:
		return errors.New("option MaxStore or SyncInterval is negative")
	case o.Log == nil:
		return errors.New("option Log is nil")
	}
	return nil
}

// Server is a running NATS server. Make it with Start.
type Server struct {
	o      Options
	logs   *bridge
	health *nats.Conn // its own, so that a flood on the others does not make the probe lie
	js     jetstream.JetStream
	stop   context.CancelFunc
	guards sync.WaitGroup

	room     atomic.Pointer[noRoom] // nil while there is room
	restarts atomic.Uint64

	mu      sync.Mutex // guards what follows, and lets only one start or stop at a time
	nats    *server.Server
	staged  []string // streams whose batches are made in memory
	staging *os.File // locks that memory; nil while there is none
	closed  bool

	current atomic.Pointer[server.Server] // what connections go to; nil while there is none
}

// Start runs a server over the files in o.Dir and returns when it is ready. It returns ErrStart, wrapping the cause, when
// the options are wrong, the directory cannot be used, or ctx ended first.
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	if o.Disk == nil {
		o.Disk = diskOf
	}
	if o.SyncInterval == 0 {
		o.SyncInterval = syncInterval
	}
	s := &Server{o: o, logs: &bridge{log: o.Log, fatal: make(chan string, 1)}}
	if err := s.launch(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	if err := s.openHealth(ctx); err != nil {
		s.halt()
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	s.lookAtDisk()
	running, stop := context.WithCancel(context.Background()) // outlives the call that starts; ended by Close
	s.stop = stop
	s.guards.Go(func() { s.guard(running) })
	return s, nil
}

func settings(o Options) *server.Options {
	return &server.Options{
		ServerName:             "longwave",
		DontListen:             true,
		NoSigs:                 true, // signals are the program's own business
		JetStream:              true,
		StoreDir:               o.Dir,
		SyncAlways:             o.SyncAlways,
		SyncInterval:           o.SyncInterval,
		JetStreamMaxStore:      o.MaxStore,
		JetStreamMaxMemory:     maxMemoryStore,
		MaxPayload:             maxPayload,
		DisableJetStreamBanner: true,
	}
}

// launch makes a server and waits until it is ready, even when ctx ends first: a server that is stopped while it starts
// goes on making files behind its stopper's back. The server's own Start returns without an error even when JetStream
// failed; only its log tells, which is why the bridge hands over what was fatal.
func (s *Server) launch(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ns, err := server.NewServer(settings(s.o))
	if err != nil {
		return err
	}
	ns.SetLogger(s.logs, false, false)
	s.logs.reset()
	s.nats = ns
	ns.Start() // blocks until streams are restored; without a listener it does not stay to accept connections
	select {
	case message := <-s.logs.fatal:
		err = errors.New(message)
	default:
		err = ctx.Err()
	}
	if err != nil {
		s.halt()
		return err
	}
	s.stage()
	s.current.Store(ns)
	return nil
}

// halt stops the server and waits until all of its goroutines are gone.
func (s *Server) halt() {
	s.current.Store(nil)
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	s.unstage()
}

func (s *Server) openHealth(ctx context.Context) (err error) {
	if s.health, err = s.Connect("health"); err != nil {
		return err
	}
	if s.js, err = jetstream.New(s.health, jetstream.WithDefaultTimeout(healthDeadline)); err != nil {
		return err
	}
	if err := s.openCanary(ctx); err != nil {
		return err
	}
	return s.Healthy()
}

// InProcessConn opens the pipe to whatever server runs now. It makes a Server what the client library asks for connections
// within the process, first and after each restart.
func (s *Server) InProcessConn() (net.Conn, error) {
	if ns := s.current.Load(); ns != nil {
		return ns.InProcessConn()
	}
	return nil, errors.New("the embedded NATS server does not run")
}

// Connect opens a connection within the process. Its name appears in the server's reports. The caller closes it. It fails
// only when the server is stopped. The connection outlives a Restart of the server. Nothing is buffered while it is away: a
// publish then fails at once.
func (s *Server) Connect(name string) (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.Name(name), nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectWait/4, reconnectWait/4),
		nats.ReconnectBufSize(-1), nats.ErrorHandler(s.complain))
	if err != nil {
		return nil, fmt.Errorf("connect %s to the embedded NATS server: %w", name, err)
	}
	return nc, nil
}

// complain logs what the client library reports on the side. A full prefetch buffer is no news: what did not fit is asked
// for again by whoever reads a stream in order.
func (s *Server) complain(_ *nats.Conn, _ *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) {
		s.o.Log.Debug("NATS client", "error", err)
		return
	}
	s.o.Log.Warn("NATS client", "error", err)
}

// Healthy asks JetStream for its account and returns ErrUnhealthy when the answer does not come in two seconds.
func (s *Server) Healthy() error {
	ctx, cancel := context.WithTimeout(context.Background(), healthDeadline)
	defer cancel()
	if _, err := s.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnhealthy, err)
	}
	return nil
}

// Close stops the server and returns when it is down. When ctx ends first it returns the context's error; the server goes
// on stopping.
func (s *Server) Close(ctx context.Context) error {
	s.stop()
	done := make(chan struct{})
	go func() { // ends when the server has stopped
		defer close(done)
		s.guards.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			s.closed = true
			s.health.Close()
			s.halt()
		}
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the embedded NATS server: %w", ctx.Err())
	}
}
