// Package ingest is the one front door for packets, whatever transport or format they came by.
//
// The life of a packet, the part that happens here:
//
//	Decode    telemetry.Decode: per packet; bad ones are named and kept, good ones go on
//	Take      quota: 429, naming which limit
//	Enrich    what the platform knows of the device goes into the batch
//	Route     asks the tenant's routing rules: which lane, kept or dropped, with which labels, forwarded to where; what a
//	          tenant sends beyond its share goes to the bulk lane
//	Publish   requests of one tenant and lane that arrive together share a message, and the messages of all tenants an
//	          fsync; returns after the stream's ack
//	───────── durable from here: only now does the device get its 200 ─────────
//
// Contract. Owns the definitions of the telemetry streams: one for each lane and one for rejected packets; and a bucket of
// marks, how far each lane had come. Accept returns a Receipt only for packets that the lane's stream has acknowledged;
// with any error the device sends the request again, with the same ids, and nothing is counted twice. Begin and Finish
// are the two halves of Accept, for who has many requests at once: Begin never waits. Packets of one
// request and lane stay in their order; between requests and between lanes there is none. Everything may be called
// concurrently.
//
// A packet that is sent again is recognised by tenant, device and id for at least ten minutes, unless more than a million
// and a half packets came in that time; while the first one is still on its way the second one waits and shares its fate. The memory
// is rebuilt from the lanes at Open. Several copies of the program do not share it: a repetition that reaches another copy
// is stored once all the same, because the tables are sets of facts.
//
// Rules come with each request from Options.Rules and are counted for their tenant. A packet that a rule does not keep is
// accepted, named in the receipt and stored nowhere. A rule that cannot be computed on a packet is counted and does not
// match; after ten such packets of a device within a minute it is passed over for that device for five minutes. What
// is counted and passed over belongs to this process, starts anew with it, and is bounded.
//
// Nothing waits for a timer; but requests that can run go before a turn is put together, so that they come along. Where an
// acknowledgement waits for the disk, one turn of a lane is on its way at a time: a
// message from every tenant that has something to say, in the order in which they came, as one atomic batch with one
// fsync. A batch that the stream refuses is sent again message by message, so that a bad one harms no other; a server that
// knows no batches gets single messages from the start. A tenant with much to say gets one bounded message in each turn,
// like everybody else, so it delays others by what half a megabyte takes to write and no more.
//
// When the stream is slow, requests gather in its next messages, up to a bound of waiting bytes for a tenant and for all;
// beyond it they are refused with ErrUnavailable at once. When the stream does not answer, a request waits five seconds and gets ErrUnavailable, and
// its packets count as undecided: the publisher tells Options.Silent and goes on asking with the same message id, so that the stream stores them
// once, and a repetition waits for that. When the stream is full, or the broker's disk nearly is (Options.Room), requests
// are refused with ErrFull and nothing unprocessed is dropped. Keeping a rejected packet or telling of an attempt never
// makes a good packet fail.
//
// A rejected packet is kept whole up to telemetry.MaxRaw, so that Redrive can send it through the front door again, by the
// same code and with the identity and the time that it had: twice changes nothing. TryAgain says what would come of it and
// leaves no trace. A tenant whose rejected packets take more than its share of the common stream has only their beginnings
// kept.
//
// Trim makes room in a lane by dropping what its caller says is processed, and nothing else; what is older than the lane
// keeps it for replay, too. A lane's stream has no age limit of its own, because a clock that jumps would apply it to
// packets that nobody has processed. Open compares each lane with
// its mark and reads the last minutes of it: what is missing, unreadable or cut off is logged, counted, and told by
// Damage. A cut-off lane begins a new epoch, because its sequences come a second time; nothing here identifies a packet by
// a sequence.
//
// An existing stream is used as it is when it promises at least what we need. Its size is changed to what the options say; what
// else is put right, and what is refused with ErrStreamDiffers, says package provision.
package ingest
