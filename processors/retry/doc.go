// Package retry is the patience of everything here that tries again until it succeeds.
//
// Contract: nothing in it remembers anything, so that whoever tries counts its own failures in a row and says itself what
// failed. A wait ends early with its context and never says why it ended: who waits looks at the context next. Everything
// may be called concurrently.
package retry
