package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// block is one fenced example of the documentation.
type block struct{ kind, text string }

func examples(t *testing.T) []block {
	t.Helper()
	text, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	parts := strings.Split(string(text), "```")
	for i := 1; i < len(parts); i += 2 {
		kind, body, _ := strings.Cut(parts[i], "\n")
		blocks = append(blocks, block{kind, strings.TrimSuffix(body, "\n")})
	}
	return blocks
}

// TestExamplesOfTheInterfaces sends every request of docs/api.md, in its order, and compares status and members with the
// answer that the page shows.
func TestExamplesOfTheInterfaces(t *testing.T) {
	i := setup(t)
	p := start(t, i.data)
	d := p.register(i, "pump-7")
	fill := strings.NewReplacer("TOKEN", d.Token, "KEY", i.Key, "DEVICE", d.ID)
	blocks := examples(t)
	requests := 0
	for n, b := range blocks {
		switch {
		case b.kind == "ws":
			playSocket(t, p, fill.Replace(b.text))
		case b.kind == "http" && !strings.HasPrefix(b.text, "HTTP/"):
			requests++
			playRequest(t, p, fill.Replace(b.text), blocks[n+1].text)
		}
	}
	if requests < 10 {
		t.Errorf("only %d requests were found", requests)
	}
}

func playRequest(t *testing.T, p *program, request, want string) {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	line, headers, _ := strings.Cut(head, "\n")
	answer, text := p.raw(t, fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		line, strings.ReplaceAll(headers, "\n", "\r\n"), len(body), body))
	wantHead, wantBody, _ := strings.Cut(want, "\n\n")
	wantLine, wantHeaders, _ := strings.Cut(wantHead, "\n")
	if status := "HTTP/1.1 " + answer.Status; status != wantLine {
		t.Errorf("%s: answered %s %s, the page says %s", line, status, text, wantLine)
	}
	for header := range strings.Lines(wantHeaders) {
		if name, _, _ := strings.Cut(header, ":"); answer.Header.Get(name) == "" {
			t.Errorf("%s: no header %s", line, name)
		}
	}
	if got, want := members(text), members(wantBody); got != want {
		t.Errorf("%s: answered %s, the page shows %s", line, text, wantBody)
	}
}

// members are the names in a JSON object, in order.
func members(text string) string {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil {
		return strings.TrimSpace(text)
	}
	return strings.Join(slices.Sorted(maps.Keys(object)), " ")
}

func playSocket(t *testing.T, p *program, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(p.base, "http", "ws", 1)+"/ingest/v1/ws", &websocket.DialOptions{HTTPClient: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	lines := bufio.NewScanner(strings.NewReader(script))
	for lines.Scan() {
		direction, message, _ := strings.Cut(lines.Text(), " ")
		if direction == ">" {
			if err := conn.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		_, heard, err := conn.Read(ctx)
		if err != nil || members(string(heard)) != members(message) {
			t.Errorf("heard %s (%v), the page shows %s", heard, err, message)
		}
	}
}
