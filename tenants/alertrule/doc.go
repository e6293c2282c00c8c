// Package alertrule says what an alert rule is and when it fires: the rule as tenants write it, and the evaluator that
// runs live, in shadow and over stored readings, the very same.
//
// A rule is about the devices that its selector matches, each by itself. It has one to three levels, one for each severity,
// and the highest level that fires is the state of the rule for the device: ok, pending, firing.
//
// Contract: pure; no clock, no I/O, no goroutines. Changes follow from the Program, the State and the Samples alone. A Program
// never changes and may be used by everybody at once; a State belongs to one rule version and one device, and to one
// goroutine at a time.
//
// Time is device time. A metric keeps the value that it showed last until it shows a newer one. A reading that is not newer
// than what its metric showed already is late or repeated: it is passed over and counted, and changes nothing. So a level
// begins to hold with a reading and holds until another reading says otherwise, and with a duration it fires at the instant
// at which it has held for that long, even if no reading came just then: Due and Tick make that known in time, and a
// Step makes up for what was not ticked. With a clear condition a level that fires ends when that holds, else when its own does not.
//
// What is usual for a metric is learned from its numbers in the order in which they count, for each device by itself, from when the rule
// begins; see package unusual. It is part of the State.
//
// No data is measured by when packets became known, in whole seconds of the server's clock, since a device that says nothing
// has no time of its own. A packet that became known within the last second that counts is in time.
//
// The same Samples in the same order, each with the second in which it became known, make the same Changes, whether they are
// fed as they come or years later. Between two Samples Tick may be called as often as one likes, with any time up to the
// second of the later one.
package alertrule
