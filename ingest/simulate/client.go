package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"longwave/ingest/telemetry"
)

const (
	// requestTimeout bounds one request; a durable answer under load takes well under a second.
	requestTimeout = 30 * time.Second
	// longestRetryAfter bounds how long an answer can send the simulator to sleep.
	longestRetryAfter = time.Minute
	// answerLimit bounds what is read of an answer: a receipt for maxBatch packets is a few tens of kB.
	answerLimit = 1 << 20
)

// client speaks to the server for all devices.
type client struct {
	url, key string
	http     *http.Client
	slots    chan struct{} // one for each request that may be in flight
	tally    *tally
	log      *slog.Logger
	told     sync.Map // reasons of refusal that were logged
}

func newClient(c Config) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = c.InFlight // or every request beyond the second would make a new connection
	return &client{url: c.URL, key: c.Key, http: &http.Client{Transport: transport}, slots: make(chan struct{}, c.InFlight),
		tally: newTally(time.Now()), log: c.Log}
}

// answer is what a request came to.
type answer struct {
	status     int // 0: none, the server could not be reached
	retryAfter time.Duration
	body       []byte
}

// retry reports whether the same request may succeed later.
func (a answer) retry() bool {
	return a.status == 0 || a.status == http.StatusTooManyRequests || a.status >= 500
}

// deliver sends packets until they are taken or refused for good, or ctx ends. It reports whether the device may send
// any more.
func (c *client) deliver(ctx context.Context, d *device, packets []telemetry.Packet) bool {
	body := Body(packets)
	for failures := 0; ctx.Err() == nil; {
		begun := time.Now()
		a := c.post(ctx, "/ingest/v1/packets", d.token, body)
		switch {
		case a.status == 0 && ctx.Err() != nil:
			return false // interrupted, not refused
		case a.status == http.StatusOK:
			c.taken(d, a, time.Since(begun))
			return true
		case a.retry():
			c.tally.retried()
			failures++
			wait(ctx, max(a.retryAfter, backoff(failures)))
		case a.status == http.StatusUnauthorized && d.renew != nil:
			if err := d.renew(ctx); err != nil {
				c.log.Error("the token is not known any more", "device", d.source.name(), "error", err)
				return false
			}
			d.renew = nil
		default:
			c.tally.refused(len(packets))
			c.tell(d, a.status, a.body)
			return a.status != http.StatusUnauthorized && a.status != http.StatusForbidden
		}
	}
	return false
}

// taken counts an answer of 200; some of the packets may have been refused all the same.
func (c *client) taken(d *device, a answer, took time.Duration) {
	var receipt struct {
		Accepted, Duplicates int
		Rejected             []json.RawMessage
	}
	if err := json.Unmarshal(a.body, &receipt); err != nil {
		c.tell(d, a.status, []byte("the answer is no receipt: "+err.Error()))
	}
	c.tally.accepted(receipt.Accepted, took)
	if len(receipt.Rejected) > 0 {
		c.tally.refused(len(receipt.Rejected))
		c.tell(d, a.status, receipt.Rejected[0])
	}
}

// tell logs a refusal, once for each device and status: the count is in the live line.
func (c *client) tell(d *device, status int, detail []byte) {
	reason := fmt.Sprintf("%s %d", d.source.name(), status)
	if _, before := c.told.LoadOrStore(reason, true); !before {
		c.log.Error("refused", "device", d.source.name(), "status", status, "answer", string(detail[:min(len(detail), 500)]))
	}
}

// post sends one request and reads its answer.
func (c *client) post(ctx context.Context, path, token string, body []byte) answer {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return answer{}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil { // cut off: whether the packets are safe is not known, and the same ids make asking again harmless
		return answer{}
	}
	return answer{status: response.StatusCode, retryAfter: retryAfter(response.Header), body: content}
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(h.Get("Retry-After"), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return min(longestRetryAfter, time.Duration(seconds*float64(time.Second)))
}

// ErrRegister is returned by Run when a device cannot be created.
var ErrRegister = errors.New("simulate: the device could not be created")

// create registers a device and returns its token. It waits for a server that is not there yet.
func (c *client) create(ctx context.Context, name string) (credential, error) {
	body, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		return credential{}, fmt.Errorf("%w: %w", ErrRegister, err)
	}
	for failures := 1; ctx.Err() == nil; failures++ {
		a := c.post(ctx, "/manage/v1/devices", c.key, body)
		if a.status == http.StatusCreated {
			var made credential
			if err := json.Unmarshal(a.body, &made); err != nil || made.Token == "" {
				return credential{}, fmt.Errorf("%w: %s: the answer has no token", ErrRegister, name)
			}
			return made, nil
		}
		if !a.retry() {
			return credential{}, fmt.Errorf("%w: %s: %d: %s", ErrRegister, name, a.status, a.body[:min(len(a.body), 500)])
		}
		if _, before := c.told.LoadOrStore("unreachable", true); !before { // every device waits for the same server
			c.log.Warn("the server does not take requests; trying again", "url", c.url, "status", a.status)
		}
		wait(ctx, max(a.retryAfter, backoff(failures)))
	}
	return credential{}, fmt.Errorf("%w: %w", ErrRegister, ctx.Err())
}
