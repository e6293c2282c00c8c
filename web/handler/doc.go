// Package handler is the edge between a handler that returns an error and the answer a person, a script or a device
// reads: the one table from error to status and sentence, the log line, the counters, and what every answer carries.
//
// Contract. It owns Describe, the only place where an error becomes a status; the user's sentence is in its table,
// the operator's cause goes to the log and never into an answer. An error is logged exactly once, here: as an error
// when it is our fault (5xx), at debug when it is the caller's; an outage (503) makes one line a second, however many
// requests it fails. An answer that was already under way when its handler failed is cut off, so that it can never be
// taken for a complete one. A request whose caller went away counts as 499.
//
// Metrics carry the route's pattern and never a path, so that nobody can make labels by asking for addresses. The
// caller's address is the connection's; forwarding headers are believed only from proxies that the options name.
//
// Everything may be used concurrently after New. The package starts no goroutine and does no I/O but the answer and
// the log; there is nothing to stop. A slow reader of an answer holds up only its own request, and loses its connection
// when it does not take 64 KiB within Options.WriteWithin; that counts as a caller that went away. A page whose handler
// says nothing else is not kept by any cache.
package handler
