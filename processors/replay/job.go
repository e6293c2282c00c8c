package replay

import (
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Kind is what a job does.
type Kind string

// The kinds of jobs.
const (
	Redrive Kind = "redrive" // rejected packets go through the front door again
	Dismiss Kind = "dismiss" // rejected packets are removed from the work list
	Preview Kind = "preview" // packets of the lanes are counted and nothing else
	Store   Kind = "store"   // packets of the lanes are stored again, and rolled up
	Forward Kind = "forward" // packets of the lanes go to one destination
	Route   Kind = "route"   // packets of the lanes go where the routing rules of now forward them
)

// Kinds lists every kind.
func Kinds() []Kind { return []Kind{Redrive, Dismiss, Preview, Store, Forward, Route} }

// OfLanes says whether the kind is about packets of the lanes, as opposed to rejected ones.
func (k Kind) OfLanes() bool { return k == Preview || k == Store || k == Forward || k == Route }

// Writes says whether the kind changes anything.
func (k Kind) Writes() bool { return k != Preview }

// Words is what a job of the kind does, to follow "began to".
func (k Kind) Words() string {
	switch k {
	case Redrive:
		return "send rejected packets again"
	case Dismiss:
		return "dismiss rejected packets"
	case Preview:
		return "preview a replay"
	case Forward:
		return "replay packets to a destination"
	case Route:
		return "replay packets through the routing rules"
	default:
		return "replay packets into the storage"
	}
}

// Rates of jobs, in packets per second.
const (
	// DefaultRate of a replay leaves most of the storage to what comes in.
	DefaultRate = 5_000
	// MaxRate is what the storage takes beside its daily work on a small machine.
	MaxRate = 50_000
	// DefaultForwardRate is what most receivers take without pushing back.
	DefaultForwardRate = 100
	// MaxForwardRate is what the queue for destinations takes beside what comes in.
	MaxForwardRate = 2_000
	// DefaultRedriveRate is far below what one device may send, so that its own packets are not refused because of the job.
	DefaultRedriveRate = 100
	// MaxRedriveRate empties the largest work list of a tenant in minutes.
	MaxRedriveRate = 1_000
)

// rates are the default and the highest rate of a kind.
func (k Kind) rates() (usual, most int) {
	switch k {
	case Redrive, Dismiss:
		return DefaultRedriveRate, MaxRedriveRate
	case Preview:
		return MaxRate, MaxRate
	case Forward, Route:
		return DefaultForwardRate, MaxForwardRate
	default:
		return DefaultRate, MaxRate
	}
}

// State is where a job stands.
type State string

// The states of a job. The last three are final.
const (
	Waiting   State = "waiting"
	Running   State = "running"
	Done      State = "done"
	Cancelled State = "cancelled"
	Failed    State = "failed"
)

// Ended says whether the state is final.
func (s State) Ended() bool { return s != Waiting && s != Running }

// Job is work that somebody asked for. Filter is set for rejected packets, Selection for those of lanes.
type Job struct {
	ID        id.Job    `json:"id"`
	Kind      Kind      `json:"kind"`
	Filter    Filter    `json:"filter,omitzero"`
	Selection Selection `json:"selection,omitzero"`
	// Destination is where packets go, for Forward.
	Destination id.Destination `json:"destination,omitempty"`
	Rate        int            `json:"rate"` // packets per second
	By          string         `json:"by"`   // who asked, in words
	Created     time.Time      `json:"created"`
	Began       time.Time      `json:"began,omitzero"`
	Ended       time.Time      `json:"ended,omitzero"`
	State       State          `json:"state"`
	Problem     string         `json:"problem,omitempty"` // why it failed or waits, for the person who asked
	Progress    Progress       `json:"progress"`

	Cancel bool   `json:"cancel,omitempty"` // somebody asked its owner to stop
	Owner  string `json:"owner,omitempty"`  // the copy of the program that does it
	Told   bool   `json:"told,omitempty"`   // its end is in the control log
}

// untold says whether the control log does not know yet how the job ended.
func (j *Job) untold() bool { return j.State.Ended() && !j.Told && j.Kind.Writes() }

// Progress is how far a job has come. Of lanes, Total and Read count messages; of rejected packets, packets.
type Progress struct {
	Total   uint64           `json:"total"`
	Read    uint64           `json:"read"`
	Packets uint64           `json:"packets"`           // of lanes: that were selected
	Bytes   uint64           `json:"bytes,omitempty"`   // of lanes: the messages that hold them
	Devices uint64           `json:"devices,omitempty"` // of a preview
	First   telemetry.Micros `json:"first,omitempty"`   // oldest device time
	Last    telemetry.Micros `json:"last,omitempty"`    // newest device time
	Samples []Sample         `json:"samples,omitempty"`

	Stored    uint64 `json:"stored,omitempty"`    // packets that are where they should be
	Queued    uint64 `json:"queued,omitempty"`    // packets that are on the queue of a destination
	Refused   uint64 `json:"refused,omitempty"`   // packets that were refused, again
	Dismissed uint64 `json:"dismissed,omitempty"` // rejected packets that were removed
	Dropped   uint64 `json:"dropped,omitempty"`   // packets of devices that do not exist any more
	Damaged   uint64 `json:"damaged,omitempty"`   // messages that cannot be read

	Begun bool      `json:"begun,omitempty"`
	Next  [3]uint64 `json:"next"` // the place in each lane to go on at; of rejected packets, the first
	Ends  [3]uint64 `json:"ends"` // the last place of each lane when the job began
}

// Sample is one packet as an example.
type Sample struct {
	Device   id.Device        `json:"device"`
	Name     string           `json:"name"` // of the device
	Received telemetry.Micros `json:"received"`
	Raw      string           `json:"raw"`
}

// SecondsLeft estimates how long a running job will take; ok is false when that is not known.
func (j *Job) SecondsLeft(now time.Time) (seconds int, ok bool) {
	p, spent := j.Progress, now.Sub(j.Began).Seconds()
	if j.State != Running || p.Read == 0 || p.Total <= p.Read || spent <= 0 {
		return 0, false
	}
	return int(spent/float64(p.Read)*float64(p.Total-p.Read)) + 1, true
}
