// Package store keeps readings and events in ClickHouse and answers questions about them. Every ClickHouse statement of
// the program stands here or in package migrations, and nothing here reads a tenant's data except through
// Store.ForTenant and the parameterised views, which cannot be asked without a tenant.
//
// It owns the tables. A reading is a fact and the table of readings is the set of them: to insert a block twice, in
// parts, or in another order changes no answer. That holds for rollups and latest values too, because they are
// computed from the set, or are maxima. Nothing relies on ClickHouse remembering which inserts it has seen.
//
// Ordering: Insert writes readings, events and latest values side by side, and then which hours were touched; it returns
// nil only after all four are committed. The touched hours come last so that a rollup that forgets an hour has seen its
// readings. A question asked after Insert returned sees that block. Answers over rollups take hours that are not rolled
// up yet from the readings themselves, so they are as exact as answers over readings.
//
// Concurrency: Store and Reader may be used from any goroutine, a Block by one at a time. Insert may run in parallel
// with itself and everything else, in several copies of the program too. Rollup and Erase exclude each other within
// one copy; Rollup may run in several copies at once, at the price of repeated work only.
//
// On a cluster (Options.Cluster) tables are replicated and distributed, a device lies on one shard as a whole, an insert
// waits for most replicas, and only a replica that has every acknowledged block answers. With Options.Policies the account
// that reads sees only rows of the tenant that is asked about, whatever is asked.
//
// When ClickHouse is slow or dead: every call ends by a deadline of its own or by the caller's, whichever is sooner.
// Damaged files are never answered from: a question that meets one fails with ErrDamaged, parts that ClickHouse set aside
// fail Undamaged, and CheckParts and VerifyRollups read everything there is to find out. Insert tells data that
// ClickHouse will never take (ErrRefused) from everything that is worth another try. Reads are bounded in time, memory
// and number at once per tenant: they fail with ErrBusy, ErrTooHeavy or ErrUnavailable.
package store
