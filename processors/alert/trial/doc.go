// Package trial tries an alert rule on the past: it runs the evaluator of package alertrule, the very same that runs live, over
// stored readings, and says when the rule would have fired and cleared, where, and how many messages that would have been.
//
// Contract: a trial begins afresh at the beginning of its period, as a rule does that is enabled at that instant, and sees
// what became known in the period, one device after the other, each in the order in which it became known. So it finds exactly what a
// rule recorded that ran for the same period: the same changes, at the same instants, with the same values.
//
// Exactly is as much as what is stored can say. Of a reading the second is stored in which it became known. So the order is known, unless
// a device sends several requests within one second that are not in the order of its own time, or the values of one instant in
// several requests; and the second is the right one, unless a reading was sent again later than the lanes know a
// repetition (two minutes), since then the later one stands. Such a reading looks late: Result.Late counts all that do, and
// while it is 0 there were none. What was over a day old when it became known is not seen. Neither are what live evaluation alone knows:
// that it was over its limits, or that nobody evaluated for a while. Devices are taken as they are now.
//
// Bounded: devices in a trial, trials of a tenant and of the process at once, what is kept of each device, and the time that
// it takes. Memory does not grow with the readings. A trial changes nothing, anywhere. It ends when its context does; the storage slow
// or away: it fails with ErrUnavailable or ErrTooMuch, and nobody else notices.
//
// Trials may be used concurrently.
package trial
