package telemetry

import (
	"errors"
	"testing"
)

// The bytes as older programs wrote them, without a version first, with version 1 then, and with 2 since.
func TestRejectedPacketsOfOlderProgramsAreRead(t *testing.T) {
	const rest = `"index":3,"pointer":"/values/temp","code":"not_a_value","detail":"an object","device":"d-1","received":1763632800000000,"raw":"eyJ0ZW1wIjp7fX3/"}`
	want := RejectedPacket{
		Rejection: Rejection{Index: 3, Pointer: "/values/temp", Code: "not_a_value", Detail: "an object", Raw: "{\"temp\":{}}\xff"},
		Device:    "d-1", Received: 1_763_632_800_000_000,
	}
	for _, old := range []string{`{` + rest, `{"v":1,` + rest} {
		if got, err := DecodeRejected([]byte(old)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", old, got, err)
		}
	}
	if got := string(EncodeRejected(&want)); got != `{"v":2,`+rest {
		t.Errorf("it is written as %s", got)
	}
	if _, err := DecodeRejected([]byte(`{"v":3,` + rest)); !errors.Is(err, ErrVersion) {
		t.Errorf("%v, want ErrVersion", err)
	}
}
