// Package telemetry says what a packet is: its words, how it is decoded from what a device sends, checked, encoded
// for the lanes, and on which NATS subject it travels. It also holds the answers of queries over readings, so that
// pages and the API can speak of them without knowing where they are stored.
//
// Contract: pure values and functions; no I/O, no clock, no goroutines, nothing shared. Only the ids of packets that have
// neither an id nor a time are random; everything else follows from the arguments. Everything may be used
// concurrently as long as nobody writes to the same value. A Decoded that is used again lends out its memory until then.
// Text from outside either becomes a valid Packet or a Rejection that names the place and the remedy; it is never repaired
// in silence. Every subject of the data plane is built and taken apart here and nowhere else, from the types of package id
// only.
package telemetry
