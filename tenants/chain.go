package tenants

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// foldWindow is how many hashes the projection remembers. An author that was further behind than this when it wrote is
// not checked in passing, but VerifyChain does; 1024 are 32 KiB.
const foldWindow = 1024

// link ties a message to everything that was in the log when its author decided.
type link struct {
	Own  uint64 `json:"own"`  // position of the message before it on its subject; 0 for the first
	Seen uint64 `json:"seen"` // newest position that the author had read, Own or later
	Head []byte `json:"head"` // hash of the log up to Seen
}

// link is what a message that is decided on s must carry.
func (s *State) link(subject string) link {
	own, _ := s.subjects.Get(subject)
	return link{Own: own, Seen: s.seq, Head: s.head[:]}
}

// hashNext is the hash of the log that ends with the given message, from the one of the log before it. The lengths keep
// two different logs from being the same text.
func hashNext(before digest, subject string, seq uint64, data []byte) (sum digest) {
	var numbers [16]byte
	binary.BigEndian.PutUint64(numbers[:8], seq)
	binary.BigEndian.PutUint64(numbers[8:], uint64(len(subject)))
	h := sha256.New()
	h.Write(before[:])
	h.Write(numbers[:])
	h.Write([]byte(subject))
	h.Write(data)
	h.Sum(sum[:0])
	return sum
}

// chain remembers the newest hashes of the log, up to a bound. It belongs to the one that reads the log.
type chain struct {
	window    int
	hashes    []digest // a ring once it is full
	base      uint64   // position of the first hash that was ever put in
	last      uint64   // position of the newest
	confirmed uint64   // up to here, something later or outside says that this is the log its authors saw
}

func newChain(window int, from uint64, head digest) *chain {
	return &chain{window: window, hashes: []digest{head}, base: from, last: from, confirmed: from}
}

func (c *chain) add(seq uint64, head digest) {
	if len(c.hashes) < c.window {
		c.hashes = append(c.hashes, head)
	} else {
		c.hashes[(seq-c.base)%uint64(c.window)] = head
	}
	c.last = seq
}

// at returns the hash of a position, if it is remembered.
func (c *chain) at(seq uint64) (digest, bool) {
	if seq < c.base || seq > c.last || c.last-seq >= uint64(len(c.hashes)) {
		return digest{}, false
	}
	return c.hashes[(seq-c.base)%uint64(c.window)], true
}

// confirm compares what somebody saw at a position with what the log says now. A position that is not remembered is
// neither confirmed nor denied.
func (c *chain) confirm(seq uint64, head []byte, witness string) error {
	have, ok := c.at(seq)
	switch {
	case !ok:
		return nil
	case subtle.ConstantTimeCompare(have[:], head) != 1:
		return &ChainError{Damage: Altered, From: min(c.confirmed+1, seq), To: seq, Detail: witness + " saw another log up to there"}
	}
	c.confirmed = max(c.confirmed, seq)
	return nil
}

// check compares the link of the next message with the log before it.
func (s *State) check(c *chain, subject string, l link) error {
	next := s.seq + 1
	altered := func(format string, args ...any) error {
		return &ChainError{Damage: Altered, From: min(c.confirmed+1, next), To: next, Detail: fmt.Sprintf(format, args...)}
	}
	own, _ := s.subjects.Get(subject)
	switch {
	case len(l.Head) != len(digest{}):
		return altered("message %d does not say what it follows", next)
	case l.Seen >= next:
		return altered("message %d says that it follows message %d", next, l.Seen)
	case l.Own != own || l.Seen < own:
		return altered("message %d says that it follows message %d of %s, but that is %d", next, l.Own, subject, own)
	}
	return c.confirm(l.Seen, l.Head, fmt.Sprintf("the author of message %d", next))
}

// advance makes a message the last one of the log.
func (s *State) advance(c *chain, subject string, data []byte) {
	s.seq++
	s.before, s.head = s.head, hashNext(s.head, subject, s.seq, data)
	s.subjects.Set(subject, s.seq)
	c.add(s.seq, s.head)
}

// Anchor is a position of the control log and the hash of everything up to there. Kept outside the log it shows later
// whether the log still is what it was.
type Anchor struct {
	Position uint64
	Hash     string // SHA-256, hexadecimal
}

// Head is the anchor of the newest State.
func (s *Service) Head() Anchor { return s.State().anchor() }

func (s *State) anchor() Anchor {
	return Anchor{Position: s.seq, Hash: hex.EncodeToString(s.head[:])}
}

// Damage is what was done to the control log.
type Damage string

// The kinds of damage.
const (
	Altered   Damage = "altered"   // an event was edited, replaced, inserted or moved
	Removed   Damage = "removed"   // a message is missing, its neighbours are there
	Truncated Damage = "truncated" // the end is missing: anchors know more than there is
)

// ChainError names the first place of the control log that is not as it was written. It is an ErrLog.
type ChainError struct {
	Damage   Damage
	From, To uint64 // the first message concerned is one of these; mostly it is one
	Detail   string // what contradicts it, for the operator
}

// Error names the place.
func (e *ChainError) Error() string {
	place := fmt.Sprintf("message %d", e.From)
	if e.From != e.To {
		place = fmt.Sprintf("messages %d to %d", e.From, e.To)
	}
	return fmt.Sprintf("%s of the control log: %s (%s)", place, e.Damage, e.Detail)
}

// Is makes every *ChainError an ErrLog.
func (e *ChainError) Is(target error) bool { return target == ErrLog }
