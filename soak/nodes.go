package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// node is one nats-server process of a cluster on this machine.
type node struct {
	binary, config  string
	log             *os.File
	client, monitor int
	disk            *loopDisk // of its own, when its power is to be cut
	command         *exec.Cmd
}

const nodeConfig = `server_name: %s
listen: 127.0.0.1:%d
http: 127.0.0.1:%d
jetstream { store_dir: %q, sync_interval: always, max_memory_store: 64MB, max_file_store: 32GB }
cluster { name: soak, listen: 127.0.0.1:%d, routes: [%s] }
`

// newNodes builds nats-server and starts three that keep what they are told on disk before they say so, each on a disk
// of its own if asked. Whatever the error, the caller ends the nodes that are returned.
func newNodes(ctx context.Context, s *settings, dir string, ownDisks bool) ([]*node, error) {
	if s.broker == "" {
		s.broker = filepath.Join(s.dir, "nats-server")
		if err := build(ctx, s.broker, "github.com/nats-io/nats-server/v2"); err != nil {
			return nil, fmt.Errorf("%w: %w", errNotRun, err)
		}
	}
	ports, err := freePorts(9)
	if err != nil {
		return nil, err
	}
	var routes []string
	for _, port := range ports[6:] {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	var nodes []*node
	for i := range 3 {
		n := &node{binary: s.broker, client: ports[i], monitor: ports[3+i]}
		home := filepath.Join(dir, fmt.Sprintf("node-%d", i))
		err := n.prepare(ctx, home, ports[6+i], strings.Join(routes, ", "), ownDisks)
		if err == nil {
			err = n.start()
		}
		if err != nil {
			n.clean()
			return nodes, err
		}
		nodes = append(nodes, n)
	}
	return nodes, allHealthy(ctx, nodes)
}

// prepare writes the node's configuration.
func (n *node) prepare(ctx context.Context, home string, cluster int, routes string, ownDisk bool) (err error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	store := filepath.Join(home, "store")
	if ownDisk {
		if n.disk, err = newLoopDisk(ctx, home, 6<<30); err != nil {
			return err
		}
		store = filepath.Join(n.disk.mount, "store")
	}
	n.config = filepath.Join(home, "node.conf")
	text := fmt.Sprintf(nodeConfig, filepath.Base(home), n.client, n.monitor, store, cluster, routes)
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		return err
	}
	n.log, err = os.Create(filepath.Join(home, "log"))
	return err
}

// clean gives back what was prepared.
func (n *node) clean() {
	if n.disk != nil {
		n.disk.close(false)
	}
}

// freePorts asks the kernel; another program could take one in between, which would fail the start and nothing else.
func freePorts(count int) ([]int, error) {
	var ports []int
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func (n *node) start() error {
	n.command = exec.Command(n.binary, "-c", n.config)
	n.command.Stderr = n.log
	return n.command.Start()
}

func (n *node) kill() {
	n.command.Process.Signal(syscall.SIGKILL)
	n.command.Wait()
}

func killAll(nodes []*node) {
	for _, n := range nodes {
		n.kill()
		n.clean()
	}
}

func (n *node) healthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/healthz", n.monitor), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not healthy: %d", n.config, response.StatusCode)
	}
	return nil
}

func allHealthy(ctx context.Context, nodes []*node) error {
	return until(ctx, time.Minute, "three healthy NATS nodes", func() error {
		for _, n := range nodes {
			if err := n.healthy(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func addresses(nodes []*node) string {
	var all []string
	for _, n := range nodes {
		all = append(all, fmt.Sprintf("nats://127.0.0.1:%d", n.client))
	}
	return strings.Join(all, ",")
}
