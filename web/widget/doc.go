// Package widget answers what a widget of a dashboard shows: which devices and series its selection means, their past
// from the storage, and their present as it arrives.
//
// Contract. It knows tenants, dashboards and readings, and neither pages, sessions nor sockets: whoever may see a
// dashboard, whether as a person or as an unattended screen, is given the same answer. The tenant comes from the caller
// who has authorised it; devices are looked up in that tenant only, so a selection that names a device of another one
// selects nothing.
//
// Ordered: Feeds.Join hands out a snapshot and lets updates follow it in one critical section, so nothing is missed in
// between; a reading may come twice, in the snapshot or the stored past and as an update, and is the same fact. Updates
// keep the order of package live.
//
// Concurrent: everything may be called from any goroutine. All listeners with the same interest share one subscription
// of the hub, one question to the storage and one encoding of each update, however many they are. Nobody waits for a
// listener: one that does not take its updates is given a new snapshot instead.
//
// When the storage is slow or dead an Answer fails with its error, and a snapshot says that it is incomplete. When the
// hub ends, Join fails with live.ErrClosed.
package widget
