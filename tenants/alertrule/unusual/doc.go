// Package unusual says how unusual each reading of a series is, from 0 (as ever) to 1, by what the series showed before
// and by nothing else: there is no training, no model of the kind of data, and nothing to set.
//
// Every reading is looked at in eight ways (see signals): how far it is from the long run and from what is expected of this
// hour, both at once and over the last dozen readings, whether it moves more or less than usual, leaves the range
// that was ever seen, or jumps. For each way it is known how high the peaks of past stretches of readings went; how many
// usual deviations a signal is above them is its surprise. Surprises that agree add up, as the cube root of their cubes.
// What is expected is the recent level, the mean of the hour of the day, or that of the hour of the week, whichever was right most.
//
// Score is about news: after a reading of note only one that is twice as surprising scores for a while, so that a
// lasting disturbance is one piece of news. Held is for alerts: it begins with the news and lasts as long as the series
// goes on to surprise.
//
// Contract: pure; no clock, no I/O, no goroutines. A Series belongs to one goroutine at a time. It takes constant memory and
// never allocates. Verdicts follow from the readings and their times in the order in which they are given, exactly, also if the series
// was written as bytes and read again in between. The first stretches of readings score 0, since nothing is known yet.
package unusual
