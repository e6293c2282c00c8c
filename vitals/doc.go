// Package vitals decides what an operator must see: one short list of conditions under which packets were lost, or soon
// may be refused or lost, or the program is not what it seems.
//
// Contract: Judge is a pure function from Facts to the Conditions that hold; every limit stands in this package, and the
// list of names, which metrics and alarms of the operator's own refer to, only grows. A fact that is not known makes no
// condition: that something cannot be asked is for the health checks. A Board remembers since when a condition holds and
// tells what begins and ends; its methods may be called concurrently. Nothing here does I/O or reads a clock.
package vitals
