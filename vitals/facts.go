package vitals

import "time"

// Facts are what is known of an installation at one moment. Counts are since the program started.
type Facts struct {
	Lanes []Lane
	// NoRoom says why packets are refused for want of space; empty when they are not.
	NoRoom string
	// Lost is how many acknowledged messages were found to be gone or damaged in the lanes, at the start and since.
	Lost uint64
	// AlertsMissed is how many messages of the lanes were gone before alert rules saw them.
	AlertsMissed uint64
	// AlertsLeftOut is how many alert rules times devices are not evaluated, because a tenant has too many.
	AlertsLeftOut uint64
	// DamagedParts is how many parts of tables were set aside because they cannot be read.
	DamagedParts int
	// ControlLog says what contradicts the control log; empty when nothing does.
	ControlLog string
	// EngineRestarts is how often the embedded engine was started again within RestartMemory.
	EngineRestarts int
	// BrokerRestarts is how often the embedded broker was started again within RestartMemory.
	BrokerRestarts int
	// ClockJumped is the largest jump of the clock within JumpMemory, forwards or, negative, backwards.
	ClockJumped time.Duration
	// SnapshotUseless says that the start could not use the snapshot of the control log.
	SnapshotUseless bool
	// LostTrack is how often NATS had lost track of what a consumer has settled.
	LostTrack uint64
	// PassedOver is how many tenants' packets are not forwarded at present, because forwarding fell behind.
	PassedOver int
	Window     Window
}

// Lane is how a lane stands.
type Lane struct {
	Name      string
	Oldest    time.Duration // age of the oldest packet that is not settled; 0 when there is none
	Retention time.Duration // how long the lane keeps what is settled; 0 means for ever
	Stuck     bool          // it is nearly full of packets that are not settled, so that nothing can be dropped to make room
}

// Window is the memory in which repetitions are recognised.
type Window struct {
	Entries int
	Bytes   int
	// Reaches is how far back it goes at least; 0 while it goes back as far as it should.
	Reaches time.Duration
}

const (
	// RestartMemory is how long a restart is remembered: several within it are no accident.
	RestartMemory = 10 * time.Minute
	// JumpMemory is how long a jump of the clock is shown, so that whoever looks at the data of that hour knows.
	JumpMemory = time.Hour
)
