package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

// BucketName is the JetStream key-value bucket that holds the sessions.
const BucketName = "SESSIONS"

const (
	// DefaultAbsolute is how long a session lasts at most: a working week between two sign-ins.
	DefaultAbsolute = 7 * 24 * time.Hour

	// DefaultIdle ends a session that nobody uses: a night and a day.
	DefaultIdle = 24 * time.Hour

	// seenEvery is how much later a use must be than the recorded one to be recorded: one write per session and while.
	seenEvery = 5 * time.Minute

	// callTimeout bounds every question to the broker. A person waits for it.
	callTimeout = 5 * time.Second

	tokenBytes    = 32  // 256 random bits
	maxUserAgent  = 256 // bytes kept of what a browser says about itself
	maxAddress    = 64
	maxTokenBytes = 128 // longer text cannot be a token and is not hashed
	maxSession    = 256 // bytes kept of a provider's name of its session

	// MaxListed bounds how many sessions of one person are listed and ended together.
	MaxListed = 500
)

// The errors of this package.
var (
	// ErrNone means that there is no such session, or not any more.
	ErrNone = errors.New("no such session")
	// ErrUnavailable means that the broker did not answer.
	ErrUnavailable = errors.New("sessions are not available")
	// ErrOptions means that a Store cannot be opened with these options.
	ErrOptions = errors.New("wrong options")
)

// Meta is where and how a session was opened.
type Meta struct {
	UserAgent       string
	Address         string
	Provider        id.Provider // where the person signed in; empty for a password
	ProviderSession string      // what the provider calls its own session; may be empty
	Proved          time.Time   // when the person last showed who they are, by a password or the like; zero for not known
}

// Session is a signed-in person at one browser.
type Session struct {
	ID      string // names it among the sessions of the person, and opens nothing
	Person  id.Person
	Created time.Time
	Checked time.Time // when the provider last said that the person may be here
	Seen    time.Time // last use, a few minutes coarse
	Meta    Meta
}

// record is a Session as it stands in the bucket.
type record struct {
	Person    id.Person `json:"person"`
	Created   time.Time `json:"created"`
	Checked   time.Time `json:"checked,omitzero"`
	Proved    time.Time `json:"proved,omitzero"`
	Seen      time.Time `json:"seen"`
	UserAgent string    `json:"user_agent,omitempty"`
	Address   string    `json:"address,omitempty"`

	Provider        id.Provider `json:"provider,omitempty"`
	ProviderSession string      `json:"provider_session,omitempty"`
}

func (r record) session(key string) Session {
	_, name, _ := strings.Cut(key, keySeparator)
	return Session{
		ID: name, Person: r.Person, Created: r.Created, Checked: r.Checked, Seen: r.Seen,
		Meta: Meta{UserAgent: r.UserAgent, Address: r.Address, Provider: r.Provider, ProviderSession: r.ProviderSession, Proved: r.Proved},
	}
}

// Options is what a Store needs.
type Options struct {
	JS       jetstream.JetStream // required
	Replicas int                 // copies of the bucket; 0 means 1
	Log      *slog.Logger        // required
	Now      func() time.Time    // nil means time.Now
	Absolute time.Duration       // 0 means DefaultAbsolute
	Idle     time.Duration       // 0 means DefaultIdle
}

func (o *Options) check() error {
	if o.JS == nil || o.Log == nil {
		return fmt.Errorf("%w: JS and Log are required", ErrOptions)
	}
	if o.Absolute == 0 {
		o.Absolute = DefaultAbsolute
	}
	if o.Idle == 0 {
		o.Idle = DefaultIdle
	}
	if o.Absolute < time.Second || o.Idle < time.Second || o.Replicas < 0 || o.Replicas > 5 {
		return fmt.Errorf("%w: lifetimes of a second or more and 0 to 5 replicas are wanted", ErrOptions)
	}
	o.Replicas = max(1, o.Replicas)
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Store is the sessions of the installation, as seen from one process.
type Store struct {
	kv             jetstream.KeyValue
	log            *slog.Logger
	now            func() time.Time
	absolute, idle time.Duration
	cache          *cache
}

// Open makes the bucket if there is none. It returns ErrOptions or ErrUnavailable.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("open sessions: %w", err)
	}
	kv, err := o.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: BucketName, Description: "Who is signed in", History: 1, TTL: o.Absolute,
		Storage: jetstream.FileStorage, Replicas: o.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("open sessions: %w: %w", ErrUnavailable, err)
	}
	return &Store{kv: kv, log: o.Log, now: o.Now, absolute: o.Absolute, idle: o.Idle, cache: newCache()}, nil
}

// Absolute is how long a session lasts at most; a cookie need not live longer.
func (s *Store) Absolute() time.Duration { return s.absolute }

// Create opens a session and returns its token for the cookie. It returns ErrUnavailable.
func (s *Store) Create(ctx context.Context, person id.Person, meta Meta) (token string, err error) {
	now := s.now().UTC()
	return s.put(ctx, record{
		Person: person, Created: now, Checked: now, Seen: now, Proved: meta.Proved.UTC(),
		UserAgent: cut(meta.UserAgent, maxUserAgent), Address: cut(meta.Address, maxAddress),
		Provider: meta.Provider, ProviderSession: cut(meta.ProviderSession, maxSession),
	})
}

func (s *Store) put(ctx context.Context, r record) (token string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	value, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("create session: %w", err)
	}
	token = newToken(r.Person)
	if _, err := s.kv.Create(ctx, keyOf(token), value); err != nil {
		return "", fmt.Errorf("create session: %w: %w", ErrUnavailable, err)
	}
	return token, nil
}

// Get returns the session of a token and records that it is used. It returns ErrNone when there is none or its time is
// over, and ErrUnavailable when that cannot be told.
func (s *Store) Get(ctx context.Context, token string) (Session, error) {
	if len(token) > maxTokenBytes {
		return Session{}, fmt.Errorf("get session: %w", ErrNone)
	}
	e, err := s.entry(ctx, keyOf(token))
	if err != nil {
		return Session{}, fmt.Errorf("get session: %w", err)
	}
	return e.session(keyOf(token)), nil
}

// entry finds a session that is not over, from the cache or the bucket.
func (s *Store) entry(ctx context.Context, key string) (entry, error) {
	now := s.now()
	e, ok := s.cache.get(key, now)
	if !ok {
		var err error
		if e, err = s.load(ctx, key); err != nil {
			return entry{}, err
		}
	}
	if now.Sub(e.Created) >= s.absolute || now.Sub(e.Seen) >= s.idle {
		return entry{}, ErrNone
	}
	if now.Sub(e.Seen) >= min(seenEvery, s.idle/2) {
		s.touch(ctx, key, &e)
	}
	return e, nil
}

// load asks the bucket. What it finds is cached only if no notice of a change came in meanwhile.
func (s *Store) load(ctx context.Context, key string) (entry, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	generation := s.cache.generation()
	stored, err := s.kv.Get(ctx, key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return entry{}, ErrNone
	case err != nil:
		return entry{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	e := entry{revision: stored.Revision(), loaded: s.now()}
	if err := json.Unmarshal(stored.Value(), &e.record); err != nil {
		return entry{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if _, err := id.Parse[id.Person](string(e.Person)); err != nil {
		return entry{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if owner, _, _ := strings.Cut(key, keySeparator); owner != string(e.Person) {
		return entry{}, ErrNone
	}
	s.cache.put(key, e, generation)
	return e, nil
}

// touch records the use of a session. A failure is not the reader's: somebody else recorded it in the same moment, or
// the session was deleted, which the next Get finds out.
func (s *Store) touch(ctx context.Context, key string, e *entry) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	seen := e.record
	seen.Seen = s.now().UTC()
	value, err := json.Marshal(seen)
	if err == nil {
		_, err = s.kv.Update(ctx, key, value, e.revision)
	}
	s.cache.drop(key) // either way it is not the newest any more
	if err != nil {
		s.log.Debug("use of a session was not recorded", "person", e.Person, "error", err)
		return
	}
	e.record = seen
}

// Rotate replaces the token of a session whose owner's rights were looked at again, and perhaps changed. The session keeps
// its age. It returns ErrNone when there is no such session, and ErrUnavailable.
func (s *Store) Rotate(ctx context.Context, token string) (newToken string, err error) {
	e, err := s.entry(ctx, keyOf(token))
	if err != nil {
		return "", fmt.Errorf("rotate session: %w", err)
	}
	e.Checked = s.now().UTC()
	if newToken, err = s.put(ctx, e.record); err != nil {
		return "", fmt.Errorf("rotate session: %w", err)
	}
	if err := s.Delete(ctx, token); err != nil {
		return "", fmt.Errorf("rotate session: %w", err)
	}
	return newToken, nil
}

// Delete ends a session. One that does not exist is no error. It returns ErrUnavailable.
func (s *Store) Delete(ctx context.Context, token string) error {
	return s.remove(ctx, keyOf(token))
}

func (s *Store) remove(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s.cache.drop(key)
	err := s.kv.Delete(ctx, key)
	s.cache.drop(key) // again: it may have been read between the two
	if err != nil {
		return fmt.Errorf("delete session: %w: %w", ErrUnavailable, err)
	}
	return nil
}

// keySeparator stands between the person and the rest, in tokens and in keys: the sessions of a person lie together.
const keySeparator = "."

func newToken(p id.Person) string {
	random := make([]byte, tokenBytes)
	rand.Read(random) // documented to never return an error
	return string(p) + keySeparator + base64.RawURLEncoding.EncodeToString(random)
}

// keyOf is where the session of a token lies, if there is one. What is not of the form gets a key that nothing lies at.
func keyOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	person, _, _ := strings.Cut(token, keySeparator)
	if _, err := id.Parse[id.Person](person); err != nil {
		person = "nobody"
	}
	return person + keySeparator + hex.EncodeToString(sum[:])
}

// cut shortens text to whole characters of at most n bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
