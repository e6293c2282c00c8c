// Package rule says what a routing rule is and decides what becomes of a packet: which lane, kept or dropped, with which
// labels, forwarded to where, and why.
//
// A rule is one expression, which packets it is about, and what then happens to them. The expression is the truth; the
// sentence of menus (Sentence) and YAML are views of the same rule and turn into each other. The language is that of
// expr-lang/expr, of which the parser is used and a small part of the operators; the evaluator is our own, because rules
// stand in the way of every packet: it allocates nothing, knows what is missing, and cannot be made to run long.
//
// Contract: pure; no clock, no I/O, no goroutines. The verdict on a packet follows from the set, who sent it and the packet
// alone, never from packets before it, so that a packet that is sent again is decided as the first time. A Set never changes and may be
// used by everybody at once; a Judge belongs to one goroutine.
//
// Total: every expression that Compile takes ends on every packet. Length, depth, number of parts, regular expressions and
// the work for one packet are bounded; what is over a bound is refused when it is written, with the place and the
// remedy. A value that the packet does not have is neither true nor false: what is compared with it is unknown, and a
// rule matches only what is true. Conditions joined by "and" are looked at until one is not true: first those that ask for
// the device alone, then the others as they are written. What cannot be computed, such as a division by zero or a text that should be
// a number, is a Failure of that rule on that packet, and no rule matches what it fails on.
//
// Of the rules that match, in their order, the first one that decides (see Then) picks the lane and whether the packet is
// kept; every one adds its labels and forwards.
package rule
