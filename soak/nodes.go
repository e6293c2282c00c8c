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
	number                   int
	binary, config           string
	log                      *os.File
	client, monitor, cluster int // ports
	routes                   []string
	advertise                string        // what it tells other nodes of its address
	links                    map[int]*link // to other nodes, when they can be cut
	disk                     *loopDisk     // of its own, when its power is to be cut
	command                  *exec.Cmd
}

const nodeConfig = `server_name: %s
listen: 127.0.0.1:%d
http: 127.0.0.1:%d
jetstream { store_dir: %q, sync_interval: always, max_memory_store: 64MB, max_file_store: 32GB }
cluster { name: soak, listen: 127.0.0.1:%d, %s routes: [%s] }
`

// nodeKind says what can be done to nodes besides killing them.
type nodeKind struct {
	ownDisks bool // each has a disk whose power can be cut
	linked   bool // they reach each other over links that can be cut
}

// newNodes builds nats-server and starts three that keep what they are told on disk before they say so. Whatever the
// error, the caller ends the nodes that are returned.
func newNodes(ctx context.Context, s *settings, dir string, kind nodeKind) ([]*node, error) {
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
	var nodes []*node
	for i := range 3 {
		n := &node{number: i, binary: s.broker, client: ports[i], monitor: ports[3+i], cluster: ports[6+i]}
		err := n.connect(ports[6:], kind)
		if err == nil {
			err = n.prepare(ctx, filepath.Join(dir, fmt.Sprintf("node-%d", i)), kind)
		}
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

// connect finds the ways to all nodes. Over links each node has ways of its own, so it advertises an address at which
// nobody is: what others heard of it would lead around the links.
func (n *node) connect(cluster []int, kind nodeKind) error {
	n.links = map[int]*link{}
	for other, port := range cluster {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		if other != n.number && kind.linked {
			l, err := newLink(address)
			if err != nil {
				return err
			}
			n.links[other], address = l, l.address()
			n.advertise = "advertise: \"127.0.0.1:1\","
		}
		n.routes = append(n.routes, "nats://"+address)
	}
	return nil
}

// prepare writes the node's configuration.
func (n *node) prepare(ctx context.Context, home string, kind nodeKind) (err error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	store := filepath.Join(home, "store")
	if kind.ownDisks {
		if n.disk, err = newLoopDisk(ctx, home, 6<<30); err != nil {
			return err
		}
		store = filepath.Join(n.disk.mount, "store")
	}
	n.config = filepath.Join(home, "node.conf")
	text := fmt.Sprintf(nodeConfig, filepath.Base(home), n.client, n.monitor, store, n.cluster, n.advertise, strings.Join(n.routes, ", "))
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		return err
	}
	n.log, err = os.Create(filepath.Join(home, "log"))
	return err
}

// clean gives back what was prepared.
func (n *node) clean() {
	for _, l := range n.links {
		l.close()
	}
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
