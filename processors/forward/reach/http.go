package reach

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"longwave/processors/forward/outbound"
)

const (
	// maxAnswer is how much of an answer is read; a person looks at it.
	maxAnswer = 64 << 10

	// maxText bounds what a chat is sent; Slack cuts longer ones.
	maxText = 4000
)

// webhook posts the body, signed as Standard Webhooks.
func (r *Reacher) webhook(ctx context.Context, to Target, m Message) (Answer, error) {
	request, err := r.request(ctx, to.URL, m.Body)
	if err != nil {
		return Answer{}, err
	}
	at := strconv.FormatInt(r.now().Unix(), 10)
	request.Header.Set("webhook-id", m.ID)
	request.Header.Set("webhook-timestamp", at)
	request.Header.Set("webhook-signature", signatures(to.Keys, m.ID, at, m.Body))
	request.Header.Set("Idempotency-Key", m.ID)
	return r.post(request)
}

// signatures are one for each key, so that a receiver that knows either accepts.
func signatures(keys [][]byte, id, at string, body []byte) string {
	all := make([]string, len(keys))
	for i, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + ".")) // a hash never fails
		mac.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}

// slack posts the text alone. What Slack reads as markup in it is escaped, so that a device's name cannot call everybody.
func (r *Reacher) slack(ctx context.Context, to Target, m Message) (Answer, error) {
	text := m.Text
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	body, err := json.Marshal(map[string]string{"text": escaped})
	if err != nil {
		return Answer{}, &Error{Cause: "message_unusable", Final: true, Err: err}
	}
	request, err := r.request(ctx, to.URL, body)
	if err != nil {
		return Answer{}, err
	}
	return r.post(request)
}

func (r *Reacher) request(ctx context.Context, address string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Cause: "address_unusable", Err: withoutURL(err)}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", r.agent)
	return request, nil
}

func (r *Reacher) post(request *http.Request) (Answer, error) {
	response, err := r.client.Do(request)
	if err != nil {
		return Answer{}, &Error{Cause: causeOf(err), Err: withoutURL(err)}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	answer := Answer{Status: response.StatusCode, Header: response.Header, Body: strings.ToValidUTF8(string(text), "\ufffd")}
	switch {
	case response.StatusCode >= 200 && response.StatusCode < 300:
		return answer, nil // the status says that it was taken, whatever becomes of the rest
	case err != nil:
		return answer, &Error{Cause: causeOf(err), Err: withoutURL(err)}
	}
	return answer, &Error{
		Cause: fmt.Sprintf("answer_%d", response.StatusCode), Final: final(response.StatusCode),
		After: retryAfter(response.Header.Get("Retry-After"), time.Now()), Err: fmt.Errorf("it answered %s", response.Status),
	}
}

// final says whether a status refuses the message for good. What is about the moment (too slow, too early, too many) or
// about the server is worth another attempt.
func final(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 300 && status < 500
}

// maxRetryAfter bounds what the other side may ask for: nobody can stop a queue for good.
const maxRetryAfter = time.Hour

// retryAfter reads the header of that name, which is seconds or a date; 0 if it is neither.
func retryAfter(text string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		wait = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return max(0, min(wait, maxRetryAfter))
}

// causeOf names in one word why there was no answer.
func causeOf(err error) string {
	var (
		unknown     *net.DNSError
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		host        x509.HostnameError
		record      tls.RecordHeaderError
		timeout     net.Error
	)
	switch {
	case errors.Is(err, outbound.ErrRefused):
		return "address_refused"
	case errors.As(err, &unknown):
		return "name_not_found"
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &host), errors.As(err, &record):
		return "tls"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection_refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	default:
		return "connection_failed"
	}
}
