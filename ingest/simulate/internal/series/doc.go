// Package series reads recorded series from `timestamp,value` files and keeps them in a compact form that a binary
// can carry.
//
// Contract: pure functions over bytes, nothing shared, all of them may be called concurrently. Damaged input is an
// error that names the place; it is never read as a shorter series.
package series
