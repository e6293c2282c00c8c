package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	stormers = 200 // connections at once
	// maxGrowth is what a storm may cost at its peak: the memory for bodies, doubled by a collector that is behind. What
	// matters is that it does not depend on the number of connections.
	maxGrowth = 128 << 20
)

// memory reads a line of the process's status, such as VmRSS or VmHWM, in bytes.
func (p *program) memory(line string) int {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), line+":")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		p.t.Fatal(err)
	}
	return kilobytes << 10
}

// forgetPeak makes VmHWM count from now on.
func (p *program) forgetPeak() {
	p.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.command.Process.Pid), []byte("5"), 0); err != nil {
		p.t.Fatal(err)
	}
}

// gauge reads one figure from /metrics.
func (p *program) gauge(name string) float64 {
	p.t.Helper()
	_, body := p.call(http.MethodGet, "/metrics", "", "")
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			f, _ := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return f
		}
	}
	p.t.Fatalf("no metric %s", name)
	return 0
}

// dial opens a connection that ends with the test at the latest.
func (p *program) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// storm runs f on many connections at once and compares the peak of memory with what it was before.
func (p *program) storm(t *testing.T, before int, f func(net.Conn)) {
	t.Helper()
	p.forgetPeak()
	var wait sync.WaitGroup
	for range stormers {
		conn := p.dial(t)
		wait.Go(func() { f(conn) })
	}
	wait.Wait()
	grown := p.memory("VmHWM") - before
	t.Logf("from %d MiB, grown by %d MiB at its peak", before>>20, grown>>20)
	if grown > maxGrowth {
		t.Errorf("grown by %d MiB", grown>>20)
	}
}

func post(conn net.Conn, d device, headers string, body []byte) string {
	fmt.Fprintf(conn, "POST /ingest/v1/packets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n", d.Token, headers, len(body))
	conn.Write(body)
	answer, _ := io.ReadAll(conn)
	status, _, _ := strings.Cut(string(answer), "\r\n")
	return status
}

func hostileStorms(t *testing.T, p *program, i installation) {
	d := p.register(i, "storm")
	before := p.memory("VmRSS")
	t.Run("bodies that grow when they are unpacked", func(t *testing.T) {
		noise := make([]byte, 70<<10)
		rand.Read(noise)
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		fmt.Fprintf(w, `[{"a":"%s"}`, base64.StdEncoding.EncodeToString(noise)[:90<<10])
		w.Write(bytes.Repeat([]byte(" "), 2<<20-100<<10))
		w.Write([]byte("]"))
		w.Close()
		var mu sync.Mutex
		seen := map[string]int{}
		p.storm(t, before, func(conn net.Conn) {
			status := post(conn, d, "Content-Encoding: gzip\r\n", packed.Bytes())
			mu.Lock()
			seen[status]++
			mu.Unlock()
		})
		for status := range seen {
			if !strings.HasPrefix(status, "HTTP/1.1 400") && !strings.HasPrefix(status, "HTTP/1.1 503") {
				t.Errorf("%d were answered %q", seen[status], status)
			}
		}
	})
	t.Run("announced and never sent", func(t *testing.T) {
		p.storm(t, before, func(conn net.Conn) {
			fmt.Fprintf(conn, "POST /ingest/v1/packets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1048576\r\n\r\n{", d.Token)
			conn.SetReadDeadline(time.Now().Add(time.Second))
			conn.Read(make([]byte, 1))
		})
	})
	t.Run("zstd frames with wide windows", func(t *testing.T) {
		// a frame with a window of 8 MiB and one raw block, not the last one, of 4 bytes, then nothing
		frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3, 0x20, 0, 0, '{', '}', ' ', ' '}
		p.storm(t, before, func(conn net.Conn) { post(conn, d, "Content-Encoding: zstd\r\n", frame) })
	})
	t.Run("answers that nobody reads", func(t *testing.T) {
		p.storm(t, before, func(conn net.Conn) {
			conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			for range 40 {
				fmt.Fprintf(conn, "GET /manage/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
			}
			conn.SetReadDeadline(time.Now().Add(time.Second))
			conn.Read(make([]byte, 1))
		})
	})
}
