package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// readyTimeout bounds all checks of readiness together; probers commonly give up after ten seconds.
	readyTimeout = 5 * time.Second
	// readyFor is how long an answer stays good: the checks ask the broker and the engine, and anybody may ask for them.
	readyFor = time.Second
)

// readinessBody is what /readyz says.
type readinessBody struct {
	Ready  bool    `json:"ready"`
	Checks []Check `json:"checks"`
}

// readiness remembers the newest answer. One caller at a time makes it anew; the others wait for that.
type readiness struct {
	check func(context.Context) []Check
	now   func() time.Time

	mu   sync.Mutex
	at   time.Time
	last readinessBody
}

// newest checks again when the last time was too long ago.
func (y *readiness) newest(ctx context.Context) readinessBody {
	y.mu.Lock()
	defer y.mu.Unlock()
	if age := y.now().Sub(y.at); !y.at.IsZero() && age >= 0 && age < readyFor {
		return y.last
	}
	// The answer is for all who wait: that the first one hangs up does not make the server unready.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
	defer cancel()
	answer := readinessBody{Ready: true, Checks: []Check{}}
	for _, check := range y.check(ctx) {
		answer.Ready = answer.Ready && check.OK
		answer.Checks = append(answer.Checks, check)
	}
	y.last, y.at = answer, y.now()
	return answer
}

// sayReady says whether the server is of use, and if not, what is not well: 200 or 503, with every check by name. The
// reasons name addresses and figures of the installation: they are for insiders.
func (a *API) sayReady(w http.ResponseWriter, r *http.Request) error {
	answer := a.ready.newest(r.Context())
	if !a.insider(r) {
		answer.Checks = withoutReasons(answer.Checks)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("readiness: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(text, '\n')) // a prober that does not read its answer is no error of ours
	return nil
}

func withoutReasons(checks []Check) []Check {
	bare := make([]Check, len(checks))
	for i, check := range checks {
		bare[i] = Check{Name: check.Name, OK: check.OK}
	}
	return bare
}
