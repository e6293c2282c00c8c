package api

import (
	"io"
	"net"
	"testing"
)

func TestHeldMessagesLeaveTogether(t *testing.T) {
	ours, theirs := net.Pipe() // each write is one read at the other end
	defer ours.Close()
	defer theirs.Close()
	w := &wire{Conn: ours}
	arrived := make(chan string)
	go func() {
		defer close(arrived)
		for buffer := make([]byte, 64); ; {
			n, err := theirs.Read(buffer)
			if err != nil {
				return
			}
			arrived <- string(buffer[:n])
		}
	}()
	write := func(text string) {
		if n, err := io.WriteString(w, text); n != len(text) || err != nil {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
	w.hold()
	write("one ")
	write("two")
	go w.flush()
	if got := <-arrived; got != "one two" {
		t.Errorf("arrived %q", got)
	}
	go write("three")
	if got := <-arrived; got != "three" {
		t.Errorf("arrived %q", got)
	}
	theirs.Close()
	<-arrived
	if _, err := io.WriteString(w, "four"); err == nil {
		t.Error("nobody is there and nothing is said")
	}
	if _, err := ours.Write([]byte("x")); err == nil {
		t.Error("the connection is still open")
	}
}
