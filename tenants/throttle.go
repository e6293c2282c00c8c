package tenants

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	freeAttempts  = 4                // wrong passwords in a row before the first wait: people mistype
	firstDelay    = time.Second      // doubled with every further failure
	longestDelay  = 10 * time.Minute // an attacker gets 144 attempts a day at one account from one address
	forgetAfter   = 24 * time.Hour   // without a further failure
	maxThrottled  = 20_000           // 3 MB; beyond it the longest unused is forgotten
	addressFactor = 5                // one address may fail that many times as often, over all accounts: offices share one
)

// throttle makes repeated failures wait longer and longer. Its memory is bounded; it is forgotten with the process.
type throttle struct {
	mu      sync.Mutex
	entries map[digest]*list.Element
	recent  *list.List // of *failures, the most recently used first
}

type failures struct {
	key   digest
	count int
	last  time.Time
}

func newThrottle() *throttle {
	return &throttle{entries: make(map[digest]*list.Element), recent: list.New()}
}

// subject is one thing whose failures are counted, with how many are free.
type subject struct {
	key  digest
	free int
}

// subjects are what a sign-in is counted against: the account from that address, and the address over all accounts.
func subjects(email, address string) []subject {
	return []subject{
		{key: sha256.Sum256([]byte("account\x00" + foldText(email) + "\x00" + address)), free: freeAttempts},
		{key: sha256.Sum256([]byte("address\x00" + address)), free: freeAttempts * addressFactor},
	}
}

// wait returns how long the caller must wait; 0 if the attempt may be made now.
func (t *throttle) wait(now time.Time, who []subject) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range who {
		if e, ok := t.entries[s.key]; ok {
			f := e.Value.(*failures)
			wait = max(wait, f.last.Add(delayAfter(f.count-s.free)).Sub(now))
		}
	}
	return wait
}

// delayAfter is the wait after that many failures beyond the free ones.
func delayAfter(excess int) time.Duration {
	if excess <= 0 {
		return 0
	}
	return min(longestDelay, firstDelay<<min(excess-1, 20)) // 2^20 s is beyond the longest already, and cannot overflow
}

// failed counts one failure.
func (t *throttle) failed(now time.Time, who []subject) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range who {
		e, ok := t.entries[s.key]
		if !ok {
			e = t.recent.PushFront(&failures{key: s.key})
			t.entries[s.key] = e
		}
		f := e.Value.(*failures)
		if now.Sub(f.last) > forgetAfter {
			f.count = 0
		}
		f.count, f.last = f.count+1, now
		t.recent.MoveToFront(e)
	}
	for t.recent.Len() > maxThrottled {
		t.drop(t.recent.Back())
	}
}

// takeBack undoes one failed, for an attempt that turned out right or was never looked at.
func (t *throttle) takeBack(who []subject) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range who {
		if e, ok := t.entries[s.key]; ok {
			if f := e.Value.(*failures); f.count > 1 {
				f.count--
			} else {
				t.drop(e)
			}
		}
	}
}

// succeeded forgets the failures of the account. Those of the address stay, or one account of one's own would be enough
// to try all others from there.
func (t *throttle) succeeded(who []subject) {
	t.takeBack(who)
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.entries[who[0].key]; ok {
		t.drop(e)
	}
}

// drop forgets one entry; the lock is held.
func (t *throttle) drop(e *list.Element) {
	delete(t.entries, e.Value.(*failures).key)
	t.recent.Remove(e)
}
