package engine

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"regexp"
	"sort"
	"strings"
)

// request is one HTTP request in ClickHouse's manner, understood.
type request struct {
	statement
	database string
	settings []pair
	reader   bool
	hello    bool
	insert   *insertHead
	body     io.Reader // data of the insert that has not been read yet
}

// notOffered are parameters of ClickHouse's HTTP interface that change what an answer means and are not built here.
// Ignoring one would be a lie, so it is refused.
var notOffered = map[string]string{
	"compress":          "use no compression: the engine is on this machine",
	"decompress":        "use no compression: the engine is on this machine",
	"session_id":        "every request has a session of its own",
	"wait_end_of_query": "answers are streamed, and broken off when they fail",
}

// passive are parameters that are read elsewhere or have no meaning on one machine.
var passive = map[string]bool{
	"query": true, "database": true, "default_format": true, "client_protocol_version": true, "query_id": true,
	"quota_key": true, "user": true, "password": true, "async_insert": true, "wait_for_async_insert": true, "log_comment": true,
	"readonly": true,
}

var settingName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// parseRequest understands a request, or says why not in ClickHouse's words.
func parseRequest(r *http.Request) (*request, error) {
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return nil, refuse(codeNotImplemented, "Content-Encoding "+enc+" is not offered: the engine is on this machine. (NOT_IMPLEMENTED)")
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, refuse(codeNotImplemented, "External tables are not offered. (NOT_IMPLEMENTED)")
	}
	q := &request{statement: statement{format: "TabSeparated"}}
	values := r.URL.Query()
	for name := range values {
		if err := q.parameter(name, values.Get(name)); err != nil {
			return nil, err
		}
	}
	sort.Slice(q.settings, func(i, j int) bool { return q.settings[i].name < q.settings[j].name })
	if err := q.readStatement(values.Get("query"), r.Body); err != nil {
		return nil, err
	}
	q.hello = q.sql == helloQuery && q.format == "Native" && values.Get("client_protocol_version") != ""
	return q, nil
}

func (q *request) parameter(name, value string) error {
	if why, ok := notOffered[name]; ok && value != "0" && value != "" {
		return refuse(codeNotImplemented, "Parameter "+name+" is not offered: "+why+". (NOT_IMPLEMENTED)")
	}
	param, isParam := strings.CutPrefix(name, "param_")
	switch {
	case name == "database":
		q.database = value
	case name == "default_format":
		q.format = value
	case isParam:
		q.params = append(q.params, pair{param, value})
	case passive[name] || notOffered[name] != "":
	case !settingName.MatchString(name):
		return refuse(codeUnknownSetting, "Unknown setting "+quoteName(name)+". (UNKNOWN_SETTING)")
	default:
		q.settings = append(q.settings, pair{name, value})
	}
	return nil
}

// readStatement takes the statement from the URL and the body, as ClickHouse does: both, with a line end between
// them. Behind INSERT … FORMAT Name the data begins, and is left in the body.
func (q *request) readStatement(fromURL string, body io.Reader) error {
	if fromURL != "" {
		body = io.MultiReader(strings.NewReader(fromURL+"\n"), body)
	}
	head := make([]byte, statementPeek)
	n, err := io.ReadFull(body, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse(codeFailure, "The request's body ended early. (UNKNOWN_EXCEPTION)")
	}
	head = head[:n]
	whole := err != nil
	if h, ok := splitInsert(head); ok && (len(h.data) > 0 || !whole) {
		q.insert, q.body = &h, io.MultiReader(bytes.NewReader(h.data), body)
		return nil
	}
	if !whole {
		rest, err := io.ReadAll(io.LimitReader(body, maxStatement))
		if err != nil {
			return refuse(codeFailure, "The request's body ended early. (UNKNOWN_EXCEPTION)")
		}
		if len(rest) == maxStatement {
			return refuse(codeTooLarge, "The statement is too long. (TOO_MANY_BYTES)")
		}
		head = append(head, rest...)
	}
	q.sql = strings.TrimSpace(string(head))
	if q.sql == "" {
		return refuse(codeSyntax, "Syntax error: Empty query. (SYNTAX_ERROR)")
	}
	return nil
}

// writes tells which slots the request takes.
func (q *request) writes() bool {
	if q.insert != nil {
		return true
	}
	s := scanner{text: []byte(q.sql)}
	word, _ := s.word()
	return strings.EqualFold(word, "INSERT")
}
