package main

import (
	"context"
	"errors"
	"fmt"
)

// role is what can be a machine of its own in a cluster, as the stages of the profile that it consists of.
type role struct {
	name   string
	stages []string
}

func roles() []role {
	return []role{
		{"taking packets in: copies of the program", []string{stageHTTP, stageBody, stageCredentials, stageDecode, stageGroup, stageLive}},
		{"the log: NATS JetStream", []string{stageBroker, stageClient}},
		{"storing: the same copies, or others", []string{stageGather, stageBlocks}},
		{"ClickHouse: inserts and merges", []string{stageEngine}},
	}
}

// wantedRate is what the sizes are for, and usable how much of a core a plan may count on: a machine that is always busy has no
// room for a burst, a merge or a neighbour that has failed.
const (
	wantedRate = 1_000_000
	usable     = 0.6
)

// measureSizes measures nothing: it multiplies what was measured before by the rate. A microsecond of a packet is a core at a
// million packets a second.
func measureSizes(_ context.Context, b *bench) ([]table, error) {
	if len(b.stages) < 2 || b.loads != "" || b.perReading.lane == 0 {
		return nil, errors.New("needs the parts path and profile")
	}
	t := table{
		title:   fmt.Sprintf("What %s packets/s take", count(int64(wantedRate))),
		columns: []string{"role", "arrays of 100: µs of CPU/packet", "cores at work", "cores to provide", "single posts: µs of CPU/packet", "cores at work", "cores to provide"},
		note: fmt.Sprintf("Cores to provide are cores at work divided by %.1f. What the runtime needs (scheduling, garbage collection) is divided among the roles of the program by their share. "+
			"Beside: the log writes %s MB/s for each replica and its lanes need %s GB for each hour that ClickHouse may be away; ClickHouse keeps %s GB a day before rollups, for packets like the bench's (%.1f and %.1f bytes a reading, %d readings a packet).",
			usable, number(b.perReading.lane*valuesPerPacket*wantedRate/1e6), number(b.perReading.lane*valuesPerPacket*wantedRate*3600/1e9),
			number(b.perReading.table*valuesPerPacket*wantedRate*86_400/1e9), b.perReading.lane, b.perReading.table, valuesPerPacket),
	}
	for _, r := range roles() {
		row := []string{r.name}
		for _, spent := range []map[string]float64{b.stages[1], b.stages[0]} {
			cost := r.cost(spent)
			row = append(row, number(cost), number(cost*wantedRate/1e6), number(cost*wantedRate/1e6/usable))
		}
		t.rows = append(t.rows, row)
	}
	return []table{t}, nil
}

// cost is what a role takes of a packet.
func (r role) cost(spent map[string]float64) (sum float64) {
	for _, name := range r.stages {
		sum += spent[name]
	}
	if r.stages[0] == stageEngine {
		return sum
	}
	runtime, program := spent[stageGC]+spent[stageRest], spent[stageTogether]-spent[stageEngine]
	return sum * program / max(program-runtime, 1e-9)
}
