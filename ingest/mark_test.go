package ingest

import (
	"errors"
	"testing"

	"longwave/ingest/telemetry"
)

// The bytes as older programs wrote them, without a version first and with version 1 since.
func TestMarksOfOlderProgramsAreRead(t *testing.T) {
	for _, old := range []string{`{"last":812,"epoch":2}`, `{"v":1,"last":812,"epoch":2}`} {
		if m, err := decodeMark([]byte(old)); err != nil || m.Last != 812 || m.Epoch != 2 {
			t.Errorf("%s: %+v, %v", old, m, err)
		}
	}
	if _, err := decodeMark([]byte(`{"v":2,"last":812}`)); !errors.Is(err, telemetry.ErrVersion) {
		t.Errorf("%v, want ErrVersion", err)
	}
}
