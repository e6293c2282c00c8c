package natsd

import (
	"errors"
	"fmt"
	"log/slog"
)

// bridge carries the server's log to slog. What the server notes about its ordinary life is left out: an operator reads
// this log for what needs doing.
type bridge struct {
	log   *slog.Logger
	fatal chan error // the first fatal message: the server goes on without what failed, we do not
}

func (b *bridge) Noticef(string, ...any) {}
func (b *bridge) Debugf(string, ...any)  {}
func (b *bridge) Tracef(string, ...any)  {}

func (b *bridge) Warnf(format string, v ...any) {
	b.log.Warn("nats server", slog.String("message", fmt.Sprintf(format, v...)))
}

func (b *bridge) Errorf(format string, v ...any) {
	b.log.Error("nats server", slog.String("message", fmt.Sprintf(format, v...)))
}

func (b *bridge) Fatalf(format string, v ...any) {
	message := fmt.Sprintf(format, v...)
	b.log.Error("nats server", slog.String("message", message), slog.Bool("fatal", true))
	select {
	case b.fatal <- errors.New(message):
	default: // the first cause is the one to report
	}
}
