package e2e

import (
	"bufio"
	"context"
	wireform "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// wire is a WebSocket connection whose frames are made by hand.
type wire struct {
	conn   net.Conn
	reader *bufio.Reader
}

func (p *program) wire(t *testing.T, headers string) (wire, int) {
	t.Helper()
	w := wire{conn: p.dial(t)}
	w.reader = bufio.NewReader(w.conn)
	fmt.Fprintf(w.conn, "GET /ingest/v1/ws?token=lwd_inthequery HTTP/1.1\r\nHost: longwave.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", headers)
	answer, err := http.ReadResponse(w.reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if extensions := answer.Header.Get("Sec-WebSocket-Extensions"); extensions != "" {
		t.Errorf("extensions %q were agreed on", extensions)
	}
	return w, answer.StatusCode
}

// frame makes a masked frame; first is its first byte.
func frame(first byte, payload string) string {
	out := []byte{first}
	switch n := len(payload); {
	case n < 126:
		out = append(out, 0x80|byte(n))
	case n < 1<<16:
		out = wireform.BigEndian.AppendUint16(append(out, 0x80|126), uint16(n))
	default:
		out = wireform.BigEndian.AppendUint64(append(out, 0x80|127), uint64(n))
	}
	return string(append(out, 0, 0, 0, 0)) + payload
}

// hear reads one frame of the server's: its first byte and its payload.
func (w wire) hear() (byte, string, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(w.reader, head); err != nil {
		return 0, "", err
	}
	length := int(head[1] & 127)
	if length == 126 {
		long := make([]byte, 2)
		io.ReadFull(w.reader, long)
		length = int(wireform.BigEndian.Uint16(long))
	}
	payload := make([]byte, length)
	_, err := io.ReadFull(w.reader, payload)
	return head[0], string(payload), err
}

const (
	text, continued, lastPart, binaryFrame, closing, ping, pong = 0x81, 0x01, 0x80, 0x82, 0x88, 0x89, 0x8a
)

func hostileSocket(t *testing.T, p *program, i installation) {
	d := p.register(i, "socket")
	bearer := "Authorization: Bearer " + d.Token + "\r\n"
	huge := frame(text, strings.Repeat(" ", 1<<20)+`{"a":1}`)
	fragments := frame(continued, "{")
	for _, c := range `"a":1` {
		fragments += frame(0, string(c)) + frame(ping, "x")
	}
	for _, c := range []struct{ name, send, want string }{
		{"text", frame(text, `{"a":1}`), `{"ack":"1"`},
		{"binary", frame(binaryFrame, `{"a":1}`), `{"ack":"1"`},
		{"fragments of a byte, with pings between them", fragments + frame(lastPart, "}"), `{"ack":"1"`},
		{"an empty message", frame(text, ""), `{"nack":"1","status":400,"code":"body_unreadable"`},
		{"invalid UTF-8", frame(text, "{\"a\":\"\xff\"}"), `{"nack":"1","status":400,"code":"packets_rejected"`},
		{"a named frame with a broken body", frame(text, `{"frame":"f","body":{"a":NaN}}`), `{"nack":"f","status":400,"code":"packets_rejected"`},
		{"a name twice", frame(text, `{"frame":"f","frame":"g","body":{"a":1}}`), `{"nack":"1","status":400`},
		{"a body twice", frame(text, `{"frame":"f","body":{"a":1},"body":{"b":1}}`), `{"nack":"f","status":400,"code":"body_unreadable"`},
		{"a name in other case", frame(text, `{"Frame":"f","body":{"a":1}}`), `{"nack":"1","status":400`},
		{"a name with a line", frame(text, `{"frame":"a\nb","body":{"a":1}}`), `{"nack":"1","status":400,"code":"frame_name_invalid"`},
		{"credentials again", frame(text, `{"type":"auth","token":"`+d.Token+`"}`), `{"nack":"1","status":400,"code":"already_authenticated"`},
		{"too long", huge, "close 1009"},
		{"announced to be 2^63", "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "close"},
		{"not masked", "\x81\x07" + `{"a":1}`, "close"},
		{"reserved bits", frame(0xc1, `{"a":1}`), "close"},
		{"an unknown kind", frame(0x83, `{"a":1}`), "close"},
		{"a continuation of nothing", frame(lastPart, `{"a":1}`), "close"},
		{"a second beginning", frame(continued, `{`) + frame(text, `}`), "close"},
		{"a long ping", frame(ping, strings.Repeat("x", 126)), "close"},
		{"a ping in parts", frame(0x09, "x"), "close"},
		{"a close with half a code", frame(closing, "x"), "close"},
		{"a packet behind the close", frame(closing, "\x03\xe8") + frame(text, `{"after":1}`), "close 1000"},
	} {
		w, status := p.wire(t, bearer+"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("%s: the handshake got %d", c.name, status)
		}
		go io.WriteString(w.conn, c.send)
		if got := w.verdict(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: want %s, got %s", c.name, c.want, got)
		}
		w.conn.Close()
	}
	if shown, err := p.latest(i, d); err != nil || shown["token"] != "" || shown["after"] != "" {
		t.Errorf("stored: %v (%v)", shown, err)
	}
	hostileOrigins(t, p, bearer)
	hostilePipelining(t, p, i)
}

// verdict is the first message of the server's, or how it ended the connection. Pongs are passed over.
func (w wire) verdict() string {
	for {
		kind, payload, err := w.hear()
		switch {
		case err != nil:
			return "close without a frame"
		case kind == closing && len(payload) >= 2:
			return fmt.Sprintf("close %d %s", wireform.BigEndian.Uint16([]byte(payload)), payload[2:])
		case kind == closing:
			return "close without a code"
		case kind != pong && kind != ping:
			return payload
		}
	}
}

func hostileOrigins(t *testing.T, p *program, bearer string) {
	for origin, status := range map[string]int{
		"": 101, "http://longwave.test": 101, "https://LONGWAVE.test": 101, "null": 403, "http://evil.test": 403, "http://longwave.test.evil.test": 403,
		"http://longwave.test@evil.test": 403, "http://evil.test/longwave.test": 403, "longwave.test": 403, "http://longwave.test:81": 403, "//": 403,
	} {
		header := "Origin: " + origin + "\r\n"
		if origin == "" {
			header = ""
		}
		w, got := p.wire(t, bearer+header)
		if got != status {
			t.Errorf("Origin %q: %d, want %d", origin, got, status)
		}
		w.conn.Close()
	}
	if _, status := p.wire(t, bearer+bearer); status != http.StatusUnauthorized {
		t.Errorf("two tokens: %d", status)
	}
}

// A client that waits for nothing gets one answer for each frame. Switched off in the middle of it, it is told so, and
// what it sends after that is not taken.
func hostilePipelining(t *testing.T, p *program, i installation) {
	const frames = 10_000
	d := p.register(i, "flood")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(p.base, "http", "ws", 1)+"/ingest/v1/ws", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + d.Token}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	go func() { // ends when the connection does
		for n := 0; conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"frame":"f%d","body":{"n":%d}}`, n, n)) == nil; n++ {
		}
	}()
	seen := map[string]bool{}
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			var end websocket.CloseError
			if !errors.As(err, &end) || end.Code != 4403 || len(seen) < frames {
				t.Errorf("after %d answers: %v", len(seen), err)
			}
			return
		}
		var answer struct{ Ack, Nack, Code string }
		if err := json.Unmarshal(message, &answer); err != nil || seen[answer.Ack+answer.Nack] || answer.Nack != "" && answer.Code != "device_disabled" {
			t.Fatalf("answered %s (%v)", message, err)
		}
		seen[answer.Ack+answer.Nack] = true
		if len(seen) == frames {
			if status, body := p.call(http.MethodPatch, "/manage/v1/devices/"+d.ID, i.Key, `{"disabled":true}`); status != http.StatusOK {
				t.Fatalf("switching off: %d %s", status, body)
			}
		}
	}
}
