package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
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

// brokerParts divide what the server takes. They are looked for like stages.
func brokerParts() []stage {
	const at = "github.com/nats-io/nats-server/v2/server."
	return []stage{
		{"server: waiting for the disk", []string{"os.(*File).Sync", "syscall.fsync", "syscall.Fsync"}},
		{"server: repeated ids", []string{at + "(*stream).checkMsgId", at + "(*stream).storeMsgId", at + "(*stream).purgeMsgIds"}},
		{"server: storing", []string{at + "(*stream).processJetStreamMsg", at + "(*msgBlock).flushLoop"}},
		{"server: preparing atomic batches", []string{at + "(*stream).processJetStreamAtomicBatchMsg", at + "(*batching)", at + "(*atomicBatch)", at + "newFileStore"}},
		{"server: handing messages to consumers", []string{at + "(*consumer).loopAndGatherMsgs", at + "(*consumer).processStreamSignal", at + "(*stream).signalConsumers"}},
		{"server: what consumers acknowledge", []string{at + "(*consumer).processAck", at + "(*consumer).processInboundAcks", at + "(*consumer).pushAck"}},
		{"server: sending messages and answers", []string{at + "(*stream).internalLoop", at + "(*client).writeLoop", at + "(*client).flushOutbound"}},
		{"server: reading what clients send", []string{at + "(*client).readLoop"}},
		{"server: the rest", []string{""}},
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

// profiled are the loads of which profiles are taken, for each durability. The first two are what sizes are reckoned from.
func (b *bench) profiled() (chosen []shape) {
	for _, name := range []string{oneTenant, "arrays of 100, 16 connections", manyTenants} {
		for _, s := range shapes("") {
			if s.name == name && strings.Contains(name, b.loads) {
				chosen = append(chosen, s)
			}
		}
	}
	return chosen
}

// measureProfile takes CPU profiles of the program under some loads and says what each stage takes of a packet, and each
// part of the server within its own.
func measureProfile(ctx context.Context, b *bench) ([]table, error) {
	result := table{
		title:   "Where the CPU time goes",
		columns: []string{"stage, µs of CPU per packet"},
		note:    "From profiles that the program serves of itself (`--profiling`) while it takes the load; the engine's share is what its process used. What a stage calls counts as its own, memory and system calls included.",
	}
	broker := table{title: "Where the NATS server's CPU time goes", columns: []string{"part of it, µs of CPU per packet"},
		note: "Of the same profiles. Where many requests share a message, a packet has a fraction of each."}
	for _, durability := range []string{"disk", "process"} {
		if err := b.profileDurability(ctx, durability); err != nil {
			return nil, fmt.Errorf("--durability %s: %w", durability, err)
		}
		for _, shape := range b.profiled() {
			title := shape.name + ", `" + durability + "`"
			result.columns, broker.columns = append(result.columns, title), append(broker.columns, title)
		}
	}
	for _, s := range append(stages(), stage{name: stageEngine}, stage{name: stageTogether}) {
		result.rows = append(result.rows, b.spent(s.name))
	}
	for _, s := range brokerParts() {
		broker.rows = append(broker.rows, b.spent(s.name))
	}
	return []table{result, broker}, nil
}

// spent is the row of a stage.
func (b *bench) spent(name string) []string {
	row := []string{name}
	for _, one := range b.stages {
		row = append(row, number(one[name]))
	}
	return row
}

func (b *bench) profileDurability(ctx context.Context, durability string) error {
	p, err := startProgram(ctx, b.settings, programOptions{durability: durability, devices: benchDevices, tenants: spreadTenants})
	if err != nil {
		return err
	}
	defer p.close()
	for i, shape := range b.profiled() {
		l := shape.load
		l.tokens, l.duration, l.start = p.tokens, b.duration, time.Now().Add(-time.Duration(i+2)*3*time.Hour).UnixMilli()
		if shape.spread {
			l.tokens = p.spread
		}
		raw, one, err := p.profile(ctx, l)
		if err != nil {
			return fmt.Errorf("%s: %w", shape.name, err)
		}
		b.stages = append(b.stages, one)
		if b.profiles == "" {
			continue
		}
		name := filepath.Join(b.profiles, fmt.Sprintf("%s-%d.pprof", durability, i))
		if err := os.WriteFile(name, raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// profile runs a load and divides what the program used among the stages and the parts of the server, in microseconds per packet.
func (p *program) profile(ctx context.Context, l load) (raw []byte, share map[string]float64, err error) {
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
		return nil, nil, err
	}
	parsed, err := profile.Parse(bytes.NewReader(answer.raw))
	if err != nil {
		return nil, nil, err
	}
	all, parts, total := stages(), brokerParts(), 0.0
	share = map[string]float64{}
	for _, sample := range parsed.Sample {
		name := stageOf(sample, all)
		share[name] += float64(sample.Value[0])
		if name == stageBroker {
			share[stageOf(sample, parts)] += float64(sample.Value[0])
		}
		total += float64(sample.Value[0])
	}
	for name := range share {
		share[name] *= r.perPacket(r.cost.program) / total
	}
	share[stageEngine], share[stageTogether] = r.perPacket(r.cost.engine), r.perPacket(r.cost.total())
	progress("profile of %d samples at %s packets/s, %s µs a packet", int(total), number(r.acked.rate()), number(share[stageTogether]))
	return answer.raw, share, nil
}
