package natsd

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// bridge carries the server's log to slog. What the server notes about its ordinary life is left out: an operator reads
// this log for what needs doing.
type bridge struct {
	log   *slog.Logger
	fatal chan string // the first fatal message: the server goes on without what failed, we do not
	// failed is the first write error of a stream or consumer since the server started. After one the server refuses every
	// further write there until it is started again, and says so nowhere but in its log.
	failed atomic.Pointer[string]
}

const (
	// writeFailed stands, in one case or the other, in each message of the server about such an error.
	writeFailed = "ritical write error"
	// stagingPath stands in those about a batch in the making, which is given up and breaks nothing else.
	stagingPath = "/" + stagingName + "/"
)

// reset forgets what an earlier server said.
func (b *bridge) reset() {
	b.failed.Store(nil)
	for len(b.fatal) > 0 { // nobody reads it meanwhile
		<-b.fatal
	}
}

func (b *bridge) Noticef(string, ...any) {}
func (b *bridge) Debugf(string, ...any)  {}
func (b *bridge) Tracef(string, ...any)  {}

func (b *bridge) Warnf(format string, v ...any) {
	b.log.Warn("nats server", slog.String("message", fmt.Sprintf(format, v...)))
}

func (b *bridge) Errorf(format string, v ...any) {
	message := fmt.Sprintf(format, v...)
	if strings.Contains(message, writeFailed) && !strings.Contains(message, stagingPath) {
		b.failed.CompareAndSwap(nil, &message)
	}
	b.log.Error("nats server", slog.String("message", message))
}

func (b *bridge) Fatalf(format string, v ...any) {
	message := fmt.Sprintf(format, v...)
	b.log.Error("nats server", slog.String("message", message), slog.Bool("fatal", true))
	select {
	case b.fatal <- message:
	default: // the first cause is the one to report
	}
}
