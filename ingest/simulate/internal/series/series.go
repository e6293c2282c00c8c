package series

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// Point is one recorded reading.
type Point struct {
	Time  time.Time
	Value float64
}

var (
	// ErrCSV is returned for a file that is no recorded series.
	ErrCSV = errors.New("not a recorded series")
	// ErrPacked is returned for bytes that Pack cannot have made.
	ErrPacked = errors.New("not a packed series")
)

// layout is how the recorded files write an instant, in UTC.
const layout = "2006-01-02 15:04:05"

// Read reads `timestamp,value` lines below a heading. It returns ErrCSV with the line for anything else, and for a
// series that does not go forward in time.
func Read(r io.Reader) ([]Point, error) {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord = 2
	if _, err := lines.Read(); err != nil {
		return nil, fmt.Errorf("%w: heading: %w", ErrCSV, err)
	}
	var points []Point
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line := len(points) + 2
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCSV, err)
		}
		at, err := time.Parse(layout, fields[0])
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrCSV, line, err)
		}
		value, err := strconv.ParseFloat(fields[1], 64)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("%w: line %d: %q is no finite number", ErrCSV, line, fields[1])
		}
		points = append(points, Point{at, value})
	}
	if len(points) < 2 {
		return nil, fmt.Errorf("%w: fewer than two readings", ErrCSV)
	}
	return forward(points), nil
}

// forward leaves out readings that do not follow the one before: recorded clocks are set back in autumn, and a replay
// waits for the next instant.
func forward(points []Point) []Point {
	kept := points[:1]
	for _, p := range points[1:] {
		if p.Time.After(kept[len(kept)-1].Time) {
			kept = append(kept, p)
		}
	}
	return kept
}

// maxDecimals keeps a scaled value well inside an int64.
const maxDecimals = 6

// Pack writes values, rounded to a number of decimals, as compressed differences.
func Pack(values []float64, decimals int) ([]byte, error) {
	if decimals < 0 || decimals > maxDecimals {
		return nil, fmt.Errorf("pack: %d decimals: want 0 to %d", decimals, maxDecimals)
	}
	plain := binary.AppendUvarint(nil, uint64(decimals))
	plain = binary.AppendUvarint(plain, uint64(len(values)))
	scale, before := math.Pow10(decimals), int64(0)
	for _, value := range values {
		scaled := int64(math.Round(value * scale))
		plain = binary.AppendVarint(plain, scaled-before)
		before = scaled
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return packed.Bytes(), nil
}

// maxPlain bounds what damaged bytes can make Unpack allocate; the largest series shipped is a tenth of it.
const maxPlain = 1 << 20

// Unpack is the reverse of Pack. It returns ErrPacked for anything that Pack cannot have made.
func Unpack(packed []byte) ([]float64, error) {
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxPlain))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPacked, err)
	}
	r := bytes.NewReader(plain)
	decimals, err := binary.ReadUvarint(r)
	if err != nil || decimals > maxDecimals {
		return nil, fmt.Errorf("%w: decimals", ErrPacked)
	}
	count, err := binary.ReadUvarint(r)
	if err != nil || count > uint64(r.Len()) { // a value takes a byte at least
		return nil, fmt.Errorf("%w: length", ErrPacked)
	}
	values := make([]float64, 0, count)
	scale, scaled := math.Pow10(int(decimals)), int64(0)
	for range count {
		difference, err := binary.ReadVarint(r)
		if err != nil {
			return nil, fmt.Errorf("%w: value %d: %w", ErrPacked, len(values), err)
		}
		scaled += difference
		values = append(values, float64(scaled)/scale)
	}
	if r.Len() != 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrPacked, r.Len())
	}
	return values, nil
}
