package proof

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"longwave/processors/forward/outbound"
	"longwave/tenants"
	"longwave/tenants/id"
)

const (
	// Skew is how far the clock of an issuer may be from ours.
	Skew = time.Minute

	// maxKnown bounds what is remembered: some 3 MB. Beyond it any one is forgotten, which costs a signature.
	maxKnown = 20_000
)

// Tenants is what a Checker asks of the control plane. Neither call waits.
type Tenants interface {
	State() *tenants.State
	DeviceProved(id.Tenant, id.Device) (tenants.Device, error)
}

// Options configure a Checker.
type Options struct {
	Tenants Tenants          // required
	Guard   *outbound.Guard  // which addresses of issuers may be connected to; nil for public ones only
	Now     func() time.Time // time.Now when nil
}

// Checker decides whether proofs count.
type Checker struct {
	tenants   Tenants
	now       func() time.Time
	transport *http.Transport
	asking    singleflight.Group

	mu      sync.Mutex
	known   map[digest]Proof
	issuers map[string]*issuer // by iss
}

// New makes a Checker. It returns an error when Tenants is missing.
func New(o Options) (*Checker, error) {
	if o.Tenants == nil {
		return nil, errors.New("proof: Tenants is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Guard == nil {
		o.Guard = outbound.New(nil)
	}
	return &Checker{
		tenants: o.Tenants, now: o.Now, transport: o.Guard.Transport(nil), known: map[digest]Proof{}, issuers: map[string]*issuer{},
	}, nil
}

// Proof is that a device has shown who it is. The zero value proves nothing.
type Proof struct {
	tenant     id.Tenant
	device     id.Device
	trust      id.Trust // whose word it is; empty for a certificate that is registered itself
	called     string   // what it calls the device
	thumbprint string   // of the registered certificate
	until      time.Time
}

// Device returns the device of a proof if it still counts. It returns *Refusal when its time is over or what it relied on
// was removed, and the errors of DeviceProved.
func (c *Checker) Device(p Proof) (tenants.Device, error) {
	if !c.now().Before(p.until) {
		return tenants.Device{}, errOver
	}
	st := c.tenants.State()
	if p.trust != "" {
		trust, ok := st.Trust(p.tenant, p.trust)
		if called, known := st.DeviceCalled(p.tenant, trust.Names.By, p.called); !ok || !known || called.ID != p.device {
			return tenants.Device{}, errEnded
		}
	} else if found, ok := st.Certificate(p.tenant, p.thumbprint); !ok || found.Device != p.device {
		return tenants.Device{}, errEnded
	}
	return c.tenants.DeviceProved(p.tenant, p.device)
}

type digest [sha256.Size]byte

// nameOf names what was shown to a tenant.
func nameOf(t id.Tenant, kind string, shown []byte) digest {
	hash := sha256.New()
	for _, part := range [][]byte{[]byte(t), {0}, []byte(kind), {0}, shown} {
		_, _ = hash.Write(part) // documented to never return an error
	}
	return digest(hash.Sum(nil))
}

// recall returns a proof that was found right before and still counts.
func (c *Checker) recall(name digest) (Proof, bool) {
	c.mu.Lock()
	p, ok := c.known[name]
	c.mu.Unlock()
	if !ok {
		return Proof{}, false
	}
	if _, err := c.Device(p); errors.Is(err, tenants.ErrUnauthenticated) {
		c.mu.Lock()
		delete(c.known, name)
		c.mu.Unlock()
		return Proof{}, false
	}
	return p, true
}

func (c *Checker) remember(name digest, p Proof) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		for other := range c.known {
			delete(c.known, other)
			break
		}
	}
	c.known[name] = p
}

// names makes it the proof of the one device that is called by one of the texts, in the tenant that trusts who says so;
// false when there is none, or more than one.
func (p *Proof) names(st *tenants.State, t tenants.Trust, texts []string) bool {
	p.trust = t.ID
	for _, text := range texts {
		called, ok := strings.CutPrefix(text, t.Names.Prefix)
		found, known := st.DeviceCalled(t.Tenant, t.Names.By, called)
		if !ok || !known || found.ID == p.device {
			continue
		}
		if p.device != "" {
			return false
		}
		p.device, p.called = found.ID, called
	}
	return p.device != ""
}
