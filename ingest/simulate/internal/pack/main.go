// Command pack makes the demo data of the simulator from recorded series: `go run ./internal/pack FROM TO`, where FROM
// holds the recorded files of the Numenta Anomaly Benchmark and TO receives the packed ones.
//
// Contract: it writes every file of the list below or ends with an error; running it again changes nothing.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"longwave/ingest/simulate/internal/series"
)

// mode of the files written: they are part of the sources.
const mode = 0o644

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack FROM TO")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	for _, file := range []struct {
		path, name string
		decimals   int
	}{
		{"realKnownCause/machine_temperature_system_failure.csv", "machine-temperature", 2},
		{"realKnownCause/ambient_temperature_system_failure.csv", "office-temperature", 2},
		{"realKnownCause/ec2_request_latency_system_failure.csv", "api-gateway", 2},
		{"realKnownCause/cpu_utilization_asg_misconfiguration.csv", "compute-cluster", 2},
		{"realKnownCause/nyc_taxi.csv", "taxi-dispatch", 0},
		{"realAWSCloudwatch/ec2_network_in_257a54.csv", "edge-router", 0},
	} {
		if err := pack(filepath.Join(from, file.path), filepath.Join(to, file.name+".packed"), file.decimals); err != nil {
			return fmt.Errorf("%s: %w", file.path, err)
		}
	}
	return nil
}

func pack(from, to string, decimals int) error {
	recorded, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = recorded.Close() }()
	points, err := series.Read(recorded)
	if err != nil {
		return err
	}
	values := make([]float64, len(points))
	for i, point := range points {
		values[i] = point.Value
	}
	packed, err := series.Pack(values, decimals)
	if err != nil {
		return err
	}
	return os.WriteFile(to, packed, mode)
}
