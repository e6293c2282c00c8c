package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"longwave/processors/forward/reach"
	"longwave/processors/store"
)

// config is everything that can be set about a running platform. Its tags are the reference: --help and the README's
// table are made from them, and every flag has its LONGWAVE_ environment variable.
type config struct {
	Listen    string `help:"Address to serve browsers and devices on; port 0 takes any free one." default:"127.0.0.1:8080" placeholder:"ADDR"`
	Data      string `help:"Directory of everything that is kept." default:"longwave-data" type:"path" placeholder:"DIR"`
	PublicURL string `help:"Address that people and devices use, if a proxy stands in front." placeholder:"URL"`

	TLSCert string `help:"PEM file with the certificate chain; serves HTTPS together with --tls-key." type:"path" placeholder:"FILE" group:"HTTPS:"`
	TLSKey  string `help:"PEM file with the private key." type:"path" placeholder:"FILE" group:"HTTPS:"`

	ClientCertificates bool `help:"Ask for client certificates, so that devices can show theirs instead of a token; needs --tls-cert, as nobody in front may end TLS. Browsers ask people who have one." group:"HTTPS:"`

	MasterKeyFile string `help:"File with the master keys that secrets are sealed under, one a line in base64, the first one seals; made in the data directory when empty. Keep a copy elsewhere; copies of the program need the same one." type:"path" placeholder:"FILE"`

	Durability string `help:"What a 200 survives with the embedded NATS: 'disk' waits for the disk and survives a power cut, 'process' survives a killed process only." enum:"disk,process" default:"disk"`

	natsConfig

	ClickHouseURL       string `name:"clickhouse-url" help:"ClickHouse server to use instead of the embedded engine: clickhouse://user:password@host:9000/database." placeholder:"URL" group:"ClickHouse:"`
	ClickHouseCluster   string `name:"clickhouse-cluster" help:"Cluster of --clickhouse-url on which tables are to be replicated and distributed; its servers need the macros shard and replica." placeholder:"NAME" group:"ClickHouse:"`
	ClickHouseReaderURL string `name:"clickhouse-reader-url" help:"The same server with an account that may only read; row policies then keep each question to one tenant. Default: the account of --clickhouse-url." placeholder:"URL" group:"ClickHouse:"`
	EngineLibrary       string `help:"libchdb to load; found beside the binary or in node_modules when empty." type:"path" placeholder:"FILE" group:"ClickHouse:"`

	LaneBytes     int64   `help:"Size at which a lane refuses new packets, in bytes." default:"8589934592" placeholder:"BYTES" group:"Limits and trust:"`
	DevicePackets float64 `help:"Packets per second that one device may send; 0 for no limit." default:"2000" placeholder:"N" group:"Limits and trust:"`
	TenantPackets float64 `help:"Packets per second that one tenant may send, unless an operator says otherwise for it; 0 for no limit." default:"50000" placeholder:"N" group:"Limits and trust:"`

	TenantReadings float64 `help:"Readings per second that one tenant may send, unless an operator says otherwise for it; 0 for no limit." default:"0" placeholder:"N" group:"Limits and trust:"`
	TenantSockets  int     `help:"Device sockets that one tenant may have open with each copy of the program, unless an operator says otherwise for it; 0 for no limit." default:"0" placeholder:"N" group:"Limits and trust:"`

	AllowDestinations []netip.Prefix `help:"Networks that are not public and that destinations and identity providers may be in all the same, such as 10.1.0.0/16; there http:// works too." placeholder:"CIDR" group:"Destinations:"`
	SMTPURL           string         `name:"smtp-url" help:"Mail server for destinations of the kind e-mail, and for invitations: smtp://user:password@host:587 (STARTTLS), smtps://host:465 (TLS) or smtp+plain://host:25 (neither)." placeholder:"URL" group:"Destinations:"`
	SMTPFrom          string         `name:"smtp-from" help:"Sender of that mail." placeholder:"ADDRESS" group:"Destinations:"`

	MetricsToken string `help:"Bearer token that lets other machines read /metrics and the reasons in /readyz; this machine always may." group:"Limits and trust:" placeholder:"TOKEN"`

	Profiling bool `help:"Serve profiles of the running program under /debug/pprof, to programs on this machine that carry the metrics token, if there is one. They show what the program is doing, names of metrics included." group:"Limits and trust:"`

	TrustedProxies []netip.Prefix `help:"Networks of proxies whose X-Forwarded-For is believed." placeholder:"CIDR" group:"Limits and trust:"`

	LogLevel  string `help:"Least important line that is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" group:"Log:"`
	LogFormat string `help:"Form of the log: text or json." enum:"text,json" default:"text" group:"Log:"`
}

// natsConfig says which broker to use. It is shared by all commands that need one.
type natsConfig struct {
	NATSURL      string `name:"nats-url" help:"NATS server or cluster to use instead of the embedded one." placeholder:"URL" group:"NATS:"`
	NATSCreds    string `name:"nats-creds" help:"Credentials file for --nats-url." type:"path" placeholder:"FILE" group:"NATS:"`
	NATSCA       string `name:"nats-ca" help:"PEM file of the authority that signed the NATS server's certificate." type:"path" placeholder:"FILE" group:"NATS:"`
	NATSReplicas int    `name:"nats-replicas" help:"Replicas of every stream on an external NATS cluster." default:"1" placeholder:"N" group:"NATS:"`
}

// Bounds of a configuration that can work at all.
const (
	minLaneBytes    = 16 << 20 // a lane must hold a few of the largest messages
	maxReplicas     = 5        // what JetStream allows
	shutdownTimeout = 30 * time.Second
)

// validate refuses what cannot work, naming the setting and what would be right, before anything is started.
func (c *config) validate() error {
	return errors.Join(
		c.validateListen(),
		c.validateTLS(),
		c.validateNATS(),
		c.validateLimits(),
		checkURL("public-url", c.PublicURL, "http", "https"),
		c.validateClickHouse(),
		checkFile("engine-library", c.EngineLibrary),
		checkFile("master-key-file", c.MasterKeyFile),
		c.validateMail(),
	)
}

func (c *config) validateListen() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return invalid("listen", c.Listen, "an address and a port such as 127.0.0.1:8080 or :8080")
	}
	if c.Data == "" {
		return invalid("data", c.Data, "a directory that may be written")
	}
	return nil
}

func (c *config) validateTLS() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return invalid("tls-cert", c.TLSCert, "both --tls-cert and --tls-key, or neither")
	}
	if c.ClientCertificates && c.TLSCert == "" {
		return invalid("client-certificates", "true", "set together with --tls-cert and --tls-key")
	}
	if c.TLSCert == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
		return invalid("tls-cert", c.TLSCert, "a PEM certificate that fits the key of --tls-key ("+err.Error()+")")
	}
	return nil
}

func (c *natsConfig) validateNATS() error {
	if c.NATSReplicas < 1 || c.NATSReplicas > maxReplicas {
		return invalid("nats-replicas", fmt.Sprint(c.NATSReplicas), "1, 3 or 5")
	}
	if c.NATSURL == "" && c.NATSReplicas != 1 {
		return invalid("nats-replicas", fmt.Sprint(c.NATSReplicas), "1, as the embedded server is a single node; more need --nats-url")
	}
	return errors.Join(
		checkURL("nats-url", c.NATSURL, "nats", "tls", "ws", "wss"),
		checkFile("nats-creds", c.NATSCreds),
		checkFile("nats-ca", c.NATSCA),
	)
}

func (c *config) validateClickHouse() error {
	if c.ClickHouseURL == "" && (c.ClickHouseCluster != "" || c.ClickHouseReaderURL != "") {
		return invalid("clickhouse-url", "", "set, as --clickhouse-cluster and --clickhouse-reader-url are about that server")
	}
	if c.ClickHouseCluster != "" && !store.ValidCluster(c.ClickHouseCluster) {
		return invalid("clickhouse-cluster", c.ClickHouseCluster, "the name of a cluster: letters, digits, - and _")
	}
	return errors.Join(
		checkURL("clickhouse-url", c.ClickHouseURL, "clickhouse", "http", "https"),
		checkURL("clickhouse-reader-url", c.ClickHouseReaderURL, "clickhouse", "http", "https"),
	)
}

func (c *config) validateLimits() error {
	if c.LaneBytes < minLaneBytes {
		return invalid("lane-bytes", fmt.Sprint(c.LaneBytes), fmt.Sprintf("at least %d", minLaneBytes))
	}
	for _, limit := range []struct {
		name  string
		value float64
	}{
		{"device-packets", c.DevicePackets},
		{"tenant-packets", c.TenantPackets},
		{"tenant-readings", c.TenantReadings},
		{"tenant-sockets", float64(c.TenantSockets)},
	} {
		if limit.value < 0 {
			return invalid(limit.name, fmt.Sprint(limit.value), "0 for no limit, or more")
		}
	}
	return nil
}

// validateMail never repeats the address: there may be a password in it.
func (c *config) validateMail() error {
	if c.SMTPURL == "" {
		return nil
	}
	if _, err := reach.ParseSMTP(c.SMTPURL, c.SMTPFrom); err != nil {
		return fmt.Errorf("--smtp-url (LONGWAVE_SMTP_URL) and --smtp-from (LONGWAVE_SMTP_FROM): %w", err)
	}
	return nil
}

func invalid(setting, value, right string) error {
	variable := strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
	return fmt.Errorf("--%s (LONGWAVE_%s) is %q; it must be %s", setting, variable, value, right)
}

func checkURL(setting, value string, schemes ...string) error {
	if value == "" {
		return nil
	}
	for single := range strings.SplitSeq(value, ",") {
		parsed, err := url.Parse(strings.TrimSpace(single))
		if err != nil || parsed.Host == "" || !slices.Contains(schemes, parsed.Scheme) {
			return invalid(setting, redacted(value), "a URL that begins with "+strings.Join(schemes, ":// or ")+"://")
		}
	}
	return nil
}

// redacted keeps a password that was put into a URL off the terminal and out of logs.
func redacted(value string) string {
	parsed, err := url.Parse(value)
	if err != nil {
		return "(not a URL)"
	}
	return parsed.Redacted()
}

func checkFile(setting, path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return invalid(setting, path, "a file that can be read")
	}
	return nil
}

func (c *config) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // the enum of the flag admits only what this reads
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
