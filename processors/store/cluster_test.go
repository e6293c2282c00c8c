package store

import (
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"longwave/migrations"
	"longwave/processors/engine/enginetest"
)

func TestNamesOfClustersAreChecked(t *testing.T) {
	writer, reader := enginetest.Database(t)
	for name, o := range map[string]Options{
		"quote":            {Connect: writer, Cluster: "a`b"},
		"policies for all": {Connect: writer, Policies: true},
	} {
		if s, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
			_ = s.Close()
		}
	}
	s, err := New(Options{Connect: writer, Reader: reader, Cluster: "main-1", Policies: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The embedded engine is no cluster, but it parses what is sent to one, and knows the settings.
func TestStatementsForAClusterAreUnderstood(t *testing.T) {
	s, c := openStore(t), cluster("main")
	for _, statement := range []string{
		"ALTER TABLE " + c.local("readings") + c.on() + " DELETE" + ofDevice,
		"CHECK TABLE " + c.local("readings"),
		fmt.Sprintf(selectDisk, migrations.LocalSuffix, c.system("parts")),
		fmt.Sprintf(selectSetAside, c.system("detached_parts")),
		"CREATE DATABASE IF NOT EXISTS {name:Identifier}" + c.on(),
	} {
		params := []any{named("tenant", "t"), named("device", "d"), named("name", "n")}
		if err := s.write.Exec(t.Context(), "EXPLAIN AST "+statement, params...); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	settings := c.writing(c.reading(clickhouse.Settings{}))
	if len(settings) != 5 {
		t.Errorf("%v", settings)
	}
	for name := range settings {
		var known uint64
		if err := s.read.QueryRow(t.Context(), "SELECT count() FROM system.settings WHERE name = {name:String}", named("name", name)).Scan(&known); err != nil || known != 1 {
			t.Errorf("setting %s is not known (%v)", name, err)
		}
	}
	if one := cluster(""); one.on() != "" || one.local("x") != "x" || one.system("parts") != "system.parts" || len(one.writing(one.reading(clickhouse.Settings{}))) != 0 {
		t.Error("one server is treated as a cluster")
	}
}

// A batch goes to every month that its packets are of: never more than any server takes at its defaults.
func TestABatchSpansFewPartitions(t *testing.T) {
	const serverDefault = 100 // max_partitions_per_insert_block
	s, tenant, device := openStore(t), newTenant(), newDevice()
	b := batch(device)
	for at := noon() - 366*day; at <= noon()+day; at += day {
		b.Packets = append(b.Packets, packet(at, number("temperature", 1), text("state", "on")))
	}
	insert(t, s, tenant, b)
	for table, least := range map[string]uint64{"readings": 12, "events": 12, "latest": 1, "touched": 1} {
		var partitions uint64
		question := "SELECT uniqExact(partition) FROM system.parts WHERE database = currentDatabase() AND active AND table = {table:String}"
		if err := s.read.QueryRow(t.Context(), question, named("table", table)).Scan(&partitions); err != nil {
			t.Fatal(err)
		}
		if partitions < least || partitions > serverDefault/4 {
			t.Errorf("%d partitions of %s, want at least %d and far fewer than %d", partitions, table, least, serverDefault)
		}
	}
}
