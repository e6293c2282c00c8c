// Package simulate sends telemetry as devices would: recorded series, this host's own figures, or invented ones, over
// the real endpoints of a running installation (Run), and the demo data of the device list inside the program
// (RunDemo). It owns the sources, the client that sends, its local file of device tokens, and the recorded series that
// the binary carries.
//
// Contract: the packets of one device are sent in the order of their times, a batch at a time; devices are independent
// of each other. A packet keeps its id however often it is sent, so that a retry is the same fact. The server slow,
// limiting (429), full or restarting (503), or unreachable: the batch is sent again, after as long as the answer asks,
// until it is taken or the context ends; meanwhile the device falls behind and catches up later in larger batches,
// without holding more than one batch in memory. A batch that the server refuses for good is counted, reported once
// per reason, and left. The number of requests in flight is bounded. Run and RunDemo block until their context ends
// and everything they started has returned; both may be called concurrently.
package simulate
