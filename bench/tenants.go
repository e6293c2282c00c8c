package main

import (
	"context"
	"fmt"
)

// compareTenants measures nothing: it puts what was measured before side by side, to say how much of what many tenants cost
// more is the log's own, and how much is ours.
func compareTenants(_ context.Context, b *bench) ([]table, error) {
	t := table{
		title: "One tenant and a thousand",
		columns: []string{"durability", "one tenant: CPU µs/packet", "of it the log", "1,000 tenants: CPU µs/packet", "× one tenant, packets/s",
			"the log alone: CPU µs/message of one packet", "× one tenant, at best"},
		note: "Single posts, 64 connections. A message never holds packets of two tenants, so each packet of a thousand tenants is a message; of one tenant many share one. " +
			"The log alone is a bare publisher and a bare consumer of a thousand subjects. *At best* is what would be left if that were all that is added, by CPU of program and engine.",
	}
	for i, durability := range []string{"disk", "process"} {
		one, ok := b.found(oneTenant, durability)
		many, also := b.found(manyTenants, durability)
		alone, stages := b.perMessage[durability], len(b.profiled())
		if !ok || !also || alone == 0 || len(b.stages) != 2*stages {
			continue // left out of this run
		}
		cost, share := one.perPacket(one.cost.total()), b.stages[i*stages][stageBroker]+b.stages[i*stages][stageClient]
		t.rows = append(t.rows, []string{durability, number(cost), number(share), number(many.perPacket(many.cost.total())),
			fmt.Sprintf("%.2f", many.acked.rate()/one.acked.rate()), number(alone), fmt.Sprintf("%.2f", cost/(cost-share+alone))})
	}
	if len(t.rows) == 0 {
		return nil, nil
	}
	return []table{t}, nil
}
