package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"longwave/ingest"
)

// FuzzReadFrame looks for messages that would lose bytes of a packet or be acknowledged by an unusable name.
func FuzzReadFrame(f *testing.F) {
	for _, seed := range []string{
		`{"frame":"a","body":{}}`, `{"body":[{"temp":1}],"frame":"b"}`, `{"frame":"a","body":{}}{}`, `{"frame":"a","frame":"b","body":{}}`,
		`{"FRAME":"a","BODY":{}}`, `{"frame":null,"body":{}}`, `{"frame":"` + strings.Repeat("x", 65) + `","body":[]}`, `[]`, ``, ` {`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := readFrame(bytes.Clone(message), 7)
		if !printable(got.name) || len(got.name) > maxFrameName {
			t.Errorf("name %q", got.name)
		}
		if !bytes.Contains(message, got.body) {
			t.Errorf("the body %q is not part of the message", got.body)
		}
		if err == nil && got.name == "7" && !json.Valid(got.body) && !bytes.Equal(got.body, message) {
			t.Errorf("a message that is no envelope was changed: %q", got.body)
		}
		if answer := appendAck(nil, got.name, ingest.Receipt{PacketIDs: []string{string(message)}}); !json.Valid(answer) {
			t.Errorf("the acknowledgement is no JSON: %s", answer)
		}
	})
}

// FuzzWhen looks for times that are read as something out of reach.
func FuzzWhen(f *testing.F) {
	for _, seed := range []string{"now", "-1h", "-7d", "-99999999999w", "-1e9h", "0", "-0d", "2026-11-20T10:00:00Z", "9223372036854775807", "--1h", "-", "-9999999999999999999d"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := when(text, now)
		if err != nil {
			return
		}
		if got.Year() < now.Year()-101 || got.UTC().Year() > 2200 || strings.HasPrefix(text, "-") && got.After(now) {
			t.Errorf("%q was read as %s", text, got)
		}
	})
}
