// Package live carries what has become durable in the lanes to the browsers that watch, while they watch.
//
// # What it owns
//
// One follower per watched tenant: three JetStream ordered consumers, one per lane, filtered to the tenant's subject.
// They are preferred to a core subscription because they start in the past, never skip a message, repair themselves
// after a lost connection, and deliver only what the stream has committed: nobody is shown a packet that a crash could
// still take back. A follower is started by the first subscription and ends Options.Linger after the last one has
// gone, so that a page that reconnects finds the same follower; its consumers are then deleted from the server.
//
// Each lane message is decoded once, each packet is encoded for browsers once, whoever watches.
//
// # What is ordered
//
// A follower gives each batch one sequence number, in the order in which it read them. Batches of one lane keep the
// order of the lane; between lanes there is none. The newest batches stay in a ring, for Options.Window at least
// unless Options.RingBytes is reached first. Subscribe takes the ring's part and joins the live flow in one critical
// section, therefore a subscriber sees each batch after its Cursor exactly once, whether it was replayed or not. A
// Cursor is an epoch (one life of one follower) and a sequence number; one that this follower did not make, or that
// lies before the ring, is answered with Subscription.Resumed false: the reader must begin from a fresh snapshot.
// A snapshot that is read from the store after Subscribe has returned leaves no gap as long as the store lags less
// than Options.Window, for what it does not have yet is in the ring. It may repeat what the ring has: a reading is a
// fact, repeating it changes nothing.
//
// # What may run concurrently
//
// Everything. A Subscription has one reader.
//
// # What happens when something is slow or dead
//
// Nobody waits for a subscriber. One that does not take its packets has them folded into the newest value of each
// series, bounded as well, and is told how many packets it was not given. When NATS cannot be reached the followers
// go on trying from the message after the last one they have read: subscribers hear nothing meanwhile, and miss
// nothing afterwards as long as the lanes still hold it. A message that cannot be decoded is logged, counted and
// passed over. When Run ends, every Subscription and Feed is done, and Done is closed.
//
// Feeds (failed attempts, rejected packets) are plain subscriptions: at most once, only from now on, the oldest
// dropped first.
package live
