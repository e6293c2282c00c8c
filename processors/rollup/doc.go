// Package rollup keeps the rollups of readings current: again and again it has the windows recomputed that were
// touched since they were last computed. It owns the rhythm and nothing else; what is computed is the store's.
//
// Contract: one recomputation runs at a time per Run. Recomputing is harmless to repeat and to do in several copies of
// the program at once, so there is no election. The store slow: the next round begins an interval after the last one
// ended, never before. The store down: rounds back off up to longestPause, and go on when it is back; charts over
// long ranges lag meanwhile, and touched windows are remembered by the store. Run ends with its context, a round in
// progress with it.
package rollup
