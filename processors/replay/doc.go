// Package replay does again what was done with packets before: it sends rejected packets through the front door once
// their cause is mended, and replays what the lanes keep. It owns the bucket of jobs (REPLAYS), the grouping of rejected
// packets into a work list, and the reading of lanes by people who ask for it.
//
// Contract.
//   - A job is of one tenant, and reads only subjects of that tenant. At most one job of a tenant runs or waits; another
//     one is refused with ErrBusy.
//   - Nothing counts twice. A rejected packet passes the front door with the same identity each time, and leaves the work
//     list after it is in its lane; one that is refused again stays, with the new reason. A replay into the storage inserts
//     facts that are there already. So to run a job twice, or half of it twice after a crash, changes nothing.
//   - No alert is raised by a replay, and nobody is notified but the destination that was chosen, or those that the routing rules of now name when that was chosen. A replay into the storage
//     takes the way of queries only. What goes to a destination is in the order of the lanes, critical first, and has the
//     ids that it had; it fills half of the destination's queue at the most.
//   - A job is a record in the bucket, changed by comparing revisions, with one owner at a time, who writes every second. When
//     the program stops, its jobs are put back and go on where they are started again; when it is killed, another copy, or
//     the same one after its restart, takes them over after leaseTime. A preview, which keeps more than it writes down,
//     begins anew. Two owners at once are not possible for longer than it takes a write to fail, and harmless.
//   - A job reads what was there when it began: what it causes itself, or what comes meanwhile, is not its business.
//   - A lane is selected by when it took a packet, since that is its order; device time only filters what is read.
//   - Who began a job, and how it ended, are control events; the beginning before anything is done.
//   - The store or NATS slow or gone: a job waits and goes on, and can be cancelled meanwhile. What the store refuses is
//     counted and passed over: it is in the work list since it was refused the first time.
//   - A device that is deleted while its packets are being inserted is erased once more by the job, so that nothing of it
//     comes back.
//
// Everything may be called concurrently; Run at most once. Run returns after its jobs are put back.
package replay
