package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// database is the engine inside the child: it opens a session per request, which takes a tenth of a millisecond and
// leaves no setting behind for the next one.
type database struct {
	lib    *chdb
	args   []string
	keep   *session // the engine lives as long as one session is open
	hello  []byte
	memory int64
	spool  string // directory for insert data, where it cannot be kept in memory
	serial atomic.Int64

	inserts, reads chan struct{}
}

// openDatabase starts the engine in this process.
func openDatabase(lib *chdb, c childConfig) (*database, error) {
	d := &database{
		lib: lib, memory: c.MemoryLimit, spool: c.dataDir(),
		args:    []string{"--path=" + c.dataDir(), "--config-file=" + c.configFile()},
		inserts: make(chan struct{}, insertSlots), reads: make(chan struct{}, readSlots),
	}
	// Its own handlers would keep a crashed process around for minutes; here a crash must be noticed at once.
	lib.setSignals(0)
	var err error
	if d.keep, err = lib.open(d.args...); err != nil {
		return nil, err
	}
	d.hello, err = helloBlock(d.keep)
	return d, err
}

func (d *database) close() { d.keep.close() }

// slot takes one of the bounded places for the request, or gives up with the client.
func (d *database) slot(ctx context.Context, q *request) (release func(), err error) {
	slots := d.reads
	if q.writes() {
		slots = d.inserts
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, refuse(codeTooMany, "The client left while it waited for its turn. (TOO_MANY_SIMULTANEOUS_QUERIES)")
	}
}

// begin opens a session with the request's database and settings. The label finds its statement again, see cancelOn.
func (d *database) begin(q *request, label string) (*session, error) {
	s, err := d.lib.open(d.args...)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(s, q, label); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// prepare gives the session the request's database and settings; the later of two values for one setting counts.
func (d *database) prepare(s *session, q *request, label string) error {
	if q.database != "" {
		if _, err := s.exec(statement{sql: "USE " + quoteName(q.database), format: "Null"}); err != nil {
			return err
		}
	}
	set := append([]pair{
		{"max_execution_time", strconv.Itoa(int(maxExecution / time.Second))},
		{"max_memory_usage", strconv.FormatInt(d.memory/memoryShare, 10)},
	}, q.settings...)
	// An asynchronous insert would be answered before its rows are in their table, if a client asked for that.
	set = append(set, pair{"async_insert", "0"}, pair{"log_comment", label})
	if q.reader {
		set = append(set, pair{"readonly", "1"}) // cannot be unset, and forbids every later SET
	}
	parts := make([]string, len(set))
	for i, p := range set {
		parts[i] = p.name + "=" + quote(p.value)
	}
	_, err := s.exec(statement{sql: "SET " + strings.Join(parts, ", "), format: "Null"})
	return err
}

// cancelOn cancels the labelled statement once ctx is done, until stop is called; stop returns when that is over.
func (d *database) cancelOn(ctx context.Context, label string) (stop func()) {
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		for {
			d.kill(label)
			select {
			case <-ended:
				return
			case <-time.After(killInterval):
			}
		}
	}()
	return func() { close(ended); <-stopped }
}

func (d *database) kill(label string) {
	s, err := d.lib.open(d.args...)
	if err != nil {
		return // without the engine there is no statement either
	}
	defer s.close()
	// An error here means that the statement has just ended; the next attempt, if there is one, tells.
	_, _ = s.exec(statement{sql: "KILL QUERY WHERE Settings['log_comment']=" + quote(label) + " ASYNC", format: "Null"})
}

// label names one statement of this process.
func (d *database) label() string { return fmt.Sprintf("request-%d", d.serial.Add(1)) }

// spooled is the data of an insert, completely here, at a path that the engine can open.
type spooled struct {
	file *os.File
	path string
}

func (p *spooled) remove() {
	_ = p.file.Close()
	if p.path == p.file.Name() {
		_ = os.Remove(p.path)
	}
}

// take reads the data of an insert to its end, or refuses it when it does not arrive or is too much.
func (d *database) take(body io.Reader) (*spooled, error) {
	file, path, err := newSpool(d.spool)
	if err != nil {
		return nil, err
	}
	data := &spooled{file, path}
	n, err := io.Copy(file, io.LimitReader(body, maxInsert+1))
	switch {
	case err != nil:
		err = fmt.Errorf("the data of the insert did not arrive completely: %w", err)
	case n > maxInsert:
		err = refuse(codeTooLarge, "The data of one insert is limited to "+strconv.Itoa(maxInsert)+" bytes. (TOO_MANY_BYTES)")
	}
	if err != nil {
		data.remove()
		return nil, err
	}
	return data, nil
}
