package tenants

import (
	"slices"
	"time"
)

// tokenFan is how many ways both levels of a token table part: 65,536 buckets hold three tokens each when there are as
// many as the projection was measured with.
const tokenFan = 256

// tokenTable finds the device of a token. It is what every packet passes, mostly from a device that the caches of the
// processor have forgotten, so it is made to touch few places of the memory: one slot, one bucket, one device. A copy
// shares everything with its original; only one of the two is written to, and it replaces what both can see.
type tokenTable struct {
	root *[tokenFan]*tokenPage
	turn uint64 // pages of this turn are seen by nobody else
	n    int
}

type tokenPage struct {
	turn    uint64
	buckets [tokenFan][]holder
}

// holder is a token and whose it is, with what decides whether it is right.
type holder struct {
	index   uint64 // indexOf the public half
	sum     digest
	expires time.Time
	device  *device
}

// share returns a table that never changes, and leaves t the only one that does.
func (t *tokenTable) share() tokenTable {
	shared := *t
	t.turn++
	if t.root != nil {
		root := *t.root
		t.root = &root
	}
	return shared
}

// get returns the holder of a token; nil if there is none.
func (t *tokenTable) get(index uint64) *holder {
	if t.root == nil {
		return nil
	}
	page := t.root[index>>56]
	if page == nil {
		return nil
	}
	bucket := page.buckets[byte(index>>48)]
	for i := range bucket {
		if bucket[i].index == index {
			return &bucket[i]
		}
	}
	return nil
}

// set puts a holder in, and returns the one whose place it takes; nil if there was none.
func (t *tokenTable) set(h holder) (replaced *holder) {
	replaced = t.remove(h.index)
	bucket := t.bucket(h.index)
	*bucket = append(slices.Clip(*bucket), h) // clipped, so that what others see is never written to
	t.n++
	return replaced
}

// remove takes a holder out and returns it; nil if there was none.
func (t *tokenTable) remove(index uint64) *holder {
	found := t.get(index)
	if found == nil {
		return nil
	}
	bucket := t.bucket(index)
	*bucket = slices.DeleteFunc(slices.Clone(*bucket), func(h holder) bool { return h.index == index })
	t.n--
	return found
}

// bucket is where a token belongs, on a page that nobody else sees.
func (t *tokenTable) bucket(index uint64) *[]holder {
	if t.root == nil {
		t.root = new([tokenFan]*tokenPage)
	}
	slot := &t.root[index>>56]
	switch {
	case *slot == nil:
		*slot = &tokenPage{turn: t.turn}
	case (*slot).turn != t.turn:
		*slot = &tokenPage{turn: t.turn, buckets: (*slot).buckets}
	}
	return &(*slot).buckets[byte(index>>48)]
}
