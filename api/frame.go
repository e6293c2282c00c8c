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

// readFrame takes a message apart. An object of exactly "frame" (text) and "body" (object or array) is an envelope and
// can be nothing else, as no value of a packet is an object; everything else is a body, right or wrong. What stands in a
// body is not looked at here: whoever decodes it says what is wrong with it, under the name that the frame has.
func readFrame(message []byte, number uint64) (frame, error) {
	plain := frame{name: strconv.FormatUint(number, 10), body: message}
	if isCredentials(message) {
		return plain, handler.Problem{
			Status: http.StatusBadRequest, Code: "already_authenticated", Title: "The device is known already",
			Detail: "This socket is authenticated already. The message was not taken for a packet, because a token must not be stored as a value.",
		}.Because(nil)
	}
	quoted, body, ok := openEnvelope(message)
	if !ok || !isComposite(body) {
		return plain, nil
	}
	name, isText := unquote(quoted)
	if !isText {
		return plain, nil
	}
	if len(name) > maxFrameName || !printable(name) {
		return plain, handler.Problem{
			Status: http.StatusBadRequest, Code: "frame_name_invalid", Title: "The frame's name is not usable",
			Detail: "The member \"frame\" must have 1 to 64 printable ASCII characters without spaces. This frame is answered by its number instead.",
			Errors: []handler.Fault{{Pointer: "/frame", Code: "frame_name_invalid", Detail: "want 1 to 64 printable ASCII characters"}},
		}.Because(nil)
	}
	return frame{name: name, body: body}, nil
}

func unquote(quoted []byte) (text string, ok bool) {
	err := json.Unmarshal(quoted, &text)
	return text, err == nil
}

// openEnvelope finds the two members in either order, without reading what is in the body.
func openEnvelope(message []byte) (quoted, body []byte, ok bool) {
	inside, opened := bytes.CutPrefix(trim(message), []byte("{"))
	inside, closed := bytes.CutSuffix(inside, []byte("}"))
	if !opened || !closed {
		return nil, nil, false
	}
	if rest, ok := afterName(inside, `"frame"`); ok {
		quoted, rest = cutText(rest)
		rest, ok = bytes.CutPrefix(trim(rest), []byte(","))
		body, named := afterName(rest, `"body"`)
		return quoted, body, ok && named
	}
	if rest, ok := afterName(inside, `"body"`); ok {
		body, quoted = cutLastText(rest)
		for _, part := range []string{":", `"frame"`, ","} {
			if body, ok = bytes.CutSuffix(trim(body), []byte(part)); !ok {
				return nil, nil, false
			}
		}
		return quoted, trim(body), true
	}
	return nil, nil, false
}

// trim takes off what JSON calls white space.
func trim(text []byte) []byte { return bytes.Trim(text, " \t\r\n") }

// afterName is what stands behind a quoted name and its colon.
func afterName(text []byte, name string) ([]byte, bool) {
	rest, named := bytes.CutPrefix(trim(text), []byte(name))
	rest, colon := bytes.CutPrefix(trim(rest), []byte(":"))
	return trim(rest), named && colon
}

// cutText divides text behind the JSON string that it begins with; quoted is empty when it does not.
func cutText(text []byte) (quoted, rest []byte) {
	for i := 1; i < len(text) && text[0] == '"'; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[:i+1], text[i+1:]
		}
	}
	return nil, text
}

// cutLastText divides text before the JSON string without escapes that it ends with.
func cutLastText(text []byte) (rest, quoted []byte) {
	text = trim(text)
	inner, ok := bytes.CutSuffix(text, []byte{'"'})
	if i := bytes.LastIndexByte(inner, '"'); ok && i >= 0 {
		return text[:i], text[i:]
	}
	return text, nil
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

func isComposite(value []byte) bool {
	return len(value) > 0 && (value[0] == '{' || value[0] == '[')
}

// credentials is the first message of a client that could not send a header.
type credentials struct {
	Type  string `json:"type"`
	Token string `json:"token"`
}

// isCredentials recognises the message that authenticates where it is not expected any more: from a client that has sent
// a header as well, or comes back to a socket that it believes to be new.
func isCredentials(message []byte) bool {
	if len(message) > maxCredentials || !bytes.Contains(message, []byte(`"token"`)) { // hardly any packet is looked at twice
		return false
	}
	var given credentials
	return strictly(message, &given) && given.Type == "auth"
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
