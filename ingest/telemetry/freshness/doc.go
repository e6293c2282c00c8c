// Package freshness is the one definition of what is live, late, silent or was never heard of: the thresholds, the words,
// and which interval counts. Lists, widgets, walls and the no-data alert go by it; pages that stay open are given
// Definition by the server that rendered them, so that no script has thresholds of its own.
//
// Contract. Pure functions of what they are given: no clock, no I/O, nothing is remembered; everything may be called
// concurrently. The state is about device time alone. Whether a page hears the server is a different question, and says
// Unknown for everything on it: who hears nothing cannot tell a quiet device from a dead line.
package freshness
