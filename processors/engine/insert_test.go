package engine

import "testing"

func TestSplitInsert(t *testing.T) {
	for _, c := range []struct{ text, from, data string }{
		{"INSERT INTO t (a,b) FORMAT Native\nDATA", "INSERT INTO t (a,b)  FROM INFILE 'f' COMPRESSION 'none'  FORMAT Native", "DATA"},
		{"insert into `format` format CSV 1", "insert into `format`  FROM INFILE 'f' COMPRESSION 'none'  FORMAT CSV", "1"},
		{"INSERT INTO db.t SETTINGS x='FORMAT y' FORMAT TSV\n\n1", "INSERT INTO db.t  FROM INFILE 'f' COMPRESSION 'none' SETTINGS x='FORMAT y'  FORMAT TSV", "\n1"},
		{"/* FORMAT a */ INSERT INTO t -- FORMAT b\n FORMAT Native \x00FORMAT", "/* FORMAT a */ INSERT INTO t -- FORMAT b\n  FROM INFILE 'f' COMPRESSION 'none'  FORMAT Native", "\x00FORMAT"},
		{"INSERT INTO t VALUES ('FORMAT CSV')", "", ""},
		{"INSERT INTO t SELECT 1 FORMAT Null", "", ""},
		{"INSERT INTO t (`FORMAT`, \"x", "", ""},
		{"SELECT 1 FORMAT Native", "", ""},
		{"INSERT INTO t FORMAT", "", ""},
		{"INSERT INTO t 'it\\'s FORMAT", "", ""},
		{"", "", ""},
	} {
		h, ok := splitInsert([]byte(c.text))
		if ok != (c.from != "") {
			t.Errorf("%q: cut is %v", c.text, ok)
		}
		if ok && (h.from("f") != c.from || string(h.data) != c.data) {
			t.Errorf("%q:\n got %q, data %q\nwant %q, data %q", c.text, h.from("f"), h.data, c.from, c.data)
		}
	}
}

func FuzzSplitInsert(f *testing.F) {
	f.Add([]byte("INSERT INTO t (a) SETTINGS b='c' FORMAT Native\nx"))
	f.Add([]byte("INSERT INTO `t\\` /* "))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, ok := splitInsert(text)
		if ok && len(h.target)+len(h.settings)+len(h.format)+len(h.data) > len(text) {
			t.Fatalf("the parts are longer than %q", text)
		}
	})
}

func TestExceptionCode(t *testing.T) {
	for text, want := range map[string]int{
		"Code: 60. DB::Exception: x": 60, "Code: x": codeFailure, "no code": codeFailure, "": codeFailure, "Code: -1. x": codeFailure,
	} {
		if got := exception(text).code(); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
