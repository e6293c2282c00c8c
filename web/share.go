package web

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"
)

// share lets callers that ask the same thing at the same time share one answer: a thousand screens that come back after
// a restart are one question and not a thousand. It fails with the question's error, or when the caller's context ends
// first; a caller that goes away does not spoil the answer for the others.
func share[T any](ctx context.Context, asking *singleflight.Group, q shared[T]) (T, error) {
	answer := asking.DoChan(q.key, func() (any, error) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.within)
		defer cancel()
		return q.ask(bounded)
	})
	var nothing T
	select {
	case <-ctx.Done():
		return nothing, ctx.Err()
	case got := <-answer:
		if got.Err != nil {
			return nothing, got.Err
		}
		return got.Val.(T), nil // the key belongs to one kind of question
	}
}

// shared is a question that many may ask at once. Its answer must not be changed by whoever gets it.
type shared[T any] struct {
	key    string
	within time.Duration
	ask    func(context.Context) (T, error)
}
