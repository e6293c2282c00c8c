package migrations

import "strings"

// split cuts a file into its statements at the semicolons that stand outside comments and quotes. Comments are dropped:
// not every way to ClickHouse accepts a statement that begins with one.
func split(text string) []string {
	var statements []string
	var current strings.Builder
	finish := func() {
		if s := strings.TrimSpace(current.String()); s != "" {
			statements = append(statements, s)
		}
		current.Reset()
	}
	for len(text) > 0 {
		n, keep := token(text)
		switch {
		case text[:n] == ";":
			finish()
		case keep:
			current.WriteString(text[:n])
		default:
			current.WriteByte(' ')
		}
		text = text[n:]
	}
	finish()
	return statements
}

// token measures what stands at the beginning of text: a comment (not to be kept), a quoted thing, or one byte.
func token(text string) (length int, keep bool) {
	switch {
	case strings.HasPrefix(text, "--"):
		return until(text, "\n"), false
	case strings.HasPrefix(text, "/*"):
		return until(text, "*/"), false
	case text[0] == '\'' || text[0] == '"' || text[0] == '`':
		return quoted(text), true
	}
	return 1, true
}

func until(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

// quoted measures a quoted string or name, with \-escapes; a doubled quote is simply two quoted things in a row.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[0]:
			return i + 1
		}
	}
	return len(text)
}
