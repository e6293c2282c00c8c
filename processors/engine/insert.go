package engine

import (
	"bytes"
	"strings"
)

// insertHead is an INSERT that ends in FORMAT, cut where the engine wants the data's place to be named.
type insertHead struct {
	target   string // INSERT INTO t (a, b)
	settings string // SETTINGS …, or empty
	format   string
	data     []byte // what follows the statement in the same text
}

// splitInsert cuts "INSERT INTO … FORMAT Name<data>" apart, and says no to any other text. The engine's own splitter
// would look for the statement's end inside the data, which may be binary.
func splitInsert(text []byte) (insertHead, bool) {
	s := scanner{text: text}
	if word, _ := s.word(); !strings.EqualFold(word, "INSERT") {
		return insertHead{}, false
	}
	settingsAt := -1
	for {
		word, at := s.word()
		switch strings.ToUpper(word) {
		case "", "SELECT", "VALUES", "WITH", "WATCH", "INFILE":
			return insertHead{}, false
		case "SETTINGS":
			settingsAt = at
		case "FORMAT":
			name, _ := s.word()
			if name == "" {
				return insertHead{}, false
			}
			h := insertHead{target: string(text[:at]), format: name, data: afterFormat(text[s.pos:])}
			if settingsAt >= 0 {
				h.target, h.settings = string(text[:settingsAt]), string(text[settingsAt:at])
			}
			return h, true
		}
	}
}

// from is the same INSERT with its data in a file.
func (h insertHead) from(path string) string {
	return h.target + " FROM INFILE " + quote(path) + " COMPRESSION 'none' " + h.settings + " FORMAT " + h.format
}

// afterFormat drops what separates a statement from its data: blanks, and at most one line end.
func afterFormat(b []byte) []byte {
	b = bytes.TrimLeft(b, " \t\r")
	if len(b) > 0 && b[0] == ';' {
		b = bytes.TrimLeft(b[1:], " \t\r")
	}
	return bytes.TrimPrefix(b, []byte("\n"))
}

// scanner walks over the words of a statement that stand outside quotes, comments and brackets.
type scanner struct {
	text []byte
	pos  int
}

// word returns the next word and where it begins, or "" at the end.
func (s *scanner) word() (string, int) {
	depth := 0
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '\'' || c == '"' || c == '`':
			s.skipQuoted(c)
		case c == '(':
			depth++
			s.pos++
		case c == ')':
			depth--
			s.pos++
		case bytes.HasPrefix(s.text[s.pos:], []byte("--")):
			s.skipTo("\n")
		case bytes.HasPrefix(s.text[s.pos:], []byte("/*")):
			s.skipTo("*/")
		case isWordByte(c):
			at := s.pos
			for s.pos < len(s.text) && isWordByte(s.text[s.pos]) {
				s.pos++
			}
			if depth == 0 {
				return string(s.text[at:s.pos]), at
			}
		default:
			s.pos++
		}
	}
	return "", s.pos
}

func (s *scanner) skipQuoted(q byte) {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\\':
			s.pos++
		case q:
			s.pos++
			return
		}
	}
}

func (s *scanner) skipTo(end string) {
	i := bytes.Index(s.text[s.pos:], []byte(end))
	if i < 0 {
		s.pos = len(s.text)
		return
	}
	s.pos += i + len(end)
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quote writes a string literal, quoteName an identifier.
func quote(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
func quoteName(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}
