package live

import (
	"strconv"
	"strings"
)

// Cursor is a position in the flow of one tenant. The zero Cursor is before everything and always needs a snapshot.
type Cursor struct {
	epoch string // one life of one follower
	seq   uint64
}

// ParseCursor reads what String wrote. Text that is not a cursor becomes the zero Cursor: it comes from a browser that
// will then simply be given a snapshot.
func ParseCursor(text string) Cursor {
	epoch, number, ok := strings.Cut(text, ".")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil {
		return Cursor{}
	}
	return Cursor{epoch: epoch, seq: seq}
}

// String is the cursor as a browser keeps it.
func (c Cursor) String() string {
	if c.epoch == "" {
		return ""
	}
	return c.epoch + "." + strconv.FormatUint(c.seq, 10)
}
