package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule/unusual"
)

// scoring adds up what it took to score recorded series.
type scoring struct {
	series, readings int
	took             time.Duration
	largest          int // encoded
}

// scoreSeries writes, for every CSV file below s.nab, one of the same name below s.scores with a score for every reading,
// as the scoring procedure of the Numenta Anomaly Benchmark wants it, and says what a reading costs.
func scoreSeries(s *settings) error {
	var total scoring
	err := filepath.WalkDir(s.nab, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".csv" {
			return err
		}
		name, err := filepath.Rel(s.nab, path)
		if err != nil {
			return err
		}
		if err := total.score(path, filepath.Join(s.scores, name)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	if err == nil && total.readings == 0 {
		err = errors.New("no CSV file there")
	}
	if err != nil {
		return err
	}
	each := float64(total.took.Nanoseconds()) / float64(total.readings) / 1e3
	_, err = fmt.Printf("%d series, %d readings: %.2f µs a reading; a series takes %d bytes of memory and at most %d written down\n",
		total.series, total.readings, each, unsafe.Sizeof(unusual.Series{}), total.largest)
	return err
}

// score reads one recording and writes what is said about each of its readings.
func (t *scoring) score(from, to string) error {
	packets, err := readRecording(from)
	if err != nil {
		return err
	}
	verdicts := make([]unusual.Verdict, len(packets))
	var series unusual.Series
	start := time.Now()
	for i := range packets {
		verdicts[i] = series.Add(packets[i].Time, packets[i].Values[0].Num)
	}
	t.took += time.Since(start)
	t.series++
	t.readings += len(packets)
	t.largest = max(t.largest, len(series.Append(nil)))
	return writeScores(to, packets, verdicts)
}

func writeScores(path string, packets []telemetry.Packet, verdicts []unusual.Verdict) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("timestamp,value,anomaly_score,expected,low,high\n")
	for i, v := range verdicts {
		fmt.Fprintf(&b, "%s,%v,%.9f,%v,%v,%v\n", packets[i].Time.Time().Format(time.DateTime), packets[i].Values[0].Num, v.Score, v.Expected, v.Low, v.High)
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// readRecording reads lines of timestamp,value as packets of one metric.
func readRecording(path string) ([]telemetry.Packet, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var packets []telemetry.Packet
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		when, what, _ := strings.Cut(lines.Text(), ",")
		at, err := time.Parse(time.DateTime, when)
		if err != nil {
			continue // the heading
		}
		value, err := strconv.ParseFloat(what, 64)
		if err != nil {
			return nil, err
		}
		packets = append(packets, telemetry.Packet{Time: telemetry.At(at), Values: []telemetry.Value{{Name: "value", Num: value}}})
	}
	if len(packets) == 0 {
		return nil, errors.New("no lines of timestamp,value")
	}
	return packets, lines.Err()
}
