// Package tenants is the control plane: who exists, who may do what, and which devices may send. It owns the control
// log (the JetStream stream CTL) and the projection that is folded from it.
//
// Contract.
//
// Owns: the stream CTL with the subjects ctl.<tenant> and ctl._platform, and every event on them; the roles and the one
// table of what they may do; Principal, which nobody else can make; passwords, API keys and device tokens, of which
// only hashes are ever stored or logged.
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
// When the broker is slow or away, reads go on with the last State and commands fail with ErrUnavailable; Run
// reconnects by itself. When a command's acknowledgement is lost, the command may have happened: the State tells. Run
// and Open end with ErrLog when the log has a hole or contradicts itself, and with ErrNewer when a newer version of the
// program wrote to it: going on would mean deciding on wrong facts.
package tenants
