package tenants

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// Argon2id with the parameters of the OWASP Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane), and the sizes of
// salt and tag of RFC 9106, section 3.1.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	saltBytes   = 16
	tagBytes    = 32
)

const (
	// hashSlots passwords are hashed at the same time: 76 MiB, however many people sign in.
	hashSlots = 4

	// hashQueue requests wait for a slot, a few seconds at most; more are sent away at once.
	hashQueue = 64

	// hashBusy is what those who are sent away are told to wait.
	hashBusy = 5 * time.Second
)

// phc is a hashed password in the PHC string format: the parameters travel with the hash, so that they can be changed
// for new passwords without locking anybody out.
type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, tag      []byte
}

var errPHC = errors.New("not an argon2id PHC string")

func newPHC(password string) phc {
	p := phc{memory: argonMemory, passes: argonTime, lanes: argonLanes, salt: make([]byte, saltBytes)}
	rand.Read(p.salt) // documented to never return an error
	p.tag = p.derive(password, tagBytes)
	return p
}

// decoyPHC costs as much to compare with as a real one and matches no password that can be found.
func decoyPHC() phc {
	p := phc{memory: argonMemory, passes: argonTime, lanes: argonLanes, salt: make([]byte, saltBytes)}
	p.tag = make([]byte, tagBytes)
	rand.Read(p.tag)
	return p
}

func (p phc) derive(password string, size uint32) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, size)
}

func (p phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(p.derive(password, uint32(len(p.tag))), p.tag) == 1
}

func (p phc) encode() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.lanes,
		b64.EncodeToString(p.salt), b64.EncodeToString(p.tag))
}

// parsePHC reads what encode wrote. Its error never quotes the text.
func parsePHC(text string) (p phc, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, errPHC
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil {
		return p, errPHC
	}
	var saltErr, tagErr error
	p.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	p.tag, tagErr = base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || tagErr != nil || len(p.tag) < tagBytes || p.passes == 0 || p.lanes == 0 || p.memory > 4*argonMemory {
		return p, errPHC
	}
	return p, nil
}

// hasher bounds the memory and time that passwords cost, however many people try.
type hasher struct {
	slots, queue chan struct{}
	decoy        phc
}

func newHasher() *hasher {
	return &hasher{slots: make(chan struct{}, hashSlots), queue: make(chan struct{}, hashQueue), decoy: decoyPHC()}
}

// hash makes the PHC string of a password. It returns a *DelayError when too many wait already.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return newPHC(password).encode(), nil
}

// verify says whether the password is the one of the PHC string. It returns a *DelayError when too many wait already.
func (h *hasher) verify(ctx context.Context, password string, p phc) (bool, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return p.matches(password), nil
}

func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, &DelayError{RetryAfter: hashBusy}
	}
	defer func() { <-h.queue }()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
