package export

import (
	"fmt"
	"net/http"
	"time"

	"longwave/web/handler"
)

const (
	// most is the longest range: what can be kept, and some.
	most = 10 * 366 * 24 * time.Hour
	// maxNames bounds the devices and the metrics that are named.
	maxNames = 500
	// maxLine bounds the line that an export goes on behind.
	maxLine = 2 << 10
	// parquetDevices is how many devices one file may hold: their ids are part of one question.
	parquetDevices = 10_000
)

// Steps are the lengths of buckets that can be taken, with their names in addresses; 0 is every reading.
func Steps() []Step {
	return []Step{
		{"raw", 0}, {"1m", time.Minute}, {"5m", 5 * time.Minute}, {"15m", 15 * time.Minute}, {"1h", time.Hour}, {"6h", 6 * time.Hour}, {"1d", 24 * time.Hour},
	}
}

// Step is a length of buckets with its name.
type Step struct {
	Name   string
	Length time.Duration
}

// ParseStep finds a step by its name; none means every reading. It returns a handler.Problem for one that is not there.
func ParseStep(name string) (time.Duration, error) {
	for _, s := range Steps() {
		if s.Name == name || name == "" {
			return s.Length, nil
		}
	}
	return 0, refused("step", fmt.Sprintf("%.20q is no step. Use raw, 1m, 5m, 15m, 1h, 6h or 1d.", name))
}

// stepName is how a step is called; empty for one that is none of ours.
func stepName(length time.Duration) string {
	for _, s := range Steps() {
		if s.Length == length {
			return s.Name
		}
	}
	return ""
}

func (r Request) check() error {
	switch {
	case r.From >= r.To:
		return refused("from", "The range ends before it begins. Choose a beginning before the end.")
	case time.Duration(r.To-r.From) > most/time.Microsecond:
		return refused("from", "The range is longer than ten years. Choose a later beginning.")
	case len(r.Devices) > maxNames:
		return refused("devices", fmt.Sprintf("More than %d devices are named. Select them by site, profile or label.", maxNames))
	case len(r.Metrics) > maxNames:
		return refused("metrics", fmt.Sprintf("More than %d metrics are named. Name none to get all.", maxNames))
	case len(r.After) > maxLine:
		return refused("after", "The line is too long to be one of an export.")
	case r.After != "" && r.Format == Parquet:
		return refused("after", "A Parquet file cannot be gone on with. Take it anew, or take CSV or NDJSON.")
	}
	return nil
}

// refused is a part of a request that is wrong.
func refused(parameter, why string) error {
	return handler.Problem{
		Status: http.StatusUnprocessableEntity, Code: "invalid", Title: "Invalid request", Detail: why,
		Errors: []handler.Fault{{Parameter: parameter, Code: "invalid", Detail: why}},
	}.Because(nil)
}
