package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestSetupRefusesAClaimedInstallation(t *testing.T) {
	i := setup(t)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("another good password"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := exec.Command(binary, "setup", "--data", i.data, "--operator", "eve@example.org", "--password-file", file, "--tenant", "Eve").Output()
	if err == nil || !strings.Contains(stderr(err), "already") {
		t.Fatalf("a second setup: %v %s", err, stderr(err))
	}
}

func TestTwoProcessesCannotShareADataDirectory(t *testing.T) {
	i := setup(t)
	start(t, i.data)
	out, err := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data", i.data).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another process uses the data directory") {
		t.Fatalf("a second process: %v %s", err, out)
	}
}

func TestInvalidSettingsAreRefusedByName(t *testing.T) {
	for _, c := range []struct{ args, names string }{
		{"--listen nonsense", "--listen (LONGWAVE_LISTEN)"},
		{"--nats-url http://x", "--nats-url (LONGWAVE_NATS_URL)"},
		{"--nats-replicas 3", "--nats-replicas (LONGWAVE_NATS_REPLICAS)"},
		{"--tls-cert cert.pem", "--tls-cert (LONGWAVE_TLS_CERT)"},
		{"--lane-bytes 1", "--lane-bytes (LONGWAVE_LANE_BYTES)"},
		{"--durability maybe", "--durability"},
		{"--clickhouse-url localhost", "--clickhouse-url (LONGWAVE_CLICKHOUSE_URL)"},
	} {
		args := append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data")}, strings.Fields(c.args)...)
		out, err := exec.Command(binary, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.names) {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
	}
}

// A script registers a device, posts and queries: the whole life of a packet over the public interfaces.
func TestScriptedLifeOfAPacket(t *testing.T) {
	i := setup(t)
	p := start(t, i.data)
	if p.firstRun != "" {
		t.Errorf("a claimed installation printed a first-run link: %s", p.firstRun)
	}
	d := p.register(i, "pump-7")
	status, body := p.call(http.MethodPost, "/ingest/v1/packets", d.Token, `{"temp":21.5,"ok":true,"state":"idle"}`)
	var receipt struct {
		Accepted  int
		PacketIDs []string `json:"packet_ids"`
	}
	if err := json.Unmarshal(body, &receipt); err != nil || status != http.StatusOK || receipt.Accepted != 1 || len(receipt.PacketIDs) != 1 {
		t.Fatalf("posting: %d %s", status, body)
	}
	eventually(t, readyIn, "the reading can be queried", func() error {
		shown, err := p.readings(i, d, "temp")
		if err == nil && (len(shown) != 1 || !strings.HasSuffix(shown[0], " 21.5")) {
			err = &unexpected{shown}
		}
		return err
	})
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/manage/v1/openapi.json"} {
		if status, body := p.call(http.MethodGet, path, i.Key, ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := p.call(http.MethodPost, "/ingest/v1/packets", d.Token+"x", `{"temp":1}`); status != http.StatusUnauthorized {
		t.Errorf("a wrong token got %d", status)
	}
}

type unexpected struct{ shown []string }

func (u *unexpected) Error() string { return "shown: " + strings.Join(u.shown, ", ") }

// verify finds a healthy installation healthy, and refuses to call a directory healthy that does not exist.
func TestVerify(t *testing.T) {
	i := setup(t)
	p := start(t, i.data)
	d := p.register(i, "pump-7")
	if status, body := p.call(http.MethodPost, "/ingest/v1/packets", d.Token, `{"temp":21.5}`); status != http.StatusOK {
		t.Fatalf("posting: %d %s", status, body)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	library := engineLibrary(t)
	out, err := exec.Command(binary, "verify", "--data", i.data, "--engine-library", library).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "control log") || !strings.Contains(string(out), "rollups") {
		t.Errorf("verifying: %v\n%s", err, out)
	}
	if out, err := exec.Command(binary, "verify", "--data", i.data+"-misspelt", "--engine-library", library).CombinedOutput(); err == nil {
		t.Errorf("a directory that does not exist was verified:\n%s", out)
	}
}
