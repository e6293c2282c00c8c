package main

import (
	"context"
	"fmt"
	"time"

	"longwave/ingest/telemetry"
)

// measureEngines measures what the engines do when nothing else is done: no HTTP, no decoding, no grouping, no sorting.
func measureEngines(ctx context.Context, b *bench) ([]table, error) {
	limits := table{
		title:   "The engines alone",
		columns: []string{"what", "packets/s", "messages/s", "the program's best here × this", "CPU µs/packet"},
		note: "Made of the same packets in the same form as the program's. The log's messages are sent from the bench's own process with as many in flight as the program allows itself; the CPU is that of the log and of whoever sends. " +
			"Over 1,000 subjects a message is what a single post of one of many tenants costs the log; the figures are of messages that were taken out and settled.",
	}
	for _, log := range []rawLog{
		{name: "JetStream, fsync, atomic batches of 64 messages of one packet", sync: true, together: 64, packets: 1, flights: 1, like: "single posts, 256 connections"},
		{name: "the same over 1,000 subjects in batches of 32, and each message taken out by a consumer", sync: true, together: 32, packets: 1, flights: 1, subjects: spreadTenants, like: manyTenants},
		{name: "JetStream, fsync, messages of 64 packets one by one", sync: true, together: 1, packets: 64, flights: 1, like: "single posts, 256 connections"},
		{name: "JetStream, fsync, messages of 1,600 packets one by one", sync: true, together: 1, packets: 1600, flights: 1, like: "arrays of 100, 16 connections"},
		{name: "JetStream, messages of 16 packets, 4 in flight", together: 1, packets: 16, flights: 4, like: "single posts, 64 connections"},
		{name: "JetStream, messages of one packet over 1,000 subjects, 4 times 16 in flight, each taken out by a consumer", together: 16, packets: 1, flights: 4, subjects: spreadTenants, like: manyTenants},
		{name: "JetStream, messages of 400 packets, 4 in flight", together: 1, packets: 400, flights: 4, like: "arrays of 100, 16 connections"},
	} {
		before := ownTime()
		messages, err := log.run(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", log.name, err)
		}
		packets := messages * float64(log.packets)
		spent := (ownTime() - before).Seconds() / (packets * b.duration.Seconds()) * 1e6
		limits.rows = append(limits.rows, []string{log.name, number(packets), number(messages), b.against(log.like, log.durability(), packets), number(spent)})
		progress("%s: %s packets/s", log.name, number(packets))
		if log.subjects > 0 {
			b.perMessage[log.durability()] = spent
		}
	}
	rows, err := b.measureInserts(ctx)
	limits.rows = append(limits.rows, rows...)
	return []table{limits}, err
}

// against is the program's figure in this run as a share of an engine's.
func (b *bench) against(name, durability string, limit float64) string {
	if r, ok := b.found(name, durability); ok {
		return fmt.Sprintf("%.2f (%s, %s)", r.acked.rate()/limit, name, durability)
	}
	return "–"
}

// found is what an earlier part measured of the program.
func (b *bench) found(name, durability string) (result, bool) {
	for _, r := range b.measured {
		if r.name == name && r.durability == durability {
			return r, true
		}
	}
	return result{}, false
}

// lanePayload is packets in the form in which they travel in a lane.
func lanePayload(packets int) ([]byte, error) {
	author, err := newAuthor(arrays(), 0, time.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	var payload []byte
	for packets > 0 {
		some := min(packets, 100)
		body, err := author.body(some)
		if err != nil {
			return nil, err
		}
		decoded, err := telemetry.Decode(body, telemetry.DecodeOptions{Now: telemetry.At(time.Now()), Device: "d-bench"})
		if err != nil {
			return nil, err
		}
		payload = telemetry.AppendBatch(payload, &telemetry.Batch{Device: "d-bench", Packets: decoded.Packets, Received: telemetry.At(time.Now()), RetainDays: 400})
		packets -= some
	}
	return payload, nil
}
