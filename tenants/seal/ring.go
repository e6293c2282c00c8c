package seal

import (
	"bufio"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// keyBytes is the length of a master key.
	keyBytes = 32

	// keyIDBytes of a hash name a key: enough that an operator can tell keys apart, and nothing that helps to guess one.
	keyIDBytes = 6

	// maxKeys and maxKeyFile bound what is read: a key a year for a lifetime.
	maxKeys    = 64
	maxKeyFile = 16 << 10

	// File is the name of the key file that Ensure makes.
	File = "master.key"
)

// The classes of errors of this package.
var (
	// ErrKeyFile means that a key file cannot be read or holds no key; its text says which line and what is right.
	ErrKeyFile = errors.New("the master key file cannot be used")
	// ErrKey is the class of every *KeyError.
	ErrKey = errors.New("the master key is missing")
	// ErrSealed means that a sealed value was changed, moved to another place, or never sealed.
	ErrSealed = errors.New("the sealed value does not belong here or was changed")
)

// KeyError says which master key is needed to open a sealed value.
type KeyError struct {
	Need string   // id of the key that it was sealed under
	Have []string // ids of those that are there
}

// Error names the keys by their ids, which are no secret.
func (e *KeyError) Error() string {
	return fmt.Sprintf("it was sealed under the master key %s, and the key file has %s; add the line of that key to the file", e.Need, strings.Join(e.Have, ", "))
}

// Is makes every *KeyError an ErrKey.
func (e *KeyError) Is(target error) bool { return target == ErrKey }

// Ring holds the master keys. It never changes.
type Ring struct {
	ids   []string // the first one seals
	keys  map[string]cipher.AEAD
	fresh bool
}

// Load reads the key file at path. It returns ErrKeyFile for one that cannot be read or holds anything but keys.
func Load(path string) (*Ring, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	defer file.Close()
	ring, err := read(io.LimitReader(file, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKeyFile, path, err)
	}
	return ring, nil
}

// Ensure is Load for the file of that name in a directory of this process alone, which is made with a new key when there
// is none; Fresh tells. It returns ErrKeyFile like Load, and the file system's error when the file cannot be made.
func Ensure(dir string) (*Ring, error) {
	path := filepath.Join(dir, File)
	ring, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return ring, err
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("make a master key: %w", err)
	}
	if ring, err = Load(path); err == nil {
		ring.fresh = true
	}
	return ring, err
}

// Fresh says that the key was made a moment ago: somebody must be told to keep a copy of it.
func (r *Ring) Fresh() bool { return r.fresh }

// Current is the id of the key that seals.
func (r *Ring) Current() string { return r.ids[0] }

// create writes a new key file that is there as a whole or not at all, and durable before anything is sealed under it.
func create(path string) (err error) {
	key := make([]byte, keyBytes)
	rand.Read(key) // documented to never return an error
	text := "# The master key of a Longwave installation. Keep a copy where the data is not: without it, the secrets that\n" +
		"# destinations and identity providers need cannot be read any more. The first line seals, all of them open.\n" +
		base64.StdEncoding.EncodeToString(key) + "\n"
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename in a directory survive a power cut.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func read(from io.Reader) (*Ring, error) {
	r := &Ring{keys: make(map[string]cipher.AEAD)}
	lines := bufio.NewScanner(from)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(r.ids) == 0 {
		return nil, errors.New("it holds no key; a key is a line of 32 random bytes in base64, as `head -c 32 /dev/urandom | base64` prints it")
	}
	return r, nil
}

// add never puts the line into an error: it may be a key with a slip in it.
func (r *Ring) add(line string) error {
	key, err := base64.StdEncoding.DecodeString(line)
	if err != nil || len(key) != keyBytes {
		return fmt.Errorf("it is no key; a key is %d random bytes in base64, 44 characters", keyBytes)
	}
	if len(r.ids) == maxKeys {
		return fmt.Errorf("more than %d keys", maxKeys)
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return err
	}
	id := keyID(key)
	if _, twice := r.keys[id]; !twice {
		r.ids = append(r.ids, id)
	}
	r.keys[id] = aead
	return nil
}

// keyID names a key without telling anything about it.
func keyID(key []byte) string {
	sum := sha256.Sum256(append([]byte("longwave master key id\x00"), key...))
	return hex.EncodeToString(sum[:keyIDBytes])
}
