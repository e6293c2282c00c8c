// Package natsd runs a NATS server with JetStream inside this process, so that one binary needs nothing beside it.
//
// Contract: Start returns when the server answers and its streams are restored, or with the cause why not. There is no
// listener: Connect is the only way in, and it speaks the ordinary protocol over a pipe, so that nothing that uses the
// connection can tell an embedded server from one elsewhere. The server owns its directory: two servers on one
// directory are the caller's defect. With SyncAlways an acknowledged message is on the disk; without it it survives the
// death of the process, but not that of the machine. Every method may be called concurrently. Healthy asks JetStream and
// waits a bounded time, so it also tells of a server that is there but stuck. Close stops the server after it has written
// its state and returns when all of its goroutines are gone; connections that are still open are cut, so close them first.
package natsd
