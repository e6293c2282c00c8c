package reach

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"longwave/processors/forward/outbound"
)

// mailServer speaks SMTP on this machine and keeps what it is given.
type mailServer struct {
	listener net.Listener
	refuse   string // the reply to RCPT; empty accepts

	mu         sync.Mutex
	recipients []string
	mails      []string
}

func newMailServer(t *testing.T, refuse string) *mailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{listener: listener, refuse: refuse}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	return s
}

func (s *mailServer) serve(conn net.Conn) {
	defer conn.Close()
	c := textproto.NewConn(conn)
	reply := func(text string) { _ = c.PrintfLine("%s", text) }
	reply("220 test")
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		switch verb, rest, _ := strings.Cut(line, " "); strings.ToUpper(verb) {
		case "EHLO", "HELO":
			reply("250 test")
		case "RCPT":
			s.mu.Lock()
			s.recipients = append(s.recipients, rest)
			s.mu.Unlock()
			if s.refuse != "" {
				reply(s.refuse)
				continue
			}
			reply("250 ok")
		case "DATA":
			reply("354 go on")
			data, err := io.ReadAll(c.DotReader())
			if err != nil {
				return
			}
			s.mu.Lock()
			s.mails = append(s.mails, string(data))
			s.mu.Unlock()
			reply("250 taken")
		case "QUIT":
			reply("221 bye")
			return
		default:
			reply("250 ok")
		}
	}
}

func (s *mailServer) reacher(t *testing.T) *Reacher {
	t.Helper()
	smtp, err := ParseSMTP("smtp+plain://"+s.listener.Addr().String(), "Longwave <longwave@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Guard: outbound.New(nil), SMTP: smtp})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestNoHeaderCanBeAdded puts what begins a header, a recipient or a part into everything that somebody else writes.
func TestNoHeaderCanBeAdded(t *testing.T) {
	s := newMailServer(t, "")
	r := s.reacher(t)
	attacks := []string{
		"x\r\nBcc: evil@example.com", "x\nBcc: evil@example.com", "x\rBcc: evil@example.com", "x\u2028Bcc: evil@example.com", "x\u0085Bcc: evil@example.com",
		"x\r\n\r\n<html>body</html>", "=?utf-8?q?x=0d=0aBcc:_evil@example.com?=", "x\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<evil@example.com>\r\nDATA\r\n",
		strings.Repeat("long ", 500), "pump-7 ü 漢字", "x\x00y",
	}
	for _, attack := range attacks {
		m := Message{ID: "msg_1" + attack, At: time.Unix(1e9, 0), Title: attack, Text: "first line\n" + attack}
		answer, err := r.Reach(t.Context(), Target{Kind: Email, To: []string{"ada@example.org", "bob@example.org"}}, m)
		if err != nil || answer.Status != 250 {
			t.Fatalf("%q: %+v, %v", attack, answer, err)
		}
	}
	if len(s.mails) != len(attacks) || len(s.recipients) != 2*len(attacks) {
		t.Fatalf("%d mails to %d recipients", len(s.mails), len(s.recipients))
	}
	for i, text := range s.mails {
		m, err := netmail.ReadMessage(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Get("Bcc") != "" || m.Header.Get("Cc") != "" || m.Header.Get("To") != "<ada@example.org>, <bob@example.org>" || m.Header.Get("Auto-Submitted") == "" {
			t.Errorf("%q: header %v", attacks[i], m.Header)
		}
		if kind, _, err := mime.ParseMediaType(m.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
			t.Errorf("%q: %s", attacks[i], m.Header.Get("Content-Type"))
		}
		for name := range m.Header {
			if !strings.Contains(" Date Mime-Version Message-Id Subject Auto-Submitted From To Content-Type Content-Transfer-Encoding ", " "+name+" ") {
				t.Errorf("%q: a header %s", attacks[i], name)
			}
		}
	}
	for _, to := range s.recipients {
		if strings.Contains(to, "evil") {
			t.Errorf("sent to %s", to)
		}
	}
}

func TestMailIsRefused(t *testing.T) {
	for reply, want := range map[string]Error{
		"550 no such person": {Cause: "mail_550", Final: true}, "451 later": {Cause: "mail_451"},
	} {
		r := newMailServer(t, reply).reacher(t)
		_, err := r.Reach(t.Context(), Target{Kind: Email, To: []string{"ada@example.org"}}, message())
		var failed *Error
		if !errors.As(err, &failed) || failed.Cause != want.Cause || failed.Final != want.Final {
			t.Errorf("%s: %v", reply, err)
		}
	}
	none, err := New(Options{Guard: outbound.New(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Reach(t.Context(), Target{Kind: Email}, message()); causeIn(err) != "mail_not_set_up" {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newMailServer(t, "").reacher(t).Reach(ended, Target{Kind: Email, To: []string{"a@example.org"}}, message()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestParseSMTP(t *testing.T) {
	for _, bad := range []string{"", "mail.example.org", "http://u:hunter2@mail.example.org", "smtp://u:hunter2@", "smtp://u:hunter2@host:x"} {
		if _, err := ParseSMTP(bad, "a@example.org"); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := ParseSMTP("smtps://u:p@mail.example.org", "nobody"); err == nil {
		t.Error("a sender that is none")
	}
}
