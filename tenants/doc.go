// Package tenants is the control plane: who exists, who may do what, and which devices may send. It owns the control
// log (the JetStream stream CTL) and the projection that is folded from it.
//
// Contract.
//
// Owns: the stream CTL with the subjects ctl.<tenant> and ctl._platform, and every event on them; the roles and the one
// table of what they may do; Principal, which nobody else can make; passwords, API keys and device tokens, of which
// only hashes are ever stored or logged; whom else a tenant believes about its devices; secrets of destinations, which have to be given back and are sealed under the
// master key (package seal); the bucket KEYUSE, in which it notes when API keys were last used, one write for each key and
// minute, so that a crash forgets the last of them; the snapshot file in Options.SnapshotDir.
//
// Ordered: the events of one subject are decided one after the other. A command decides on an immutable State and is
// stored only if that State was still the newest of its subject; otherwise it decides again. All events of a command
// are one message, so a command happens wholly or not at all. A command returns after its own events are visible in
// State, in this process; other processes follow within the time the broker needs to deliver.
//
// Concurrent: everything but Run may be called from any number of goroutines. Readers take a State and never wait. A
// State never changes; two reads that must agree are made from the same one. Run is called exactly once, and commands
// need it to be running.
//
// Rules of both kinds are written as drafts and run only when somebody starts them, with a reason; every version stays in
// the log and can be made the draft again. A silence says when nobody is notified of which alerts; who notifies asks State.
//
// Failed sign-ins are events too, written by Run beside the commands; of a flood of them most are only counted. Looking at
// what is sensitive is one before anything is shown, once an hour for each actor and thing.
//
// What a thing was at an instant is folded from the messages that name it (AsItWas), in the words in which changes are told.
// That reads the log of its tenant: at most 200,000 messages for ten seconds, two questions at a time.
//
// Chained: the hash of the log at a position is SHA-256 over the hash before it, the position, the subject and the
// message. Every message carries the position and the hash that its author had read when it decided, and the position
// of the message before it on its subject; that one it must have read, or it would have been refused. It is one chain
// for the whole log and not one for each tenant: authors of different tenants need not wait for each other, since what
// an author saw may be a little older than what it follows, and still any message speaks for everything before it, so
// that a change in a quiet tenant shows with the next message of any other. Folding checks it in passing, VerifyChain
// from the beginning. Whoever can write the whole log anew can make it agree with itself: against that, and against
// cutting off its end, the head is handed out to be kept elsewhere (Options.Anchor).
//
// A snapshot is the folded state in a file, so that a start reads only what came after it. It is a cache of this
// process and never the truth: one that is damaged, of another version, or not of this log is not used, and says so in
// the log. Without any, everything is read again. It is trusted like the program itself: who can write the file with
// its checksum can write the program.
//
// When the broker is slow or away, reads go on with the last State and commands fail with ErrUnavailable; Run
// reconnects by itself. A command whose acknowledgement does not come is sent again, and stored once; when it fails all
// the same, it may have happened: the State tells. Run and Open end with ErrLog when the log has a hole, was changed, or
// contradicts itself, Run also when the broker came back with a shorter log; and with ErrNewer when a newer version of
// the program wrote to it: going on would mean deciding on wrong facts.
package tenants
