// Package engine runs the embedded ClickHouse engine: libchdb, loaded by a supervised child of this same binary,
// which serves ClickHouse's HTTP interface on a Unix socket. clickhouse-go over HTTP is the only client, exactly as
// against a ClickHouse server, and a crash of the engine takes nothing else with it.
//
// It owns the engine's data directory (Options.Dir), the child process, its socket and its two accounts. Nothing else
// opens that directory: a child holds a file lock on it for as long as it lives, and a second child waits for the
// first one to be gone.
//
// Ordering: statements of one connection run in the order in which the client sends them, each on an engine session
// of its own; there is no order between connections. An INSERT whose answer was 200 is committed (and synced, when its
// table says fsync_after_insert=1). An INSERT that got no answer may or may not have happened.
//
// Concurrency: everything exported may be called from any goroutine. Inserts and reads have separate bounded slots
// (so that reads cannot starve inserts); beyond the bound a request waits until its client gives up.
//
// When something is slow or dead: a query ends at max_execution_time and at its memory limit, or when its client goes
// away; an answer that fails half-way is broken off visibly, never ended as if it were complete. When the child dies,
// or answers nothing for one and a half minutes and is killed for it, requests in flight fail, new connections wait a
// moment for the next child (see Engine.Connect), and the child is started again with a growing delay; the same options
// stay valid. When the parent dies, by whatever cause, the child stops. Errors of ClickHouse reach the client with their
// ClickHouse code.
//
// What differs from a ClickHouse server: one engine, hence no users, row policies or clusters; no compression, sessions,
// external tables or buffered answers over HTTP (asking for one is refused by name); a plain DateTime is read in UTC
// whatever zone its column names, DateTime64 keeps its zone. A reader's account forbids changes, but SQL in it can still
// read files of this machine: no text of a user may ever become SQL.
package engine
