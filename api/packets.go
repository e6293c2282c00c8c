package api

import (
	"fmt"
	"net/http"
	"strconv"

	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/web/handler"
)

// The names of the transports, as they are shown to the person who connects a device.
const (
	overHTTP   = "HTTP"
	overSocket = "WebSocket"
)

// postPackets is the device's way in: POST /ingest/v1/packets.
func (a *API) postPackets(w http.ResponseWriter, r *http.Request) error {
	c, err := a.device(r)
	if err == nil {
		err = a.takePackets(w, r, c)
	}
	if err != nil && r.Context().Err() == nil {
		a.refused(c, overHTTP, handler.Describe(err))
	}
	return err
}

func (a *API) takePackets(w http.ResponseWriter, r *http.Request, c caller) error {
	format, err := telemetry.FormatOf(r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	body := a.bodies.get(c.device.Tenant)
	defer a.bodies.put(body)
	if err := a.readBody(w, r, body); err != nil {
		return err
	}
	if err := a.fitsTenant(c.device.Tenant, len(body.plain)); err != nil {
		return err
	}
	receipt, err := a.accept.Accept(r.Context(), a.principal(c), ingest.Request{
		Body: body.plain, Format: format, IdempotencyKey: key, Transport: overHTTP,
	})
	if err != nil {
		return err
	}
	// The answer reuses the buffer of the wire: Accept keeps nothing of a request after it returned.
	body.wire = append(appendReceipt(append(body.wire[:0], '{'), receipt), '}', '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body.wire)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body.wire) // the packets are safe; a device that missed the answer sends again
	return nil
}

// idempotencyKey is the request's key, or "" when it has none.
func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || printable(key) && len(key) <= telemetry.MaxIdempotencyKey {
		return key, nil
	}
	return "", handler.Problem{
		Status: http.StatusBadRequest, Code: "idempotency_key_invalid", Title: "Idempotency-Key is not usable",
		Detail: fmt.Sprintf("The Idempotency-Key must have 1 to %d printable ASCII characters without spaces; a UUID will do.", telemetry.MaxIdempotencyKey),
		Errors: []handler.Fault{{Parameter: "Idempotency-Key", Code: "idempotency_key_invalid", Detail: "want printable ASCII characters"}},
	}.Because(nil)
}

func printable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != ""
}
