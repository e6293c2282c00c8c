package natsd

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
)

// Durability is what is known of how a JetStream keeps an acknowledged message.
type Durability struct {
	Known        bool          // whether anything could be learned; the other fields say nothing without
	SyncAlways   bool          // every acknowledgement waits for the disk, on each server that answered
	SyncInterval time.Duration // otherwise the longest that a server leaves written messages to the kernel
	Servers      int           // how many answered
}

// Durability tells how this server was started.
func (s *Server) Durability() Durability {
	return Durability{Known: true, SyncAlways: s.o.SyncAlways, SyncInterval: s.o.SyncInterval, Servers: 1}
}

// jetStreamReport asks every server for its JetStream settings. Only a system account may, or an account that the operator
// gave an import of it; servers do not tell anybody else, in any other place.
const jetStreamReport = "$SYS.REQ.SERVER.PING.JSZ"

// DurabilityOf asks the servers behind a connection and waits for answers until ctx ends or half a second passed without
// one. When none comes, which is the rule for the credentials of an ordinary client, nothing is known.
func DurabilityOf(ctx context.Context, nc *nats.Conn) Durability {
	const patience = 500 * time.Millisecond
	var d Durability
	inbox := nc.NewInbox()
	answers, err := nc.SubscribeSync(inbox)
	if err != nil {
		return d
	}
	defer func() { _ = answers.Unsubscribe() }() // fails only when the connection is gone
	if err := nc.PublishRequest(jetStreamReport, inbox, nil); err != nil {
		return d
	}
	for {
		waiting, cancel := context.WithTimeout(ctx, patience)
		m, err := answers.NextMsgWithContext(waiting)
		cancel()
		if err != nil {
			return d
		}
		d.add(m.Data)
	}
}

// add takes in one server's report. The weakest server decides: a message may be on any of them.
func (d *Durability) add(report []byte) {
	var r struct {
		Data struct {
			Disabled bool `json:"disabled"`
			Config   struct {
				SyncAlways   bool          `json:"sync_always"`
				SyncInterval time.Duration `json:"sync_interval"`
			} `json:"config"`
		} `json:"data"`
	}
	if json.Unmarshal(report, &r) != nil || r.Data.Disabled || r.Data.Config.SyncInterval == 0 && !r.Data.Config.SyncAlways {
		return
	}
	d.SyncAlways = r.Data.Config.SyncAlways && (d.SyncAlways || d.Servers == 0)
	d.SyncInterval = max(d.SyncInterval, r.Data.Config.SyncInterval)
	d.Known = true
	d.Servers++
}
