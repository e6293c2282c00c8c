package simulate

import (
	"embed"
	"fmt"

	"longwave/ingest/simulate/internal/series"
)

//go:generate go run ./internal/pack $NAB demo

// The recorded series are a part of the Numenta Anomaly Benchmark; its licence stands beside them.
//
//go:embed demo/*.packed demo/LICENSE.txt
var demoFiles embed.FS

// DemoSeries is one recorded series that the program carries.
type DemoSeries struct {
	Name        string // of the device that it makes, and how RunDemo finds it
	Metric      string
	Unit        string
	Description string
}

// DemoSeriesList lists the recorded series, most telling first. The slice is the caller's.
func DemoSeriesList() []DemoSeries {
	return []DemoSeries{
		{"machine-temperature", "temperature", "°F", "A component of a large industrial machine, until it fails"},
		{"office-temperature", "temperature", "°F", "The air of an office whose air conditioning fails"},
		{"api-gateway", "latency", "ms", "Request latency of a service that ends in a system failure"},
		{"compute-cluster", "cpu", "%", "CPU utilisation of a cluster that somebody misconfigures"},
		{"taxi-dispatch", "passengers", "", "Taxi passengers of a large city, with holidays and a storm"},
		{"edge-router", "network_in", "B", "Bytes received by a server, with bursts"},
	}
}

// values returns the recording of a series that the program carries.
func (s DemoSeries) values() ([]float64, error) {
	packed, err := demoFiles.ReadFile("demo/" + s.Name + ".packed")
	if err != nil {
		return nil, fmt.Errorf("demo series %s: %w", s.Name, err)
	}
	values, err := series.Unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("demo series %s: %w", s.Name, err)
	}
	return values, nil
}
