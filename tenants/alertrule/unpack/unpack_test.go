package unpack

import (
	"encoding/binary"
	"testing"
)

func packed() []byte {
	b := []byte{7}
	b = binary.LittleEndian.AppendUint64(b, 1<<40)
	b = binary.AppendUvarint(b, 300)
	b = binary.AppendVarint(b, -300)
	return append(binary.AppendUvarint(b, 4), "pump"...)
}

func unpack(b []byte) (word, unsigned uint64, signed int64, text string, r Reader) {
	r = New(b)
	if r.Byte() != 7 {
		r.Refuse()
	}
	return r.Word(), r.Unsigned(), r.Signed(), r.Text(), r
}

func TestReaderReadsWhatWasWritten(t *testing.T) {
	word, unsigned, signed, text, r := unpack(packed())
	if word != 1<<40 || unsigned != 300 || signed != -300 || text != "pump" || !r.OK() || !r.Empty() {
		t.Errorf("%d %d %d %q, %+v", word, unsigned, signed, text, r)
	}
}

// Whatever is cut off shows in the end, and nothing that is read after it looks like something.
func TestReaderSaysWhatIsMissing(t *testing.T) {
	whole := packed()
	for n := range whole {
		if _, _, _, text, r := unpack(whole[:n]); r.OK() || text != "" || !r.Empty() {
			t.Errorf("%d bytes of %d: %q, %+v", n, len(whole), text, r)
		}
	}
	endless := New([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	if n := endless.Unsigned(); n != 0 || endless.OK() {
		t.Errorf("a number that does not fit: %d", n)
	}
	longer := New(binary.AppendUvarint(nil, 1<<63))
	if text := longer.Text(); text != "" || longer.OK() {
		t.Errorf("a text that is longer than anything: %q", text)
	}
}
