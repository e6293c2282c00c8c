package api

import (
	"errors"
	"testing"
)

// Sockets that have not said whose they are cannot take the places of devices.
func TestSocketsOfNobodyAreFew(t *testing.T) {
	s := newSockets(maxAnonymous + 2)
	for range maxAnonymous {
		if err := s.reserve(false); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.reserve(false); !errors.Is(err, errTooManySockets) {
		t.Errorf("one too many of nobody's: %v", err)
	}
	if err := s.reserve(true); err != nil {
		t.Errorf("a device's: %v", err)
	}
	s.identified()
	if err := s.reserve(false); err != nil {
		t.Errorf("after one has said whose it is: %v", err)
	}
	if err := s.reserve(true); !errors.Is(err, errTooManySockets) {
		t.Errorf("more than all: %v", err)
	}
	s.release(nil, false)
	if s.unknown != maxAnonymous-1 || s.reserved != maxAnonymous+1 {
		t.Errorf("%d of nobody, %d in all", s.unknown, s.reserved)
	}
}
