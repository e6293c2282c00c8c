// Package erase makes deletions come true: a device that was deleted in the control log is gone for people at once,
// and its readings and events are removed here, for good.
//
// Contract: a device is erased only after everything that stood in the lanes when the erasure was taken up is settled,
// so that nothing of it can be stored afterwards; until then the processors drop its packets. Then its data is erased,
// which the store verifies, and only then the erasure is reported as done with what it removed. Every step may be
// repeated: after a crash, a restart, or when two copies of the program take up the same erasure, it is done again to
// the same effect, and the copy that reports last finds nothing left to report. Erasures are done one after the other.
// The lanes, the store or the control log slow or down: erasures wait and are taken up again with back-off. Run ends
// with its context, whatever is in progress with it; what is not reported as done is taken up by the next Run.
//
// A tenant is deleted in the same way by RunTenants: taken out of the control plane, given a few seconds in which other copies
// of the program hear of it, settled in the lanes, removed part by part, counted again, and reported only when every count is
// zero. The order of the parts is that nothing can be made again from what is still there.
package erase
