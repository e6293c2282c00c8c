package engine

import "time"

// Limits of the engine and of its HTTP interface, each with its reason.
const (
	// defaultMemoryLimit bounds what all queries and merges hold together: room for several large reads at once on a
	// small machine, and well below what would make the kernel kill the child.
	defaultMemoryLimit = 2 << 30
	// memoryShare is the part of it that one query may take, so that one alone cannot starve the rest.
	memoryShare = 2
	// markCache bounds ClickHouse's index cache, whose own default of 5 GiB is meant for a server of its own.
	markCache = 128 << 20

	// mergeThreads is how many merges and mutations run at once, and mergeNice how far they stand back: ClickHouse's own
	// sixteen take the processor from inserts on a small machine, where merging later costs nothing but some speed of
	// reading. Merges that fall behind for good slow inserts down long before there are too many parts.
	mergeThreads = 2
	mergeNice    = 5

	// maxExecution ends a query that nobody sensible is still waiting for; a request may set another.
	maxExecution = 60 * time.Second

	// insertSlots and readSlots: inserts are short and must never wait for reads, so each kind has its own. Three lanes
	// with up to three tables at once, less than all of it together, and a rollup; more only trades latency for memory.
	insertSlots = 8
	readSlots   = 8

	// maxStatement bounds SQL text, values of a VALUES list included.
	maxStatement = 16 << 20
	// maxInsert bounds the data of one insert, which is held in memory beside the engine's own; a batch of 100 000
	// readings is a tenth of it.
	maxInsert = 128 << 20
	// statementPeek is how much of a body is looked at to tell a statement from the data behind it.
	statementPeek = 64 << 10

	// bodyTimeout is how long a statement or the data of an insert may take to arrive, from the same machine.
	bodyTimeout = 30 * time.Second
	// writeTimeout is how long a client may take no bytes before its query is ended: longer than any pause of ours.
	writeTimeout = 60 * time.Second
	// headerTimeout bounds how long a connection may dawdle before it asks something.
	headerTimeout = 10 * time.Second
	// killInterval is the pause between attempts to cancel a statement; it may not be known to the engine yet.
	killInterval = 50 * time.Millisecond
	// drainTimeout is what requests under way get to end when the child is told to stop.
	drainTimeout = 5 * time.Second
	// flushTimeout is what their last bytes get, over a local socket.
	flushTimeout = 100 * time.Millisecond
	// closeTimeout is what the engine gets to close its tables; after it the process exits anyway, and what was
	// committed is safe as it would be after a crash.
	closeTimeout = 10 * time.Second
	// lockTimeout is how long a child waits for the one before it to let go of the data directory.
	lockTimeout = 30 * time.Second
	// lockInterval is the pause between two looks at the lock.
	lockInterval = 20 * time.Millisecond

	// readyTimeout bounds the start of a child that is restarted; attaching very many parts takes seconds.
	readyTimeout = 60 * time.Second
	// stopTimeout is how long the parent waits for an orderly end before it kills: all of the child's own limits.
	stopTimeout = drainTimeout + flushTimeout + closeTimeout + time.Second
	// probeEvery, probeTimeout and probeMisses: a child that is there but answers nothing for one and a half minutes is
	// killed; an engine that is merely busy answers a probe within milliseconds, as it needs no slot.
	probeEvery   = 10 * time.Second
	probeTimeout = 20 * time.Second
	probeMisses  = 3
	// backoffMin and backoffMax: at once after one crash, gently when it crashes over and over.
	backoffMin = 100 * time.Millisecond
	backoffMax = 10 * time.Second
	// settled is how long a child must have lived for its death to count as the first one again.
	settled = time.Minute
	// dialWait is how long a new connection waits for a child that is being restarted.
	dialWait = 5 * time.Second
	// acquireWait is how long a client waits for a connection of its pool, which a slow query may hold.
	acquireWait = 30 * time.Second
	// responseWait is how long a client waits for the first byte of an answer; a slow query may use all its time.
	responseWait = 5 * time.Minute
	// maxSocketPath is what a Unix socket's address holds on every system we run on.
	maxSocketPath = 100
	// stderrTail is how much of a dead child's last words are kept for the report.
	stderrTail = 2 << 10
)
