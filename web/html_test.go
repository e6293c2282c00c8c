package web

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// document is a parsed page that can be asked by selectors: tag, #id, .class, [name] and [name=value], and blanks for
// "somewhere below".
type document struct{ root *html.Node }

func parsePage(t testing.TB, body string) document {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return document{root}
}

func (d document) all(selector string) []*html.Node {
	found := []*html.Node{d.root}
	for _, part := range strings.Fields(selector) {
		var next []*html.Node
		for _, above := range found {
			for node := range above.Descendants() {
				if matches(node, part) && !slices.Contains(next, node) {
					next = append(next, node)
				}
			}
		}
		found = next
	}
	return found
}

func (d document) has(selector string) bool { return len(d.all(selector)) > 0 }

// text is the text of everything that matches, with single blanks.
func (d document) text(selector string) string {
	var parts []string
	for _, node := range d.all(selector) {
		for below := range node.Descendants() {
			if below.Type == html.TextNode {
				parts = append(parts, strings.Fields(below.Data)...)
			}
		}
	}
	return strings.Join(parts, " ")
}

// attr is an attribute of the first match.
func (d document) attr(selector, name string) string {
	for _, node := range d.all(selector) {
		value, _ := attribute(node, name)
		return value
	}
	return ""
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func matches(n *html.Node, part string) bool {
	if n.Type != html.ElementNode {
		return false
	}
	tag, rest := part, ""
	if end := strings.IndexAny(part, "#.["); end >= 0 {
		tag, rest = part[:end], part[end:]
	}
	if tag != "" && tag != n.Data {
		return false
	}
	for rest != "" {
		end := strings.IndexAny(rest[1:], "#.[") + 1
		if rest[0] == '[' {
			end = strings.IndexByte(rest, ']') + 1
		}
		if end <= 0 {
			end = len(rest)
		}
		if !matchesOne(n, rest[:end]) {
			return false
		}
		rest = rest[end:]
	}
	return true
}

func matchesOne(n *html.Node, condition string) bool {
	switch condition[0] {
	case '#':
		value, _ := attribute(n, "id")
		return value == condition[1:]
	case '.':
		value, _ := attribute(n, "class")
		return slices.Contains(strings.Fields(value), condition[1:])
	}
	name, want, exact := strings.Cut(condition[1:len(condition)-1], "=")
	value, ok := attribute(n, name)
	return ok && (!exact || value == want)
}
