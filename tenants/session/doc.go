// Package session remembers who is signed in: server-side sessions in the JetStream key-value bucket SESSIONS.
//
// Contract.
//
// Owns: the bucket. A key is the person and the SHA-256 of a session's token; the token itself is only in the browser's
// cookie. It begins with the person, so that whoever has it finds the session, and the person finds all of theirs.
//
// A session ends when it is deleted, when it was idle for too long, and in any case after its absolute lifetime, which
// rotating does not extend. The bucket drops what is left over.
//
// Ordered: after Delete or Rotate has returned, Get in this process refuses the old token. Every other process refuses
// it as soon as the broker's notice reaches it, which Run listens for; a process whose Run was cut off from the broker
// asks the bucket again after cacheFor at the latest.
//
// Concurrent: everything but Run may be called from any number of goroutines. Run is called once and blocks.
//
// When the broker is slow or away, sessions that were looked at within cacheFor go on, everything else is
// ErrUnavailable. A session is never taken for valid because it could not be looked up.
package session
