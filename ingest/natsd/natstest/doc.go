// Package natstest gives a test its own NATS server.
//
// Contract: each Start is a fresh server over a fresh directory, so tests may run in parallel and see nothing of each
// other. Everything is closed, in order, when the test ends. SyncAlways is off: what is tested is the protocol, not the
// disk. A server that does not start fails the test at once.
package natstest
