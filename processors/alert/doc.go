// Package alert evaluates the alert rules of all tenants on what the lanes carry, keeps the log of alerts, and tells of it. It
// owns the streams ALERTS (the log) and ALERTSTATE (how far evaluation has come) and the bucket ALERTING (whose turn it is).
//
// Contract of the Evaluator:
//   - One copy of the program evaluates at a time: the one that has the lease. When it is killed another one begins within
//     five seconds, when it stops at once. It goes on from the checkpoint, which holds what is known of every rule and
//     device and the places in the lanes that this is known from.
//   - An entry of the log carries what is known after it, and from which places. So whoever takes over, and reads the lanes
//     again from the checkpoint on, finds no change twice and none that contradicts the log, in whichever order the lanes
//     come this time. A change and what it is derived from are never apart: one that was not written is found again.
//   - A copy that was paused and does not know that another one has taken over writes in vain: in the log, the fence of
//     the new one stands before what it writes, and whoever reads the log passes that over. Its checkpoint is refused.
//   - The order is: write to the log, then to the checkpoint. The log slow or away: evaluation waits, with back-off; nothing is
//     lost as long as the lanes keep it. Evaluation has no durable consumer and holds no lane: what was dropped there to
//     make room before rules saw it is counted and said. ClickHouse is not needed.
//   - Timers go by what the lanes say. While a lane is not read to its end, or NATS does not answer, time is when the last
//     message came that was seen; so nothing that is under way, and nothing that could not be heard, counts as missing. After
//     nobody has evaluated for longer than excusedAfter, devices are given that time.
//   - What one request of a device carries is seen in the order of device time, the values of one instant together: so it
//     is known from what is stored, and a trial of the past finds the same.
//   - A timer costs when it is due, whatever the number of devices; a packet costs what the rules cost that look at its metrics.
//   - A rule that changes begins afresh. What it has open ends with the cause; so it is when its device goes.
//   - Bounded for each tenant: pairs of rules and devices, work per second, changes per second. What is over is left out, and counted.
//
// Contract of the Book: every copy of the program has one and follows the log. It knows what fires and the latest of what is over;
// its memory is bounded by what fires. What people do goes through the same log, and a method returns when the Book knows it.
//
// An Evaluator's and a Book's methods may be called concurrently; Run at most once each, and it returns after its goroutines.
package alert
