package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// serveFlags are all settings, read from the tags of config.
func serveFlags(t *testing.T) []*kong.Flag {
	t.Helper()
	var c struct{ config }
	parser, err := kong.New(&c, kong.DefaultEnvars("LONGWAVE"))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Flags
}

// settingsTable renders the table of the README.
func settingsTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| flag | environment | default | what |\n|---|---|---|---|\n")
	for _, flag := range serveFlags(t) {
		if flag.Name == "help" {
			continue
		}
		standard := flag.Default
		if standard != "" {
			standard = "`" + standard + "`"
		}
		fmt.Fprintf(&b, "| `--%s` | `%s` | %s | %s |\n", flag.Name, strings.Join(flag.Envs, ", "), standard, flag.Help)
	}
	return b.String()
}

// TestReadmeSettings compares the README's table with the code; LONGWAVE_UPDATE=1 rewrites it.
func TestReadmeSettings(t *testing.T) {
	const begin, end = "<!-- settings: this table is compared with the code by a test -->\n", "<!-- /settings -->"
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	table, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the README has lost the marks around its table of settings")
	}
	want := settingsTable(t)
	if os.Getenv("LONGWAVE_UPDATE") != "" {
		if err := os.WriteFile("README.md", []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("the README's settings differ from the code; run: LONGWAVE_UPDATE=1 go test -run TestReadmeSettings .\n%s", want)
	}
}

func TestValidateNamesTheSetting(t *testing.T) {
	valid := config{Listen: ":0", Data: "d", natsConfig: natsConfig{NATSReplicas: 1}, LaneBytes: 1 << 30}
	if err := valid.validate(); err != nil {
		t.Fatalf("a plain configuration is refused: %v", err)
	}
	for name, change := range map[string]func(*config){
		"--listen":          func(c *config) { c.Listen = "8080" },
		"--data":            func(c *config) { c.Data = "" },
		"--tls-cert":        func(c *config) { c.TLSKey = "key.pem" },
		"--nats-replicas":   func(c *config) { c.NATSReplicas = 2 },
		"--nats-url":        func(c *config) { c.NATSURL = "http://x" },
		"--nats-creds":      func(c *config) { c.NATSCreds = "/nowhere" },
		"--lane-bytes":      func(c *config) { c.LaneBytes = 5 },
		"--device-packets":  func(c *config) { c.DevicePackets = -1 },
		"--tenant-packets":  func(c *config) { c.TenantPackets = -1 },
		"--tenant-readings": func(c *config) { c.TenantReadings = -1 },
		"--tenant-sockets":  func(c *config) { c.TenantSockets = -1 },
		"--public-url":      func(c *config) { c.PublicURL = "ftp://x" },
		"--clickhouse-url":  func(c *config) { c.ClickHouseURL = "mysql://x" },
		"--smtp-url":        func(c *config) { c.SMTPURL = "http://hunter2@host" },
		"--smtp-from":       func(c *config) { c.SMTPURL = "smtps://host" },
		"--master-key-file": func(c *config) { c.MasterKeyFile = "/nowhere" },
	} {
		c := valid
		change(&c)
		if err := c.validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsStayOutOfMessages(t *testing.T) {
	c := config{Listen: ":0", Data: "d", natsConfig: natsConfig{NATSReplicas: 1}, LaneBytes: 1 << 30, ClickHouseURL: "mysql://u:hunter2@host/db"}
	if err := c.validate(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the message shows a password: %v", err)
	}
}
