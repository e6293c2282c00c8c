package web

import (
	"crypto/sha256"
	"maps"
	"sync"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/oidc"
)

// Bounds of the providers that are being set up. They wait in the memory of this process: whoever is led to another one, or
// comes after a restart, types them again.
const (
	draftFor  = 2 * time.Hour
	maxDrafts = 200
)

// draft is an identity provider that somebody sets up and has not saved. It never changes once it is in drafts.
type draft struct {
	tenants.NewProvider        // without the sealed secret
	secret              string // as typed; empty: the saved one
	found               *oidc.Found
	test                *draftTest
	made                time.Time
}

// draftTest is what a test sign-in with a draft brought.
type draftTest struct {
	connection digest // that it was made with
	who        oidc.Identity
	err        error
}

type digest [sha256.Size]byte

// connection names what a test proves: the registration, and not the rules.
func (d *draft) connection() digest {
	return sha256.Sum256([]byte(d.Issuer + "\x00" + d.ClientID + "\x00" + d.secret))
}

// tested says whether a test has worked with the registration as it is now.
func (d *draft) tested() bool {
	return d.test != nil && d.test.err == nil && d.test.connection == d.connection()
}

// draftOf is whose draft it is: nobody else sees it, not even another owner.
type draftOf struct {
	person   id.Person
	provider id.Provider
}

type drafts struct {
	now func() time.Time

	mu  sync.Mutex
	all map[draftOf]*draft
}

func newDrafts(now func() time.Time) *drafts { return &drafts{now: now, all: map[draftOf]*draft{}} }

func (d *drafts) get(of draftOf) (*draft, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found, ok := d.all[of]
	if ok && d.now().Sub(found.made) > draftFor {
		delete(d.all, of)
		return nil, false
	}
	return found, ok
}

// put replaces a draft. When there are too many, the oldest goes.
func (d *drafts) put(of draftOf, v draft) {
	v.made = d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.all, func(_ draftOf, other *draft) bool { return v.made.Sub(other.made) > draftFor })
	if _, there := d.all[of]; !there && len(d.all) >= maxDrafts {
		var oldest draftOf
		for key, other := range d.all {
			if first, ok := d.all[oldest]; !ok || other.made.Before(first.made) {
				oldest = key
			}
		}
		delete(d.all, oldest)
	}
	d.all[of] = &v
}

func (d *drafts) drop(of draftOf) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.all, of)
}

// begun is the draft of a new provider that a person began for a tenant, so that its addresses stay the same.
func (d *drafts) begun(p id.Person, t id.Tenant, saved func(id.Provider) bool) (id.Provider, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for of, v := range d.all {
		if of.person == p && v.Tenant == t && !saved(of.provider) && d.now().Sub(v.made) <= draftFor {
			return of.provider, true
		}
	}
	return "", false
}
