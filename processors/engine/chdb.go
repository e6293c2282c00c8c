package engine

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// connHandle is libchdb's chdb_connection*: closing takes it, every other call takes what it points to.
type connHandle = *unsafe.Pointer

// chdb is the part of libchdb's C interface that is used here; the parameters are the library's. Its functions block
// the calling thread, and those on one connection must be called one after the other.
type chdb struct {
	connect     func(argc int32, argv **byte) connHandle
	close       func(connHandle)
	query       func(conn unsafe.Pointer, sql *byte, sqlLen uintptr, format *byte, formatLen uintptr, names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, n uintptr) unsafe.Pointer
	stream      func(conn unsafe.Pointer, sql *byte, sqlLen uintptr, format *byte, formatLen uintptr, names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, n uintptr) unsafe.Pointer
	fetch       func(conn, stream unsafe.Pointer) unsafe.Pointer
	cancel      func(conn, stream unsafe.Pointer)
	destroy     func(result unsafe.Pointer)
	resultError func(result unsafe.Pointer) *byte
	resultData  func(result unsafe.Pointer) *byte
	resultLen   func(result unsafe.Pointer) uintptr
	setSignals  func(enabled int32)
}

// loadLibrary maps the library and resolves what is used of it, or says which function it lacks.
func loadLibrary(path string) (*chdb, error) {
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("%w: %s cannot be loaded: %w", ErrNoLibrary, path, err)
	}
	c := new(chdb)
	for name, fn := range map[string]any{
		"chdb_connect":                     &c.connect,
		"chdb_close_conn":                  &c.close,
		"chdb_query_with_params_n":         &c.query,
		"chdb_stream_query_with_params_n":  &c.stream,
		"chdb_stream_fetch_result":         &c.fetch,
		"chdb_stream_cancel_query":         &c.cancel,
		"chdb_destroy_query_result":        &c.destroy,
		"chdb_result_error":                &c.resultError,
		"chdb_result_buffer":               &c.resultData,
		"chdb_result_length":               &c.resultLen,
		"chdb_set_signal_handlers_enabled": &c.setSignals,
	} {
		symbol, err := purego.Dlsym(lib, name)
		if err != nil {
			return nil, fmt.Errorf("%w: %s is too old or too new, it lacks %s", ErrNoLibrary, path, name)
		}
		purego.RegisterFunc(fn, symbol)
	}
	return c, nil
}

var errConnect = errors.New("libchdb refused to open the data directory")

// open makes a session on the engine; the first one of the process starts the engine with these arguments.
func (c *chdb) open(args ...string) (*session, error) {
	argv := make([]*byte, 0, len(args)+2)
	for _, a := range append([]string{"clickhouse"}, args...) {
		argv = append(argv, unsafe.SliceData(append([]byte(a), 0)))
	}
	conn := c.connect(int32(len(argv)), unsafe.SliceData(append(argv, nil)))
	runtime.KeepAlive(argv)
	if conn == nil {
		return nil, errConnect
	}
	return &session{lib: c, conn: conn}, nil
}

// statement is one SQL text with the values of its {name:Type} parameters.
type statement struct {
	sql    string
	format string // for a statement that names none itself
	params []pair
}

type pair struct{ name, value string }

// session is one connection inside the engine: it carries settings, a current database and one statement at a time.
type session struct {
	lib  *chdb
	conn connHandle
}

func (s *session) close() { s.lib.close(s.conn) }

// exec runs a statement to its end and returns its whole result.
func (s *session) exec(st statement) ([]byte, error) {
	a := marshal(st.params)
	r := s.lib.query(*s.conn, unsafe.StringData(st.sql), uintptr(len(st.sql)), unsafe.StringData(st.format), uintptr(len(st.format)),
		a.names, a.nameLens, a.values, a.valueLens, uintptr(len(st.params)))
	runtime.KeepAlive(a)
	runtime.KeepAlive(st)
	if r == nil {
		return nil, errNoResult
	}
	defer s.lib.destroy(r)
	if err := s.lib.err(r); err != nil {
		return nil, err
	}
	return append([]byte(nil), s.lib.data(r)...), nil
}

// stream starts a statement whose result is fetched piece by piece; it returns errNoStream for one that has none.
func (s *session) stream(st statement) (*stream, error) {
	a := marshal(st.params)
	r := s.lib.stream(*s.conn, unsafe.StringData(st.sql), uintptr(len(st.sql)), unsafe.StringData(st.format), uintptr(len(st.format)),
		a.names, a.nameLens, a.values, a.valueLens, uintptr(len(st.params)))
	runtime.KeepAlive(a)
	runtime.KeepAlive(st)
	if r == nil {
		return nil, errNoResult
	}
	if err := s.lib.err(r); err != nil {
		s.lib.destroy(r)
		if strings.HasPrefix(err.Error(), notStreamable) {
			return nil, errNoStream
		}
		return nil, err
	}
	return &stream{session: s, handle: r}, nil
}

const (
	notStreamable = "Code: 36. DB::Exception: Streaming query is not supported"
	// streamOver is what fetching answers once a format with a footer has written it.
	streamOver = "No active streaming query"
)

var (
	errNoStream = errors.New("statement has no result to stream")
	errNoResult = errors.New("libchdb gave neither a result nor an error")
)

// stream is a result under way. Its chunks are valid until the next call.
type stream struct {
	session *session
	handle  unsafe.Pointer
	chunk   unsafe.Pointer
	over    bool
}

// next returns the next piece, nil at the end, or the error that ended the statement.
func (t *stream) next() ([]byte, error) {
	t.release()
	if t.over {
		return nil, nil
	}
	lib := t.session.lib
	t.chunk = lib.fetch(*t.session.conn, t.handle)
	if t.chunk == nil {
		t.over = true
		return nil, errNoResult
	}
	if err := lib.err(t.chunk); err != nil {
		t.over = true
		if err.Error() == streamOver {
			return nil, nil
		}
		return nil, err
	}
	data := lib.data(t.chunk)
	t.over = len(data) == 0
	return data, nil
}

func (t *stream) release() {
	if t.chunk != nil {
		t.session.lib.destroy(t.chunk)
		t.chunk = nil
	}
}

// close ends the statement if it is still running, and frees it.
func (t *stream) close() {
	t.release()
	if !t.over {
		t.session.lib.cancel(*t.session.conn, t.handle)
	}
	t.session.lib.destroy(t.handle)
}

func (c *chdb) err(result unsafe.Pointer) error {
	if p := c.resultError(result); p != nil {
		return exception(cString(p))
	}
	return nil
}

func (c *chdb) data(result unsafe.Pointer) []byte {
	n := c.resultLen(result)
	if n == 0 {
		return nil
	}
	return unsafe.Slice(c.resultData(result), n)
}

func cString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// cParams are parameters in the shape in which C takes them; it keeps what it points to alive.
type cParams struct {
	names, values       **byte
	nameLens, valueLens *uintptr
	params              []pair
}

func marshal(params []pair) *cParams {
	a := &cParams{params: params}
	if len(params) == 0 {
		return a
	}
	names, values := make([]*byte, len(params)), make([]*byte, len(params))
	nameLens, valueLens := make([]uintptr, len(params)), make([]uintptr, len(params))
	for i, p := range params {
		// A copy with a final zero, because an empty Go string may have no address at all.
		names[i] = unsafe.SliceData(append([]byte(p.name), 0))
		values[i] = unsafe.SliceData(append([]byte(p.value), 0))
		nameLens[i], valueLens[i] = uintptr(len(p.name)), uintptr(len(p.value))
	}
	a.names, a.nameLens = unsafe.SliceData(names), unsafe.SliceData(nameLens)
	a.values, a.valueLens = unsafe.SliceData(values), unsafe.SliceData(valueLens)
	return a
}
