// Package processors takes packets out of the lanes and puts them where they are wanted: at present one stage, which
// stores them in ClickHouse. It owns the durable consumers of the lanes, the gathering of messages into blocks, the
// order "insert, then acknowledge", and the way of what cannot be stored to the stream of rejected packets.
//
// Contract, for each stage and lane:
//   - Ordered: a message is acknowledged only after everything in it is stored, kept as rejected, or belongs to a
//     device that was deleted. Nothing else is ordered: blocks of different lanes, and of different copies of the
//     program, are inserted side by side, which the set of facts absorbs.
//   - Every line (a stage on a lane) stores one block while it gathers the next, which grows for as long as that takes: so
//     blocks are small and soon stored when little comes, and large under a backlog. Memory is bounded whatever the
//     backlog: a line that cannot get rid of its second block fetches nothing. A line without messages does nothing.
//   - The critical lane never waits for the others. Of the rest one block is stored at a time, the standard lane's before
//     the bulk lane's, which is never starved.
//   - The store slow, down or restarting: the block is tried again with back-off for as long as it takes, its messages
//     kept from being delivered elsewhere meanwhile. Nothing is acknowledged, nothing is lost; the lane grows.
//   - The store refuses the data (store.ErrRefused): the block is divided until the packets at fault stand alone. They
//     go to the stream of rejected packets with the reason, everything else is stored.
//   - A message that cannot be read goes to that stream too, and is counted.
//   - A packet of a device that does not exist is dropped, once it was looked at often enough that a copy of the program
//     which merely has not heard of a new device yet cannot mistake it; until then its message is put back.
//   - The clock jumps: nothing here goes by it but figures. When it was put back, what is in hand is delivered anew, because
//     NATS waits for the time at which it promised to.
//   - NATS slow or gone, a consumer deleted: the line looks for it again with back-off. Redelivery is harmless.
//   - What NATS read back from its disk about a consumer is not believed, as package mark says: that stores a few seconds'
//     packets again after each start, which changes nothing.
//   - Messages that vanish from a lane before they were stored, at its beginning, in its middle or at its end, are
//     counted and logged within sentinelInterval, and so are messages that a damaged disk made unreadable; they are not
//     waited for, and never passed over in silence.
//   - Run ends with its context: the block that is being stored gets one last try within drainTimeout and is settled or put
//     back; what was only gathered is put back at once.
//
// A Runner's methods may be called concurrently; Run at most once. Any number of Runners, in one program or many,
// may work on the same lanes.
package processors
