package engine

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// server speaks ClickHouse's HTTP interface for a database.
type server struct {
	db             *database
	writer, reader string // passwords

	// gate is held for reading by every request, and for writing by the end of serving.
	gate sync.RWMutex
}

// ServeHTTP answers one statement, or /ping.
func (v *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !v.gate.TryRLock() {
		fail(w, refuse(codeTooMany, "The engine is being stopped. (TOO_MANY_SIMULTANEOUS_QUERIES)"))
		return
	}
	defer v.gate.RUnlock()
	if r.URL.Path == "/ping" {
		_, _ = io.WriteString(w, "Ok.\n")
		return
	}
	reader, err := v.account(r)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream") // in whatever format; never guessed from the data
	// Only while the body is read: afterwards a reading server waits for nothing but the client's leaving.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	q, err := parseRequest(r)
	if err != nil {
		fail(w, err)
		return
	}
	if q.insert == nil {
		_ = control.SetReadDeadline(time.Time{})
	}
	q.reader = reader || r.Method == http.MethodGet
	if err := v.answer(w, r, q); err != nil {
		fail(w, err)
	}
}

// account tells a reader from a writer, and both from a stranger.
func (v *server) account(r *http.Request) (reader bool, err error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		user, password = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	}
	if user == "" {
		user, password = r.URL.Query().Get("user"), r.URL.Query().Get("password")
	}
	switch {
	case user == userWriter && same(password, v.writer):
		return false, nil
	case user == userReader && same(password, v.reader):
		return true, nil
	}
	return false, refuse(codeAuth, "Authentication failed: password is incorrect, or there is no such user. (AUTHENTICATION_FAILED)")
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// answer runs the request. It returns the error of a request that has not been answered at all.
func (v *server) answer(w http.ResponseWriter, r *http.Request, q *request) error {
	if !q.hello { // whoever connects waits for its first statement, not before
		release, err := v.db.slot(r.Context(), q)
		if err != nil {
			return err
		}
		defer release()
	}
	label := v.db.label()
	s, err := v.db.begin(q, label)
	if err != nil {
		return err
	}
	defer s.close()
	switch {
	case q.hello:
		_, _ = w.Write(v.db.hello)
		return nil
	case q.insert != nil:
		return v.insert(w, r, s, q, label)
	}
	defer v.db.cancelOn(r.Context(), label)()
	t, err := s.stream(q.statement)
	if errors.Is(err, errNoStream) {
		return whole(w, s, q)
	}
	if err != nil {
		return err
	}
	defer t.close()
	return flow(r.Context(), w, t)
}

// insert takes the data and then runs the insert; only from then on can the statement be cancelled.
func (v *server) insert(w http.ResponseWriter, r *http.Request, s *session, q *request, label string) error {
	data, err := v.db.take(q.body)
	if err != nil {
		return err
	}
	defer data.remove()
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	defer v.db.cancelOn(r.Context(), label)()
	_, err = s.exec(statement{sql: q.insert.from(data.path), format: "Null", params: q.params})
	return err
}

// whole answers a statement that the engine does not stream: all but SELECT; their results are small.
func whole(w http.ResponseWriter, s *session, q *request) error {
	out, err := s.exec(q.statement)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	_, _ = w.Write(out)
	return nil
}

// flow passes a result on as it comes. It returns an error of the first piece, when the answer can still say so; a
// later one is written into the answer in ClickHouse's frame, and the connection is broken so that no client can take
// what it has for everything.
func flow(ctx context.Context, w http.ResponseWriter, t *stream) error {
	chunk, err := t.next()
	if err != nil {
		return err
	}
	tag := rand.Text()[:16]
	w.Header().Set("X-ClickHouse-Exception-Tag", tag)
	if len(chunk) == 0 {
		w.Header().Set("Content-Length", "0")
		return nil
	}
	control := http.NewResponseController(w)
	// A client that does not read must not delay the end of a request that is over.
	defer context.AfterFunc(ctx, func() { _ = control.SetWriteDeadline(time.Now()) })()
	for len(chunk) > 0 {
		if ctx.Err() == nil {
			_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		}
		if _, err := w.Write(chunk); err != nil {
			panic(http.ErrAbortHandler) // the client is gone, or reads nothing; closing the stream ends the statement
		}
		if chunk, err = t.next(); err != nil {
			_, _ = io.WriteString(w, asException(err).frame(tag))
			_ = control.Flush()
			panic(http.ErrAbortHandler)
		}
	}
	return nil
}

// fail answers with an exception of ClickHouse.
func fail(w http.ResponseWriter, err error) {
	e := asException(err)
	w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.code()))
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.WriteHeader(e.status())
	_, _ = io.WriteString(w, string(e)+"\n")
}
