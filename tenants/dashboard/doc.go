// Package dashboard says what a dashboard is: widgets on a grid, each with the devices and metrics that it is about,
// variables that stand for a choice made above the page, and the range of time that is shown first.
//
// Contract. It is plain data and pure functions: no clock, no I/O, nothing is remembered, everything may be called
// concurrently. A Document that Check returned is whole: its widgets have ids that are unique in it and never change
// afterwards, lie inside the grid, and name only variables that it has. Whoever draws one may rely on that.
//
// A document is written as YAML with the id of its dashboard and the ids of its widgets, so that reading it again gives
// the same page. Reading is strict: a name that is not known is an error and never passed over in silence. Everything that
// somebody wrote is bounded by the constants in check.go; *InvalidError says which part of a document is wrong.
package dashboard
