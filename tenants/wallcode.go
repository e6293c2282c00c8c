package tenants

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

// pairingBucket is the JetStream key-value bucket of the codes that screens show just now, by the hash of the code, so that
// any copy of the program can take one. Nothing of a tenant is in it: a screen has none before it is paired.
const pairingBucket = "PAIRING"

const (
	// codeFor is how long a code works: time to walk from the screen to a desk.
	codeFor = 10 * time.Minute

	// maxCodesOfAddress bounds the codes that one address has at a time, for an office that mounts its screens in one day.
	maxCodesOfAddress = 30

	// maxCodeAddresses bounds the addresses that are counted: 20,000 of some 100 bytes.
	maxCodeAddresses = 20_000

	// pairingBytes bounds the bucket; a code needs some 300 bytes.
	pairingBytes = 32 << 20

	// pairingTimeout bounds one question to the bucket. A person, or a screen, waits for it.
	pairingTimeout = 5 * time.Second

	// codeLetters are the digits and letters that nobody takes for another one, read from a distance.
	codeLetters = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

	// codeLength of these are 39 bits: with 1,000 codes at a time and the waits after wrong ones, one guess in five hundred
	// million is right.
	codeLength = 8
)

// WallCode is what a screen is given that nobody has paired yet. The token is the screen's from the beginning, and worth
// nothing until somebody enters the code.
type WallCode struct {
	Code    string // as it is shown: 7F3K-92QD
	Token   string
	Expires time.Time
}

// String leaves the secrets out.
func (c WallCode) String() string { return "wall code until " + c.Expires.String() }

// GoString leaves the secrets out.
func (c WallCode) GoString() string { return c.String() }

// pendingScreen is a screen that waits to be paired, as the bucket has it.
type pendingScreen struct {
	ID      id.Wall   `json:"id"`
	Sum     []byte    `json:"sha256"`
	Expires time.Time `json:"expires"`
	key     string    // in the bucket
}

// pairing hands out codes and takes them back.
type pairing struct {
	kv  jetstream.KeyValue
	log *slog.Logger

	mu sync.Mutex
	of map[string][]time.Time // when the codes of an address end
}

func openPairing(ctx context.Context, o Options) (*pairing, error) {
	kv, err := o.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: pairingBucket, Description: "Codes that screens show until they are paired", History: 1, TTL: codeFor,
		MaxBytes: pairingBytes, Storage: jetstream.FileStorage, Replicas: o.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &pairing{kv: kv, log: o.Log, of: map[string][]time.Time{}}, nil
}

// NewWallCode makes a code for a screen at a network address. It returns a *DelayError when the address has too many that
// still work, and ErrUnavailable.
func (s *Service) NewWallCode(ctx context.Context, address string) (WallCode, error) {
	now := s.now()
	if wait := s.codes.take(address, now); wait > 0 {
		return WallCode{}, fmt.Errorf("wall code: %w", &DelayError{RetryAfter: wait})
	}
	token, public, sum := mintToken(wallPrefix)
	w, err := id.Parse[id.Wall](publicWallPrefix + public)
	if err != nil {
		return WallCode{}, fmt.Errorf("wall code: %w", err)
	}
	code := randomCode()
	screen := pendingScreen{ID: w, Sum: sum[:], Expires: now.Add(codeFor).UTC(), key: codeKey(code)}
	if err := s.codes.put(ctx, screen); err != nil {
		return WallCode{}, fmt.Errorf("wall code: %w", err)
	}
	return WallCode{Code: code[:codeLength/2] + "-" + code[codeLength/2:], Token: token, Expires: screen.Expires}, nil
}

// take counts one more code of an address, or says how long it has to wait for one.
func (p *pairing) take(address string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := p.of[address]
	for len(held) > 0 && !now.Before(held[0]) {
		held = held[1:]
	}
	if len(held) >= maxCodesOfAddress {
		return held[0].Sub(now)
	}
	if _, known := p.of[address]; !known && len(p.of) >= maxCodeAddresses {
		p.expire(now)
		if len(p.of) >= maxCodeAddresses {
			return time.Minute
		}
	}
	p.of[address] = append(held[:len(held):len(held)], now.Add(codeFor))
	return 0
}

// expire forgets the addresses whose codes have all ended; the lock is held.
func (p *pairing) expire(now time.Time) {
	for address, held := range p.of {
		if !now.Before(held[len(held)-1]) {
			delete(p.of, address)
		}
	}
}

func (p *pairing) put(ctx context.Context, screen pendingScreen) error {
	ctx, cancel := context.WithTimeout(ctx, pairingTimeout)
	defer cancel()
	value, err := json.Marshal(screen)
	if err != nil {
		return err
	}
	if _, err := p.kv.Create(ctx, screen.key, value); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// restore makes a code work again that was taken for nothing. It is a convenience, and so is its failure.
func (p *pairing) restore(ctx context.Context, screen pendingScreen) {
	if err := p.put(context.WithoutCancel(ctx), screen); err != nil {
		p.log.Warn("a wall's code is lost, it will show another one", "error", err)
	}
}

// redeem takes the screen that shows a code, so that nobody else can.
func (s *Service) redeem(ctx context.Context, actor Actor, code string) (pendingScreen, error) {
	who := []subject{
		{key: sha256.Sum256([]byte("wall code\x00" + string(actor.Person) + "\x00" + string(actor.Key))), free: freeAttempts},
		{key: sha256.Sum256([]byte("address\x00" + actor.Address)), free: freeAttempts * addressFactor},
	}
	if wait := s.attempts.wait(s.now(), who); wait > 0 {
		return pendingScreen{}, &DelayError{RetryAfter: wait}
	}
	// Counted before the look and taken back afterwards: guesses made at the same time must not all count as the first.
	s.attempts.failed(s.now(), who)
	screen, err := s.codes.claim(ctx, code, s.now())
	if err == nil {
		s.attempts.succeeded(who)
	} else if !errors.Is(err, ErrInvalid) {
		s.attempts.takeBack(who)
	}
	return screen, err
}

func (p *pairing) claim(ctx context.Context, code string, now time.Time) (pendingScreen, error) {
	ctx, cancel := context.WithTimeout(ctx, pairingTimeout)
	defer cancel()
	none := invalid("code", "is shown by no screen just now; it changes every %d minutes", int(codeFor.Minutes()))
	key := codeKey(plainCode(code))
	entry, err := p.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return pendingScreen{}, none
	}
	if err != nil {
		return pendingScreen{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	screen := pendingScreen{key: key}
	if err := json.Unmarshal(entry.Value(), &screen); err != nil || !now.Before(screen.Expires) {
		return pendingScreen{}, none
	}
	if err := p.kv.Delete(ctx, key, jetstream.LastRevision(entry.Revision())); err != nil { // of two who enter it at once, one
		return pendingScreen{}, none
	}
	return screen, nil
}

func codeKey(code string) string {
	sum := sha256.Sum256([]byte("wall code\x00" + code))
	return hex.EncodeToString(sum[:])
}

// plainCode is what somebody typed as it was made: in capitals, without what stands between.
func plainCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToUpper(strings.TrimSpace(typed)))
}

func randomCode() string {
	const unbiased = 256 - 256%len(codeLetters) // bytes from here up would favour the first letters
	out := make([]byte, 0, codeLength)
	for buffer := make([]byte, 2*codeLength); len(out) < codeLength; {
		rand.Read(buffer) // documented to never return an error
		for _, b := range buffer {
			if int(b) < unbiased && len(out) < codeLength {
				out = append(out, codeLetters[int(b)%len(codeLetters)])
			}
		}
	}
	return string(out)
}
