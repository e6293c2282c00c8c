package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"longwave/processors/forward/outbound"
)

const (
	// requestTimeout bounds one request to a provider. A person waits for it, and up to three follow each other.
	requestTimeout = 10 * time.Second

	// maxAnswer bounds what is read of an answer: the largest key sets have a tenth of it.
	maxAnswer = 1 << 20

	// keysEvery bounds how often keys are asked for because a token names one that is not known: tokens of strangers must
	// not turn this server against a provider.
	keysEvery = 10 * time.Second

	// keysAtOnce are free of that: a provider that changes its keys does so once, not three times in a row.
	keysAtOnce = 3
)

var (
	errTooMuch = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	errTooMany = fmt.Errorf("its keys are asked for once in %s only", keysEvery)
)

// bounded cuts off answers that are too long, and asks for keys only so often.
type bounded struct {
	next http.RoundTripper
	keys string // address of the provider's keys; empty until it is known
	rate *rate.Limiter
}

func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.keys != "" && r.URL.String() == b.keys && !b.rate.Allow() {
		return nil, errTooMany
	}
	answer, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &boundedBody{ReadCloser: answer.Body, left: maxAnswer}
	return answer, nil
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.ReadCloser.Read(into[:min(int64(len(into)), b.left)])
	b.left -= int64(n)
	return n, err
}

// newClient is the HTTP client for one provider.
func newClient(transport http.RoundTripper) (*http.Client, *bounded) {
	limits := &bounded{next: transport, rate: rate.NewLimiter(rate.Every(keysEvery), keysAtOnce)}
	return &http.Client{
		Transport: limits, Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, limits
}

// unreachable puts a failed request into words.
func unreachable(err error) error {
	switch {
	case errors.Is(err, outbound.ErrRefused):
		return ErrPrivate.because(err, "")
	case errors.Is(err, context.DeadlineExceeded):
		return ErrUnreachable.because(err, "It took too long.")
	default:
		return ErrUnreachable.because(err, "")
	}
}
