package atomicbatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	// Least is the number of messages from which a batch is cheaper than an fsync for each of them: the server keeps a
	// batch in files of its own before it commits it, and that costs about as much as this many.
	Least = 4
	// Most is what the server takes in one.
	Most = 1000
)

// ErrUnsupported means that the server knows no batches, or that the stream takes none, or none with these messages: they
// can only be published one by one. Nothing of the batch is stored, unless the server took each message for itself.
var ErrUnsupported = errors.New("the stream takes no atomic batches")

// Headers of the protocol.
const (
	headerBatch    = "Nats-Batch-Id"
	headerSequence = "Nats-Batch-Sequence"
	headerCommit   = "Nats-Batch-Commit"
)

// Codes of the server: batches are not allowed in the stream, or not with a header that one of the messages has.
const (
	codeDisabled jetstream.ErrorCode = 10174
	codeHeader   jetstream.ErrorCode = 10177
)

// Place is where a message stands in a batch. Its headers are used again from batch to batch.
type Place struct{ batch, sequence [1]string }

// Headers adds the place to the headers of a message, where it says what Take said last.
func (p *Place) Headers(h nats.Header) {
	h[headerBatch], h[headerSequence] = p.batch[:], p.sequence[:]
}

// Take takes a place, from 1, in a batch. The name of a batch must be a new one each time, of at most 64 bytes.
func (p *Place) Take(batch string, number int) {
	p.batch[0], p.sequence[0] = batch, strconv.Itoa(number)
}

// Commit returns the headers with what ends a batch: the stream answers to this message alone, for all.
func Commit(h nats.Header) nats.Header {
	h = maps.Clone(h)
	h[headerCommit] = []string{"1"}
	return h
}

// Ack is what a stream says when it has stored a message or a batch.
type Ack struct {
	Stream   string
	Batch    string // empty for a single message
	Sequence uint64 // of the last message
}

// ReadAck reads the answer of a stream. It returns a *jetstream.APIError when the stream refused, which is an
// ErrUnsupported too when it takes no batches, or jetstream.ErrInvalidJSAck for what is no answer of a stream.
func ReadAck(data []byte) (Ack, error) {
	var read struct {
		Stream string              `json:"stream"`
		Batch  string              `json:"batch"`
		Seq    uint64              `json:"seq"`
		Error  *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return Ack{}, fmt.Errorf("%w: %w", jetstream.ErrInvalidJSAck, err)
	}
	ack := Ack{Stream: read.Stream, Batch: read.Batch, Sequence: read.Seq}
	switch {
	case read.Error != nil && (read.Error.ErrorCode == codeDisabled || read.Error.ErrorCode == codeHeader):
		return ack, fmt.Errorf("%w: %w", ErrUnsupported, read.Error)
	case read.Error != nil:
		return ack, read.Error
	case read.Stream == "":
		return ack, jetstream.ErrInvalidJSAck
	}
	return ack, nil
}

// Of returns ErrUnsupported when the acknowledgement is not that of a batch: a server that does not know batches has taken
// its end for a single message.
func (a Ack) Of(batch string) error {
	if a.Batch != batch {
		return ErrUnsupported
	}
	return nil
}

// Publish puts messages, from one to Most, into their stream together and returns the sequence of the last one. It returns
// ErrUnsupported, the stream's refusal as a *jetstream.APIError, or, when the outcome is not known, what the connection or
// ctx says; ctx must have a deadline. The messages get headers of the batch beside their own.
func Publish(ctx context.Context, conn *nats.Conn, list []*nats.Msg) (last uint64, err error) {
	batch, places := nuid.Next(), make([]Place, len(list))
	for i, m := range list {
		if m.Header == nil {
			m.Header = nats.Header{}
		}
		places[i].Take(batch, i+1)
		places[i].Headers(m.Header)
		if i == len(list)-1 {
			break
		}
		if err := conn.PublishMsg(m); err != nil {
			return 0, fmt.Errorf("publish a batch: %w", err)
		}
	}
	end := list[len(list)-1]
	end.Header = Commit(end.Header)
	answer, err := conn.RequestMsgWithContext(ctx, end)
	if err != nil {
		return 0, fmt.Errorf("publish a batch: %w", err)
	}
	ack, err := ReadAck(answer.Data)
	if err == nil {
		err = ack.Of(batch)
	}
	if err != nil {
		return 0, fmt.Errorf("publish a batch: %w", err)
	}
	return ack.Sequence, nil
}
