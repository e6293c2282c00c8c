// Package mark keeps how far a durable consumer of a lane has got, apart from NATS, and makes the consumer anew where NATS
// cannot be believed. It owns the bucket SETTLED.
//
// Contract. NATS writes what is settled into a file without a checksum, when there is time: after a crash the file is old, on
// a bad disk it is wrong. A mark says that every message of a lane up to a number is settled; it was true when it was
// written and stays true. It is written every interval and at the end.
//
//   - Find returns a consumer that delivers every message which is not settled for certain. What NATS only read from its disk
//     is believed up to the mark: a few seconds' messages are delivered again after each start, so that whoever uses this must
//     bear repetitions. Before the first mark NATS is believed.
//   - A consumer that is gone begins at its mark. One that was never there begins where its configuration says.
//   - A mark of another life of the lane, or beyond its end, says nothing. One that a newer program wrote is not touched by
//     what it means: NATS is believed, and that is logged.
//   - The clock was put back while the program runs, or had been ahead when it was killed: what NATS postpones until a time
//     that is now far away is delivered anew.
//   - A message that was delivered and became unreadable before it was settled would be tried by NATS for ever: Keep passes
//     over it within two intervals, and says so to Unreadable.
//   - NATS slow or gone: every question has a deadline, Find returns the error, and Keep tries again at its next turn.
//
// A Keeper has no state of its own: any number of copies of the program may have one for the same consumer, and its methods
// may be called concurrently.
package mark
