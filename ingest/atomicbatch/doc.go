// Package atomicbatch puts messages into a stream together: all of them or none, with one acknowledgement and, where the
// server waits for the disk, one fsync.
//
// Contract: Publish is the whole of it for who can wait. Who publishes from many goroutines at once, and sorts out the
// acknowledgements itself, writes headers with Place and reads with ReadAck; both ways say the same to the server. A batch
// that was answered is either in the stream or certainly not. One without an answer may be either: its messages need ids,
// or an expected sequence, that make asking twice harmless, and a batch of its own the second time. Nothing here tries
// again, remembers anything, or starts a goroutine. Everything may be called concurrently, but a Place belongs to one
// message at a time.
package atomicbatch
