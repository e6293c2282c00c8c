// Package provision makes streams, and says whether those that exist keep what ours would.
//
// Contract: Streams is called when the program starts, by every copy of it at the same time and whoever was first. An
// existing stream is used as it is when it keeps at least what is wanted: a longer age, more replicas, another description are
// welcome. What can be put right without losing a message is changed in place: a size, except that one which discards what is old is
// only made larger; a missing leave for atomic batches or for messages with an age; an age limit where none is wanted. Anything
// else that differs is refused with ErrDiffers, naming it, and left to the operator. Nothing is ever deleted.
package provision
