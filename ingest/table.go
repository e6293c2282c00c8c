package ingest

// slot is one remembered packet. A key is never zero: that is an empty slot.
type slot struct {
	key     claimKey
	content uint64
}

const (
	slotBytes  = 24
	leastSlots = 1 << 10
)

// table is a hash table from keys, which are hashes already, to content hashes. It only grows and is thrown away whole.
// One array without pointers costs one cache miss for a packet where a map costs three, and the garbage collector nothing.
type table struct {
	slots []slot // a power of two of them, at most three quarters used
	used  int
}

func newTable(slots int) table { return table{slots: make([]slot, slots)} }

func (t *table) find(k claimKey) *slot {
	for i := k[0]; ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.key == k || s.key == (claimKey{}) {
			return s
		}
	}
}

// home is where a key is, unless others were there first.
func (t *table) home(k claimKey) *slot { return &t.slots[k[0]&uint64(len(t.slots)-1)] }

func (t *table) get(k claimKey) (content uint64, ok bool) {
	s := t.find(k)
	return s.content, s.key == k
}

func (t *table) put(k claimKey, content uint64) {
	if t.used >= len(t.slots)/4*3 {
		t.grow()
	}
	s := t.find(k)
	if s.key != k {
		t.used++
	}
	*s = slot{key: k, content: content}
}

func (t *table) grow() {
	larger := newTable(2 * len(t.slots))
	for _, s := range t.slots {
		if s.key != (claimKey{}) {
			*larger.find(s.key) = s
		}
	}
	larger.used = t.used
	*t = larger
}

// roomFor is the least size at which n entries need no growing.
func roomFor(n int) int {
	slots := leastSlots
	for n > slots/4*3 {
		slots *= 2
	}
	return slots
}
