// Package natsd runs a NATS server with JetStream inside this process, so that one binary needs nothing beside it.
//
// Contract: Start returns when the server answers and its streams are restored, or with the cause why not; when its context
// ends meanwhile it stops what it started before it returns. There is no
// listener: Connect is the only way in, and it speaks the ordinary protocol over a pipe, so that nothing that uses the
// connection can tell an embedded server from one elsewhere. The server owns its directory: two servers on one
// directory are the caller's defect. With SyncAlways an acknowledged message is on the disk; without it it survives the
// death of the process, but not that of the machine. Every method may be called concurrently. Healthy asks JetStream and
// waits a bounded time, so it also tells of a server that is there but stuck. Close stops the server after it has written
// its state and returns when all of its goroutines are gone; connections that are still open are cut, so close them first.
//
// A guard looks once a second. Room says when the disk is so full that packets are to be refused, well before a write
// fails. A stream that failed to write once refuses all further writes for as long as the server runs; the guard notices
// that, and a server that confirms nothing any more, and starts the server again in place as soon as there is room, within
// ten seconds. Connections survive that as they would survive the restart of a server elsewhere: what was on its way is
// not confirmed, subscriptions and durable consumers go on at once, readers in order and watchers within the seconds that
// the client library takes to miss their heartbeat. The guard has a stream of its own, CANARY, with one message.
package natsd
