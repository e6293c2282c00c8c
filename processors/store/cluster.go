package store

import (
	"maps"

	"github.com/ClickHouse/clickhouse-go/v2"

	"longwave/migrations"
)

// cluster is the name of the servers that hold the tables together; empty for one server.
type cluster string

// local is the table that holds rows on a server, which is what mutations and checks are about.
func (c cluster) local(table string) string {
	if c == "" {
		return table
	}
	return table + migrations.LocalSuffix
}

// on makes a statement one for every server. The name was checked by New.
func (c cluster) on() string {
	if c == "" {
		return ""
	}
	return " ON CLUSTER `" + string(c) + "`"
}

// system is a table of the database's own, with the rows of all servers.
func (c cluster) system(table string) string {
	if c == "" {
		return "system." + table
	}
	return "clusterAllReplicas(`" + string(c) + "`, system." + table + ")"
}

// writing adds what makes an insert durable on a cluster: it returns when most replicas of its shard have the block, and
// the next one waits for it, because reading below can be exact only then. One that comes at the same moment from another
// copy of the program is refused, and tried again.
func (c cluster) writing(settings clickhouse.Settings) clickhouse.Settings {
	if c != "" {
		maps.Copy(settings, clickhouse.Settings{"insert_distributed_sync": 1, "insert_quorum": "auto", "insert_quorum_parallel": 0})
	}
	return settings
}

// reading adds what makes an answer exact on a cluster: a replica that misses a block that was acknowledged does not answer,
// and a table within a question is that of the shard, where everything of a device lies.
func (c cluster) reading(settings clickhouse.Settings) clickhouse.Settings {
	if c != "" {
		maps.Copy(settings, clickhouse.Settings{"select_sequential_consistency": 1, "distributed_product_mode": "local"})
	}
	return settings
}

// ValidCluster tells whether a name can be that of a cluster.
func ValidCluster(name string) bool { return migrations.ValidCluster(name) }
