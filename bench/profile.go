package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// stage is a part of the path, told by a function on the stack.
type stage struct {
	name      string
	functions []string // prefixes of qualified names
}

// Names of the stages.
const (
	stageGC          = "garbage collection"
	stageDecode      = "decoding"
	stageBody        = "unpacking, reading the body"
	stageGroup       = "grouping, identities, quota"
	stageBroker      = "writing to the lane (NATS server)"
	stageClient      = "NATS client"
	stageBlocks      = "blocks: sorting and columns"
	stageGather      = "gathering from the lane"
	stageLive        = "live"
	stageCredentials = "credentials"
	stageHTTP        = "HTTP and WebSocket"
	stageRest        = "scheduler and the rest"
	stageEngine      = "ClickHouse"
	stageTogether    = "together"
)

// stages are looked for from the innermost function outwards, so that what a stage calls in libraries counts as its own.
func stages() []stage {
	return []stage{
		{stageGC, []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge"}},
		{stageDecode, []string{"longwave/ingest/telemetry.(*Decoded).Decode", "longwave/ingest/telemetry.Decode"}},
		{stageBody, []string{"longwave/api.(*API).read", "longwave/api.(*bodies)", "longwave/api.(*API).decompress"}},
		{stageGroup, []string{"longwave/ingest."}},
		{stageBroker, []string{"github.com/nats-io/nats-server/"}},
		{stageClient, []string{"github.com/nats-io/nats.go"}},
		{stageBlocks, []string{"longwave/processors/store."}},
		{stageGather, []string{"longwave/processors."}},
		{stageLive, []string{"longwave/web/live."}},
		{stageCredentials, []string{"longwave/tenants.", "longwave/api.(*API).device"}},
		{stageHTTP, []string{"net/http.", "github.com/coder/websocket", "longwave/web/handler.", "longwave/api.", "github.com/go-chi/"}},
		{stageRest, []string{""}},
	}
}

// stageOf names the stage of a stack, innermost function first.
func stageOf(sample *profile.Sample, all []stage) string {
	for _, location := range sample.Location {
		for _, line := range location.Line {
			for _, s := range all[:len(all)-1] {
				for _, prefix := range s.functions {
					if strings.HasPrefix(line.Function.Name, prefix) {
						return s.name
					}
				}
			}
		}
	}
	return all[len(all)-1].name
}

// measureProfile takes CPU profiles of the program under two loads and says what each stage takes of a packet.
func measureProfile(ctx context.Context, b *bench) ([]table, error) {
	result := table{
		title:   "Where the CPU time goes",
		columns: []string{"stage, µs of CPU per packet"},
		note:    "From profiles that the program serves of itself (`--profiling`) while it takes the load with `--durability disk`; the engine's share is what its process used. What a stage calls counts as its own, memory and system calls included.",
	}
	p, err := startProgram(ctx, b.settings, programOptions{durability: "disk", devices: benchDevices})
	if err != nil {
		return nil, err
	}
	defer p.close()
	for i, shape := range shapes("disk") {
		if shape.name != "single posts, 64 connections" && shape.name != "arrays of 100, 16 connections" {
			continue
		}
		l := shape.load
		l.tokens, l.duration, l.start = p.tokens, b.duration, time.Now().Add(-time.Duration(i+2)*3*time.Hour).UnixMilli()
		one, err := p.profile(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shape.name, err)
		}
		b.stages, result.columns = append(b.stages, one), append(result.columns, shape.name)
	}
	for _, s := range append(stages(), stage{name: stageEngine}, stage{name: stageTogether}) {
		row := []string{s.name}
		for _, one := range b.stages {
			row = append(row, number(one[s.name]))
		}
		result.rows = append(result.rows, row)
	}
	return []table{result}, nil
}

// profile runs a load and divides what the program used among the stages, in microseconds per packet.
func (p *program) profile(ctx context.Context, l load) (map[string]float64, error) {
	type fetched struct {
		raw []byte
		err error
	}
	profiled := make(chan fetched, 1)
	seconds := max(1, int(l.duration.Seconds()))
	go func() {
		raw, err := p.get(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds))
		profiled <- fetched{raw, err}
	}()
	r, err := p.measure(ctx, l)
	answer := <-profiled
	if err == nil {
		err = answer.err
	}
	if err != nil {
		return nil, err
	}
	parsed, err := profile.Parse(bytes.NewReader(answer.raw))
	if err != nil {
		return nil, err
	}
	all, share, total := stages(), map[string]float64{}, 0.0
	for _, sample := range parsed.Sample {
		share[stageOf(sample, all)] += float64(sample.Value[0])
		total += float64(sample.Value[0])
	}
	for name := range share {
		share[name] *= r.perPacket(r.cost.program) / total
	}
	share[stageEngine], share[stageTogether] = r.perPacket(r.cost.engine), r.perPacket(r.cost.total())
	progress("profile of %d samples at %s packets/s", int(total), number(r.acked.rate()))
	return share, nil
}
