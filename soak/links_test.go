package main

import (
	"io"
	"net"
	"testing"
	"time"
)

// A cut link says nothing to anybody; what was sent meanwhile arrives when it is whole again.
func TestLink(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go io.Copy(conn, conn)
		}
	}()
	l, err := newLink(server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.address())
	if err != nil {
		t.Fatal(err)
	}
	echo := func(word string, within time.Duration) error {
		if _, err := io.WriteString(conn, word); err != nil {
			return err
		}
		conn.SetReadDeadline(time.Now().Add(within))
		answer := make([]byte, len(word))
		_, err := io.ReadFull(conn, answer)
		return err
	}
	if err := echo("whole", time.Minute); err != nil {
		t.Fatal(err)
	}
	l.cut()
	if err := echo("cut", 50*time.Millisecond); err == nil {
		t.Fatal("something passed a link that is cut")
	}
	l.heal()
	if err := echo("", time.Minute); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, len("cut"))
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "cut" {
		t.Errorf("%q, %v", answer, err)
	}
	l.close()
	if err := echo("closed", time.Minute); err == nil {
		t.Error("a closed link goes on")
	}
}
