// Package migrations holds the schema of the ClickHouse database as numbered SQL files, embedded in the program, and
// applies what is missing.
//
// Contract: a file is never edited or removed once it was released; a change is a new file with the next number. Apply
// runs the files in order and records each with its checksum in the table schema_migrations. It refuses a database
// whose record of a file differs from the file (ErrEdited) and one that is newer than the program (ErrNewer), before
// it changes anything.
//
// ClickHouse has no transactions over statements of this sort. Therefore every statement must be harmless when it is
// repeated (IF NOT EXISTS, IF EXISTS, OR REPLACE; a test checks it): several copies of the program may start at once,
// and one that dies half-way is followed by another that runs the file again. When ClickHouse is slow or dead, Apply
// returns its error by the context's deadline, and calling it again continues.
//
// The tables live in the database that the connection names. For a cluster the same files are turned, when they are
// applied, into replicated tables on every server and a table over all shards under the name that everybody uses; a
// device lies on one shard as a whole. Policies are the statements that keep a reading account of a server to one tenant
// at a time.
package migrations
