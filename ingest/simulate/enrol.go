package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// credential is a device as its creation was answered. A token cannot be read again, so it is kept.
type credential struct {
	ID    string `json:"id"`
	Token string `json:"token"`
}

// wallet is the file of tokens: by server, and by name of the device.
type wallet struct {
	path    string
	mu      sync.Mutex
	servers map[string]map[string]credential
}

// private is the mode of the file of tokens: whoever reads it can send as the devices.
const private = 0o600

func openWallet(path string) (*wallet, error) {
	w := &wallet{path: path, servers: make(map[string]map[string]credential)}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: --tokens: %w", ErrConfig, err)
	}
	if err := json.Unmarshal(content, &w.servers); err != nil {
		return nil, fmt.Errorf("%w: --tokens: %s is no file of tokens: %w", ErrConfig, path, err)
	}
	return w, nil
}

func (w *wallet) get(server, name string) (credential, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, found := w.servers[server][name]
	return c, found
}

func (w *wallet) put(server, name string, c credential) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.servers[server] == nil {
		w.servers[server] = make(map[string]credential)
	}
	w.servers[server][name] = c
}

// save replaces the file as a whole, so that an interruption leaves the old one.
func (w *wallet) save() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	content, err := json.MarshalIndent(w.servers, "", "  ")
	if err != nil {
		return fmt.Errorf("save tokens: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(w.path), filepath.Base(w.path)+".*") // made readable by its owner alone
	if err != nil {
		return fmt.Errorf("save tokens: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // fails once it is renamed, as it should
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(private), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), w.path)
	}
	if err != nil {
		return fmt.Errorf("save tokens: %w", err)
	}
	return nil
}

// enrol gives every source a device of the server: one known from an earlier run, if it still exists, or a new one.
func enrol(ctx context.Context, c Config, client *client, sources []source) ([]*device, error) {
	tokens, err := openWallet(c.Tokens)
	if err != nil {
		return nil, err
	}
	fleet := make([]*device, len(sources))
	tasks, taskCtx := errgroup.WithContext(ctx)
	tasks.SetLimit(c.InFlight)
	for n, s := range sources {
		tasks.Go(func() error {
			var err error
			fleet[n], err = client.admit(taskCtx, tokens, s, c.Flush)
			return err
		})
	}
	err = tasks.Wait()
	if saved := tokens.save(); saved != nil { // also after an error: what was created must not be created again
		err = errors.Join(err, fmt.Errorf("%w: --tokens: %w", ErrConfig, saved))
	}
	if err != nil {
		return nil, err
	}
	return fleet, nil
}

// admit gives a source its device. A token of an earlier run is taken on trust: should the server not know it any more,
// because the device was deleted say, the first answer tells, and the device is created anew.
func (c *client) admit(ctx context.Context, tokens *wallet, s source, flush time.Duration) (*device, error) {
	d := &device{source: s, client: c, flush: flush}
	if known, found := tokens.get(c.url, s.name()); found {
		d.token = known.Token
		d.renew = func(ctx context.Context) error {
			if err := c.enter(ctx, tokens, d); err != nil {
				return err
			}
			return tokens.save()
		}
		return d, nil
	}
	return d, c.enter(ctx, tokens, d)
}

// enter creates the device at the server.
func (c *client) enter(ctx context.Context, tokens *wallet, d *device) error {
	made, err := c.create(ctx, d.source.name())
	if err != nil {
		return err
	}
	tokens.put(c.url, d.source.name(), made)
	d.token = made.Token
	return nil
}
