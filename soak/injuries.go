package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// staleIndex before a kind means that the stream's index is missing too, as after a kill.
const staleIndex = "no index, "

const (
	streams = "queues/jetstream/*/streams/"
	parts   = "clickhouse/data/store/*/*/*_*_*_*/"
)

// victims are the kinds of files, relative to the data directory, in which something is broken: every kind that an
// installation has, and what is most of the disk more than once.
var victims = []string{
	streams + "LANE_STANDARD/msgs/*.blk",
	staleIndex + streams + "LANE_STANDARD/msgs/*.blk",
	streams + "LANE_STANDARD/msgs/index.db",
	streams + "LANE_STANDARD/meta.inf",
	streams + "LANE_STANDARD/meta.sum",
	streams + "LANE_STANDARD/obs/*/o.dat",
	streams + "LANE_STANDARD/obs/*/meta.inf",
	streams + "KV_LANE_MARKS/msgs/*.blk",
	streams + "CTL/msgs/*.blk",
	staleIndex + streams + "CTL/msgs/*.blk",
	streams + "CTL/msgs/index.db",
	streams + "CTL/meta.inf",
	"control.snapshot",
	parts + "data.bin",
	parts + "data.bin",
	parts + "primary.cidx",
	parts + "*.cmrk*",
	parts + "checksums.txt",
	parts + "count.txt",
	parts + "columns.txt",
	parts + "partition.dat",
	parts + "minmax_ts.idx",
	parts + "serialization.json",
	parts + "ttl.txt",
	"clickhouse/data/store/*/*/*.sql",
}

// injury is one place that is broken.
type injury struct {
	kind string
	cut  bool // else a bit is flipped
}

// injuries are so many: each kind of file is flipped and cut short before any is broken for a third time, and few of them are
// some of both.
func injuries(count int) (all []injury) {
	for i := range count {
		all = append(all, injury{kind: victims[i%len(victims)], cut: (i+i/len(victims))%2 == 1})
	}
	return all
}

// do flips one bit, or cuts the file short, of a random file of that kind. It says where.
func (in injury) do(random *rand.Rand, data string) (string, error) {
	pattern, stale := strings.CutPrefix(in.kind, staleIndex)
	found, err := filepath.Glob(filepath.Join(data, pattern))
	files := slices.DeleteFunc(found, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || info.Size() == 0
	})
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("no file is %s: %w", in.kind, err)
	}
	if stale {
		if err := os.Remove(filepath.Join(filepath.Dir(files[0]), "index.db")); err != nil {
			return "", err
		}
	}
	slices.Sort(files)
	path := files[random.IntN(len(files))]
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	place, how := random.IntN(len(text)), "bit flipped"
	if in.cut {
		text, how = text[:place], "cut short"
	} else {
		text[place] ^= 1 << random.IntN(8)
	}
	return fmt.Sprintf("%s in %s at byte %d", how, in.kind, place), os.WriteFile(path, text, 0o600)
}
