package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// form is how packets are put into a request.
type form struct {
	contentType string
	lines       bool // one packet a line instead of an array
	encoding    string
}

func arrays() form { return form{contentType: "application/json"} }
func lines() form  { return form{contentType: "application/x-ndjson", lines: true} }
func packed(encoding string) form {
	return form{contentType: "application/json", encoding: encoding}
}

// author writes the packets of one connection. Every packet of a run is another fact.
type author struct {
	form
	number int   // of the connection
	start  int64 // device time of the first packet, in ms
	sent   int64
	walk   [4]int64
	random *rand.Rand
	plain  bytes.Buffer
	wire   bytes.Buffer
	zip    *gzip.Writer
	zstd   *zstd.Encoder
}

func newAuthor(f form, number int, start int64) (*author, error) {
	a := &author{form: f, number: number, start: start, random: rand.New(rand.NewPCG(uint64(start), uint64(number)))}
	var err error
	switch f.encoding {
	case "gzip":
		a.zip, err = gzip.NewWriterLevel(nil, gzip.BestSpeed)
	case "zstd":
		a.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	}
	return a, err
}

// body is the next request's; it is good until the next call.
func (a *author) body(packets int) ([]byte, error) {
	a.plain.Reset()
	open, between, end := "[", ",", "]"
	if a.lines {
		open, between, end = "", "\n", "\n"
	} else if packets == 1 {
		open, end = "", ""
	}
	a.plain.WriteString(open)
	for i := range packets {
		if i > 0 {
			a.plain.WriteString(between)
		}
		a.packet()
	}
	a.plain.WriteString(end)
	return a.pack(a.plain.Bytes())
}

func (a *author) pack(plain []byte) ([]byte, error) {
	a.wire.Reset()
	switch {
	case a.zip != nil:
		a.zip.Reset(&a.wire)
		if _, err := a.zip.Write(plain); err != nil {
			return nil, err
		}
		err := a.zip.Close()
		return a.wire.Bytes(), err
	case a.zstd != nil:
		return a.zstd.EncodeAll(plain, a.wire.AvailableBuffer()), nil
	}
	return plain, nil
}

// packet appends a packet of 140 bytes whose values wander like measurements do: two decimals, small steps. Values that
// repeat would make the table look smaller than it is.
func (a *author) packet() {
	a.sent++
	for i := range a.walk {
		a.walk[i] += a.random.Int64N(41) - 20
	}
	fmt.Fprintf(&a.plain, `{"id":"%d-%d-%d","ts":%d,"kind":"metrics","values":{"temp":%.2f,"humidity":%.2f,"pressure":%.2f,"voltage":%.2f}}`,
		a.start, a.number, a.sent, a.start+a.sent, hundredths(2150+a.walk[0]), hundredths(4800+a.walk[1]), hundredths(101_325+a.walk[2]), hundredths(330+a.walk[3]))
}

func hundredths(n int64) float64 { return float64(n) / 100 }
