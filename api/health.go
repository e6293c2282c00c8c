package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// readyTimeout bounds all checks of readiness together; probers commonly give up after ten seconds.
const readyTimeout = 5 * time.Second

// readinessBody is what /readyz says.
type readinessBody struct {
	Ready  bool    `json:"ready"`
	Checks []Check `json:"checks"`
}

// readiness says whether the server is of use, and if not, why: 200 or 503, with every check by name.
func (a *API) readiness(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer := readinessBody{Ready: true, Checks: a.ready(ctx)}
	if answer.Checks == nil {
		answer.Checks = []Check{}
	}
	for _, check := range answer.Checks {
		answer.Ready = answer.Ready && check.OK
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
