// Package forward brings packets that routing rules forward, and messages of other parts of the program, to the
// destinations of tenants. It owns the streams OUT (what waits), DELIVERIES (what was tried) and UNDELIVERED (what could
// not be delivered), the consumers of the lanes named "forward", and one durable consumer of OUT for each destination,
// named as the destination.
//
// Contract.
//
//   - On the lanes it is one more stage: a lane message is acknowledged after everything in it that is to be forwarded is
//     in OUT, or was discarded and counted. It never waits for a destination. What is in OUT has an id that is made of the
//     packet, so that a redelivery within duplicateWindow changes nothing.
//   - What the packets of a lane make goes into OUT in batches that share an fsync. A queue that is known to be full gets no
//     part in them, and one that is found to be refuses one batch in a second: what is full costs the others nothing.
//   - Where the stage falls behind its lane all the same, it gives tenants up before the lane needs the room: the one for
//     which most is forwarded first, all of them if that does not help. Nothing of theirs is forwarded then, which is
//     counted, shown with the destinations and told by PassedOver, until the stage has caught up and passOver is over.
//   - What NATS read back from its disk about the consumers of the lanes is not believed, as package mark says: the last seconds
//     before a crash are looked through again.
//   - The clock was put back while the program runs, or had been ahead when it was killed: what workers had in hand is tried
//     again at once, as after every start of the broker; what a tenant's own consumers had in hand is not.
//   - OUT is a queue: what is delivered leaves it. A destination whose queue is full, or a full OUT, gets nothing new:
//     that is counted, and shown with the destination, until there is room again. When OUT is more than half full, no
//     tenant has more than a quarter of it, so that one whose receivers are all dead does not take the others' place.
//   - Replay puts past packets on one queue because somebody asked for it, whatever rules say, and leaves half of the queue
//     to what comes in.
//   - Every destination has a worker of its own in each copy of the program, which shares the queue with the other copies.
//     A destination that hangs or fails delays no other one and no lane: an attempt takes reach.Timeout at most, a worker
//     makes a bounded number of them at once and a bounded number in a second, and after a few failures in a row its
//     circuit opens: then one attempt tells from time to time whether it is well again.
//   - An attempt that failed is made again, later and later, for giveUpAfter since the message was queued. Then, or when it
//     was refused for good, the message moves to UNDELIVERED, first durable there and then out of the queue. From there it
//     can be sent again. Order is not kept.
//   - A message is delivered at least once. Every attempt carries the same id.
//   - A destination of the kind that the tenant's own consumers read has no worker: they bind to its consumer, which is
//     there already. A message that nobody takes is dropped after a day.
//   - A destination that is disabled gets nothing new, and its queue waits, up to keepQueued. With one that is deleted, its
//     queue, attempts and work list go.
//   - Packets of a device that is deleted are still delivered if they were queued by then, and are kept on work lists and
//     with attempts until their time is over: erasing a device empties the tables, not what left for somebody else.
//   - The attempts that are kept are bounded in number, age and size; of many in a second some are left out, never the
//     first after a change for better or worse.
//   - NATS slow or gone: the stage and the workers look for it again with back-off; what is asked of a Forwarder returns
//     ErrUnavailable. Run ends with its context, after the attempts in hand, which are put back.
//
// A Forwarder's methods may be called concurrently; Run once. Any number of copies of the program may run one.
package forward
