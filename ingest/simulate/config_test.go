package simulate

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func TestCommandLine(t *testing.T) {
	var c Config
	var help bytes.Buffer
	parser, err := kong.New(&c, kong.Name("simulate"), kong.Writers(&help, &help), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse([]string{"--key", "lwk_x", "--replay", "/a", "--replay=/b", "--speed=5", "--backfill", "24h", "--devices=3", "--host", "--for=1m"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Replay, []string{"/a", "/b"}) || c.Speed != 5 || c.Backfill != 24*time.Hour || c.Devices != 3 || !c.Host || c.For != time.Minute {
		t.Errorf("parsed: %+v", c)
	}
	if err := c.validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	if _, err := parser.Parse([]string{"--help"}); err != nil || !strings.Contains(help.String(), "What to send:") {
		t.Errorf("help: %v\n%s", err, help.String())
	}
}
