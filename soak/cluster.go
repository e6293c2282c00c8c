package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// longestStall is how long a cluster may take to elect other leaders. Where a node lives on, it does not even end the
// connections to it: what counts is that nobody waits until the network is whole again.
func (k nodeKind) longestStall() time.Duration {
	if k.linked {
		return partedFor
	}
	return 10 * time.Second
}

// killNode kills one of three NATS nodes at a time, in turn, so that each is a leader of something when it dies.
func killNode(ctx context.Context, s *settings) (row, error) {
	return loseNodes(ctx, s, "cluster", nodeKind{})
}

// cutNode cuts the power of one node at a time.
func cutNode(ctx context.Context, s *settings) (row, error) {
	return loseNodes(ctx, s, "node-power", nodeKind{ownDisks: true})
}

func loseNodes(ctx context.Context, s *settings, name string, kind nodeKind) (row row, err error) {
	row.times = s.times(6)
	dir := filepath.Join(s.dir, name)
	nodes, err := newNodes(ctx, s, dir, kind)
	defer killAll(nodes)
	if err != nil {
		return row, err
	}
	r, err := newClusterRig(ctx, s, dir, nodes)
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	if err := r.fleet.acknowledgeMore(ctx, 5_000); err != nil {
		return row, err
	}
	r.fleet.longestStall()
	for i := range row.times {
		if err := r.loseOne(ctx, nodes, nodes[i%len(nodes)]); err != nil {
			return row, err
		}
	}
	stall := r.fleet.longestStall()
	row.figures = fmt.Sprintf("R3, sync always; longest time without an acknowledgement %.1f s", stall.Seconds())
	if limit := kind.longestStall(); stall > limit {
		row.broken = fmt.Sprintf("no acknowledgement for %.1f s, promised are %s", stall.Seconds(), limit)
	}
	row.verdict, err = r.judge(ctx)
	return row, err
}

func (r *rig) loseOne(ctx context.Context, all []*node, victim *node) error {
	back, err := r.strike(ctx, all, victim)
	if err != nil {
		return err
	}
	if err := r.fleet.acknowledgeMore(ctx, 5_000); err != nil {
		return fmt.Errorf("with one node gone: %w", err)
	}
	wait(ctx, goneFor)
	if err := back(); err != nil {
		return err
	}
	if err := allHealthy(ctx, all); err != nil {
		return err
	}
	return r.fleet.acknowledgeMore(ctx, 2_000)
}

// goneFor is how long a node stays away at least.
const goneFor = 3 * time.Second

// strike takes a node away from the others: by its network, its power, or itself, whatever is its own.
func (r *rig) strike(ctx context.Context, all []*node, victim *node) (back func() error, err error) {
	switch {
	case len(victim.links) > 0:
		isolate(all, victim)
		wait(ctx, partedFor)
		return func() error { rejoin(all, victim); return nil }, nil
	case victim.disk != nil:
		r.fleet.blackout.Store(true) // as in loseCurrent
		err := victim.disk.cut()
		victim.kill()
		r.fleet.blackout.Store(false)
		if err != nil {
			return nil, err
		}
		return victim.start, victim.disk.reboot(ctx)
	}
	victim.kill()
	return victim.start, nil
}

// partedFor is long enough that both sides take each other for dead.
const partedFor = 20 * time.Second

// newClusterRig starts the program against the nodes. Setup works on embedded queues only, so the installation is
// claimed through the first-run form, as a person would.
func newClusterRig(ctx context.Context, s *settings, dir string, nodes []*node, outside ...string) (*rig, error) {
	r, err := newCopy(ctx, s, dir, nodes, outside...)
	if err != nil {
		return nil, err
	}
	if err := r.claim(ctx); err != nil {
		return nil, errors.Join(err, r.process.stop())
	}
	return r, r.enlist(ctx, usual)
}

// newCopy starts one copy of the program against the nodes, and whatever else is outside of it.
func newCopy(ctx context.Context, s *settings, dir string, nodes []*node, outside ...string) (r *rig, err error) {
	outside = append(outside, "--nats-url", addresses(nodes), "--nats-replicas", "3")
	r = &rig{settings: s, dir: dir, data: filepath.Join(dir, "data"), outside: outside, flags: toOurselves()}
	if r.log, err = os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	return r, r.start(ctx)
}

// claim fills in the forms of the first run and of a new key.
func (r *rig) claim(ctx context.Context) error {
	link, err := url.Parse(r.process.words["first run"])
	if err != nil || link.Query().Get("token") == "" {
		return fmt.Errorf("the start printed no first-run link: %v", r.process.words)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	landed, _, err := fillIn(ctx, browser, r.base()+"/first-run", url.Values{"token": {link.Query().Get("token")},
		"email": {operator}, "name": {"Soak"}, "password": {password}, "tenant": {"Soak"}})
	if err == nil && landed == "/sign-in" { // the node that was asked for the session did not know of it yet
		landed, err = r.signIn(ctx, browser)
	}
	if err != nil {
		return err
	}
	found := regexp.MustCompile(`^/t/([^/]+)`).FindStringSubmatch(landed)
	if found == nil {
		return fmt.Errorf("the first run led to %s", landed)
	}
	r.tenant = found[1]
	_, page, err := fillIn(ctx, browser, r.base()+"/t/"+r.tenant+"/keys", url.Values{"name": {"soak"}, "role": {"owner"}})
	if err != nil {
		return err
	}
	if r.key = regexp.MustCompile(`lwk_[A-Za-z0-9_]+`).FindString(page); r.key == "" {
		return errors.New("the page showed no new key")
	}
	return nil
}

// signIn returns where it led to.
func (r *rig) signIn(ctx context.Context, browser *http.Client) (path string, err error) {
	path, _, err = fillIn(ctx, browser, r.base()+"/sign-in", url.Values{"email": {operator}, "password": {password}})
	return path, err
}

// fillIn posts a form and follows it to the page it leads to.
func fillIn(ctx context.Context, browser *http.Client, address string, form url.Values) (path, page string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := browser.Do(request)
	if err != nil {
		return "", "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %d", address, response.StatusCode)
	}
	return response.Request.URL.Path, string(text), err
}
