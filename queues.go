package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd"
)

// besideLanes is what the embedded broker may keep besides the lanes: the control log, sessions, rejected packets, queues and
// work lists of destinations.
const besideLanes = 8 << 30

// anySize is for commands that only look at an installation: they cannot know what its lanes may hold, and the disk may
// have become smaller than that.
const anySize = 1 << 50

// natsTimeout bounds the first connection to a broker of the operator's.
const natsTimeout = 10 * time.Second

// queueOptions say where JetStream is.
type queueOptions struct {
	natsConfig
	data    *dataDir
	log     *slog.Logger
	durable bool  // the embedded broker waits for the disk
	size    int64 // bytes that the embedded broker may keep
}

// open starts the embedded broker, unless --nats-url names another one, and connects to it. broker is nil for the latter.
func (o queueOptions) open(ctx context.Context, down *teardown) (broker *natsd.Server, conn *nats.Conn, js jetstream.JetStream, err error) {
	if o.NATSURL == "" {
		broker, err = natsd.Start(ctx, natsd.Options{Dir: o.data.queues(), SyncAlways: o.durable, MaxStore: o.size, Log: o.log})
		if err != nil {
			return nil, nil, nil, err
		}
		down.push("queues", broker.Close)
	}
	conn, js, err = o.connect(broker, "longwave", down)
	return broker, conn, js, err
}

// connect makes one more connection, for a part that must not wait behind what another one fetches.
func (o queueOptions) connect(broker *natsd.Server, name string, down *teardown) (conn *nats.Conn, js jetstream.JetStream, err error) {
	if broker != nil {
		conn, err = broker.Connect(name)
	} else {
		conn, err = o.dial(name)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	down.push("connection "+name, func(context.Context) error { conn.Close(); return nil })
	js, err = jetstream.New(conn)
	return conn, js, err
}

// dial connects to a broker of the operator's. Once it has been connected it goes on trying for ever.
func (o queueOptions) dial(name string) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(name), nats.MaxReconnects(-1), nats.Timeout(natsTimeout),
		nats.ReconnectBufSize(-1), // a packet that waits in our memory for a broker is not durable: fail, so that it is sent again
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { o.log.Debug("NATS client", "error", err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			o.log.Warn("NATS is gone; packets are refused until it is back", "error", err)
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { o.log.Info("NATS is back", "server", c.ConnectedUrlRedacted()) }),
	}
	if o.NATSCreds != "" {
		options = append(options, nats.UserCredentials(o.NATSCreds))
	}
	if o.NATSCA != "" {
		options = append(options, nats.RootCAs(o.NATSCA))
	}
	return nats.Connect(o.NATSURL, options...)
}
