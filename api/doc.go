// Package api is Longwave for programs: the transport that devices post packets to, and JSON for scripts.
//
// # Contract
//
// It owns the addresses under /ingest/v1 and /manage/v1, and /livez, /readyz, /metrics and /debug/pprof; what may be asked there, and
// how it is answered. It decides nothing about packets or tenants: credentials and permissions come from tenants, a
// packet's fate from ingest, readings from a Reader that is bound to one tenant before a question can be put.
// Every failure is an RFC 9457 problem from the one table in web/handler, and a foreign id answers exactly as one that
// does not exist.
//
// Concurrency: everything may be called concurrently after New. Requests start no goroutines; a device socket has
// one that answers frames as they become durable, those that are ready together in one write, and two that watch over
// it, all of which have ended when its handler returns. At most maxInFlight frames of a socket are unanswered. Nothing
// is ordered between two requests or two frames: readings are a set.
//
// When something it needs is slow or dead: without the broker a post is answered 503 with Retry-After and nothing of
// it is kept; without the engine only questions about readings fail (503), packets go on. A device that sends slowly is
// cut off after Options.BodyWithin, one that does not read its acknowledgements after writeTimeout. An export that
// fails half-way cuts the connection, so that it cannot be taken for complete. Drain ends the sockets.
//
// Memory: bodies together take at most Options.BodyMemory, whatever the number of connections and of what is announced;
// a tenant can have half of it. Who finds no room within roomWithin is told 503 with Retry-After, a socket that is in the
// middle of a message is closed with 1013. Exports have a few places of their own in the same manner (429).
//
// Figures, and the reasons in /readyz, are for programs on this machine or for those that carry Options.MetricsToken. Profiles
// (Options.Profiling) need both.
//
// # Posting packets
//
// POST /ingest/v1/packets takes one packet, a JSON array of packets (Content-Type application/json, which is also
// assumed when there is none), or one packet a line (application/x-ndjson), as it is or with Content-Encoding gzip or
// zstd. The answer 200 with {"accepted","duplicates","rejected","packet_ids"} is sent only after everything accepted is
// durable. Any other answer acknowledges nothing: what the request held must be kept and sent again unless the answer
// says that it is wrong, and sending it again never hurts, because packets are recognised by their ids. A header
// Idempotency-Key names the request, so that a repetition is recognised even when its packets have no ids or times.
//
// # The device socket
//
// Credentials are a token of ours, a bearer token of somebody else or a client certificate (package proof); with the last two
// the address names the tenant (?tenant=).
//
// GET /ingest/v1/ws is a WebSocket (subprotocol telemetry.v1.json, optional). The token is in the Authorization
// header of the handshake; a client that cannot set one sends {"type":"auth","token":"…"} as its first message within
// ten seconds and is answered {"type":"auth","ok":true,"device":"…"}. A handshake with an Origin is refused unless
// it names this very host: devices are not browsers, and no page elsewhere gets a socket even by accident.
//
// Every message after that is a frame: a packet or an array of packets in JSON, as in a post, bare or with a name for the
// acknowledgement,
//
//	{"frame":"<1 to 64 printable characters>","body":<packet or array of packets>}
//
// and an object of just these two members is never anything else. A message that authenticates is refused later on, as its
// token must not become a value. A frame without a name is known by its number on
// the connection: "1" is the first after authentication, and frames with a name are counted too. Each frame is
// answered once, in any order, after its packets are durable:
//
//	{"ack":"<name>","accepted":2,"duplicates":0,"rejected":[…],"packet_ids":[…]}
//	{"nack":"<name>","status":429,"code":"…","detail":"…","retry_after":2,"errors":[…]}
//
// A nack acknowledges nothing; its members are those of the problem that a post would get. Up to
// maxInFlight frames may be unanswered; beyond that the server stops reading until one is. A frame that was not
// answered when the connection ended may or may not have been kept: send it again, ids make that harmless.
//
// The server pings every thirty seconds. It closes with 1001 when it stops, 1008 when a client sends nothing for
// an hour, 1009 when a frame is too big, 1013 when there is no room for the rest of a message, 4401 when the token is unknown or no longer valid, 4403 when the device is
// disabled, 4408 when no token came in time, and 4429 when the device has too many sockets.
package api
