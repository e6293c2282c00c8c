package tenants

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
	"time"
)

// golden holds events as programs wrote them once, a message of the control stream in each line. Lines are only added, by
// LONGWAVE_UPDATE=1 for events that have none yet; none is ever changed, because there are logs with such messages.
const golden = "testdata/events.jsonl"

func TestEventsOfOlderProgramsAreRead(t *testing.T) {
	lines := goldenLines(t)
	if os.Getenv("LONGWAVE_UPDATE") != "" {
		addGolden(t, lines)
		return
	}
	if len(lines) < 27 {
		t.Fatalf("%d events are kept", len(lines))
	}
	for name, line := range lines {
		_, env, err := open(platformSubject, line)
		if err != nil || len(env.Events) != 1 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e, err := decodeEvent(env.Events[0])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, _ := describe(e); again != name {
			t.Errorf("%s is read as %s", name, again)
		}
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if lost := lostFrom(env.Events[0].Data, data); env.Events[0].V == currentVersion(t, e) && len(lost) > 0 {
			t.Errorf("%s: what it said under %v is not understood any more", name, lost)
		}
	}
}

func currentVersion(t *testing.T, e event) int {
	t.Helper()
	_, version := describe(e)
	return version
}

// lostFrom lists the members of an object that another one has not, or has with something else.
func lostFrom(before, after []byte) (lost []string) {
	var was, is map[string]json.RawMessage
	if json.Unmarshal(before, &was) != nil || json.Unmarshal(after, &is) != nil {
		return []string{"everything"}
	}
	for member, value := range was {
		if !bytes.Equal(value, is[member]) {
			lost = append(lost, member)
		}
	}
	return lost
}

func goldenLines(t *testing.T) map[string][]byte {
	t.Helper()
	file, err := os.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := map[string][]byte{}
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		var message struct{ Events []struct{ Type string } }
		if err := json.Unmarshal(scanner.Bytes(), &message); err != nil {
			t.Fatal(err)
		}
		lines[message.Events[0].Type] = slices.Clone(scanner.Bytes())
	}
	return lines
}

func addGolden(t *testing.T, known map[string][]byte) {
	t.Helper()
	file, err := os.OpenFile(golden, os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := everyEvent()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, there := known[name]; there {
			continue
		}
		at := time.Date(2026, 11, 20, 10, 0, 0, 123456000, time.UTC)
		data, err := encodeCommand(envelope{At: at, Actor: Actor{Person: "p-9", Address: "192.0.2.1"}}, []event{all[name]})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write(append(data, '\n')); err != nil {
			t.Fatal(err)
		}
	}
}
