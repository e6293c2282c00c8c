package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"longwave/ingest"
	"longwave/web/handler"
)

// maxFrameName bounds the name that a client gives a frame; it is echoed in the acknowledgement.
const maxFrameName = 64

// frame is one message of a device socket.
type frame struct {
	name string // as the client named it, or its number on the connection
	body []byte
}

// envelope is the form of a frame that carries a name.
type envelope struct {
	Frame *string         `json:"frame"`
	Body  json.RawMessage `json:"body"`
}

// readFrame takes a message apart. An object of exactly "frame" (text) and "body" (object or array) is an envelope and
// can be nothing else, as no value of a packet is an object; everything else is a body, right or wrong.
func readFrame(message []byte, number uint64) (frame, error) {
	plain := frame{name: strconv.FormatUint(number, 10), body: message}
	var e envelope
	if !mayBeEnvelope(message) || !strictly(message, &e) || e.Frame == nil || !isComposite(e.Body) {
		return plain, nil
	}
	if len(*e.Frame) > maxFrameName || !printable(*e.Frame) {
		return plain, handler.Problem{
			Status: http.StatusBadRequest, Code: "frame_name_invalid", Title: "The frame's name is not usable",
			Detail: "The member \"frame\" must have 1 to 64 printable ASCII characters without spaces. This frame is answered by its number instead.",
			Errors: []handler.Fault{{Pointer: "/frame", Code: "frame_name_invalid", Detail: "want 1 to 64 printable ASCII characters"}},
		}.Because(nil)
	}
	return frame{name: *e.Frame, body: e.Body}, nil
}

// mayBeEnvelope looks at the first name only, so that bare packets are not decoded twice.
func mayBeEnvelope(message []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(message, " \t\r\n"), []byte("{"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return ok && (bytes.HasPrefix(rest, []byte(`"frame"`)) || bytes.HasPrefix(rest, []byte(`"body"`)))
}

// strictly decodes exactly one object with no other members than v has.
func strictly(message []byte, v any) bool {
	decoder := json.NewDecoder(bytes.NewReader(message))
	decoder.DisallowUnknownFields()
	if decoder.Decode(v) != nil {
		return false
	}
	_, err := decoder.Token()
	return errors.Is(err, io.EOF)
}

func isComposite(value json.RawMessage) bool {
	return len(value) > 0 && (value[0] == '{' || value[0] == '[')
}

// credentials is the first message of a client that could not send a header.
type credentials struct {
	Type  string `json:"type"`
	Token string `json:"token"`
}

// appendAck writes the acknowledgement of a frame.
func appendAck(dst []byte, name string, r ingest.Receipt) []byte {
	dst = appendString(append(dst, `{"ack":`...), name)
	return append(appendReceipt(append(dst, ','), r), '}')
}

// nack is the refusal of a frame.
type nack struct {
	Nack       string          `json:"nack"`
	Status     int             `json:"status"`
	Code       string          `json:"code"`
	Detail     string          `json:"detail"`
	RetryAfter int             `json:"retry_after,omitempty"`
	RequestID  string          `json:"request_id,omitempty"`
	Errors     []handler.Fault `json:"errors,omitempty"`
	Limit      *handler.Limit  `json:"limit,omitempty"`
}

func nackOf(name string, p handler.Problem) nack {
	return nack{
		Nack: name, Status: p.Status, Code: p.Code, Detail: p.Detail, RetryAfter: p.RetrySeconds(),
		RequestID: p.RequestID, Errors: p.Errors, Limit: p.Limit,
	}
}
