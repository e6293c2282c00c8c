package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/migrations"
	"longwave/tenants/id"
)

// Options say where ClickHouse is.
type Options struct {
	Connect    *clickhouse.Options   // account that may do everything; its database holds the tables
	Reader     *clickhouse.Options   // account that can only read the same database; nil means Connect
	Log        *slog.Logger          // nil means no log
	Registerer prometheus.Registerer // nil means no metrics
	// Cluster is the name, on those servers, of the ClickHouse cluster whose macros {shard} and {replica} say where each of
	// them belongs: the tables are then replicated and distributed over it. Empty means one server.
	Cluster string
	// Policies makes Reader's account see, besides what views let it see, only rows of the tenant that is asked about.
	Policies bool
	// Rest is how long at least an hour of a device is left alone between two rollups of it; 0 means two minutes. Every
	// packet of a device touches its current hour, and each rollup of it reads the hour anew.
	Rest time.Duration
}

const (
	defaultRest = 2 * time.Minute

	openTimeout = 60 * time.Second // migrations of a database that merges at the same time
	pingTimeout = 5 * time.Second

	// Connections kept open: as many inserts and reads as the embedded engine runs side by side, and some that wait.
	maxConns = 32
)

// Store is the connection to the tables. Make one with Open.
type Store struct {
	write, read driver.Conn
	log         *slog.Logger
	metrics     *metrics
	gates       gates
	rest        time.Duration
	connect     *clickhouse.Options
	cluster     cluster
	policies    bool
	reader      string        // name of the reading account
	prepared    atomic.Bool   // the tables are as this program needs them
	rolling     chan struct{} // held by Rollup or Erase: a rollup must not bring back rows that are being erased
}

// Open is New and Prepare.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := New(o)
	if err != nil {
		return nil, err
	}
	if err := s.Prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// New makes a store without asking ClickHouse anything, so that a program starts while ClickHouse is down. Until Prepare
// has succeeded, everything fails with ErrUnavailable. It returns an error for options that cannot work.
func New(o Options) (*Store, error) {
	s, err := newStore(o)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return s, nil
}

// Prepare brings the schema up to date. It returns migrations.ErrEdited or migrations.ErrNewer for a database that this
// program must not use, and ErrUnavailable when ClickHouse does not answer: then try again. Damage that ClickHouse found
// when it loaded the tables is logged and counted; it is no reason not to go on with what is left.
func (s *Store) Prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("store: prepare: %w", err)
	}
	s.prepared.Store(true)
	if err := s.Undamaged(ctx); errors.Is(err, ErrDamaged) {
		s.metrics.damage.Inc()
		s.log.ErrorContext(ctx, "stored data is damaged; readings are missing from answers until it is restored from a copy", "error", err)
	}
	return nil
}

// usable keeps statements from tables that are not there, or not as this program needs them.
func (s *Store) usable() error {
	if !s.prepared.Load() {
		return fmt.Errorf("%w: its tables are not prepared yet", ErrUnavailable)
	}
	return nil
}

func newStore(o Options) (*Store, error) {
	if o.Connect == nil || o.Connect.Auth.Database == "" {
		return nil, errors.New("options need a connection that names its database")
	}
	if o.Cluster != "" && !migrations.ValidCluster(o.Cluster) {
		return nil, fmt.Errorf("option Cluster is %q, which cannot be the name of one", o.Cluster)
	}
	if o.Policies && o.Reader == nil {
		return nil, errors.New("option Policies needs a Reader that they are for")
	}
	if o.Rest < 0 {
		return nil, errors.New("option Rest is negative")
	}
	if o.Rest == 0 {
		o.Rest = defaultRest
	}
	if o.Reader == nil {
		o.Reader = o.Connect
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	write, err := open(o.Connect)
	if err != nil {
		return nil, err
	}
	read, err := open(o.Reader)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, errors.Join(err, write.Close(), read.Close())
	}
	return &Store{write: write, read: read, log: o.Log, metrics: m, rest: o.Rest, connect: o.Connect,
		cluster: cluster(o.Cluster), policies: o.Policies, reader: o.Reader.Auth.Username, rolling: make(chan struct{}, 1)}, nil
}

// open copies the options: they are the caller's, and may be shared.
func open(o *clickhouse.Options) (driver.Conn, error) {
	own := *o
	if own.MaxOpenConns == 0 {
		own.MaxOpenConns, own.MaxIdleConns = maxConns, maxConns
	}
	return clickhouse.Open(&own)
}

func (s *Store) migrate(ctx context.Context) error {
	err := s.write.Ping(ctx)
	var exception *clickhouse.Exception
	if errors.As(err, &exception) && exception.Code == codeUnknownDatabase {
		err = s.createDatabase(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := migrations.Apply(ctx, s.write, string(s.cluster)); err != nil || !s.policies {
		return err
	}
	for _, policy := range migrations.Policies(s.reader, string(s.cluster)) {
		if err := s.write.Exec(ctx, policy); err != nil {
			return fmt.Errorf("row policies: %w", err)
		}
	}
	return nil
}

const codeUnknownDatabase = 81

// createDatabase serves the first start against a ClickHouse server.
func (s *Store) createDatabase(ctx context.Context) error {
	own := *s.connect
	own.Auth.Database = "default"
	conn, err := clickhouse.Open(&own)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS {name:Identifier}"+s.cluster.on(), clickhouse.Named("name", s.connect.Auth.Database))
}

// Ping asks ClickHouse for a sign of life. It returns ErrUnavailable.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := s.write.Exec(ctx, "SELECT 1"); err != nil {
		return fmt.Errorf("store: ping: %w: %w", ErrUnavailable, err)
	}
	return nil
}

// Close closes the connections. Calls under way fail.
func (s *Store) Close() error { return errors.Join(s.write.Close(), s.read.Close()) }

// ForTenant is the only way to a tenant's data.
func (s *Store) ForTenant(t id.Tenant) *Reader { return &Reader{store: s, tenant: t} }
