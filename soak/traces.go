package main

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// traces is what is searched for in files: the first bytes of names and ids that nobody else has.
type traces struct {
	begins [1 << 16]bool // by the first two bytes; what can be passed over quickly
	words  map[[traceLength]byte]string
}

// traceLength is long enough that chance does not find it: ids are random.
const traceLength = 8

func (t *traces) add(word string) {
	if t.words == nil {
		t.words = map[[traceLength]byte]string{}
	}
	var key [traceLength]byte
	copy(key[:], word)
	t.begins[uint16(key[0])<<8|uint16(key[1])] = true
	t.words[key] = word
}

// addID adds an id without its kind: "d-7k3m9c2p5v8x1z4b" may be compressed to what repeats and what does not.
func (t *traces) addID(id string) {
	_, random, _ := strings.Cut(id, "-")
	t.add(random)
}

// in counts how often a file has one of the words. One that is gone meanwhile has none.
func (t *traces) in(path string) (n int, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		window, err := reader.Peek(1 << 20)
		end := len(window) - traceLength
		for i := 0; i <= end; i++ {
			if !t.begins[uint16(window[i])<<8|uint16(window[i+1])] {
				continue
			}
			if _, ok := t.words[[traceLength]byte(window[i:i+traceLength])]; ok {
				n++
			}
		}
		if err != nil || end < 0 { // what is left is shorter than a word
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		if _, err := reader.Discard(end + 1); err != nil {
			return n, err
		}
	}
}

// found is where traces are: how many files of each kind.
type found struct {
	readings int      // part files of ClickHouse
	orders   int      // what ClickHouse keeps of the command that deleted them
	queues   []string // streams with a block file that has some, once for each file; the control log is none of them
	control  int      // the control log and its snapshot, which keep what was changed, as documented
	others   []string
	bytes    int64 // of all files, with and without traces
}

// search looks through every file of an installation.
func (t *traces) search(dir string) (all found, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		if info, err := entry.Info(); err == nil {
			all.bytes += info.Size()
		}
		n, err := t.in(path)
		if err == nil && n > 0 {
			all.count(strings.TrimPrefix(path, dir))
		}
		return err
	})
	return all, err
}

func (f *found) count(path string) {
	switch name := filepath.Base(path); {
	case strings.Contains(path, "/streams/CTL/"), strings.HasPrefix(name, "control."):
		f.control++
	case strings.Contains(path, "/streams/"):
		_, rest, _ := strings.Cut(path, "/streams/")
		stream, _, _ := strings.Cut(rest, "/")
		f.queues = append(f.queues, stream)
	case strings.HasPrefix(path, "/clickhouse/") && strings.HasPrefix(name, "mutation_"):
		f.orders++
	case strings.HasPrefix(path, "/clickhouse/"):
		f.readings++
	default:
		f.others = append(f.others, path)
	}
}
