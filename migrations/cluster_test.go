package migrations

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// everyStatement of the schema, in order.
func everyStatement(t *testing.T) []string {
	t.Helper()
	all, err := load(embedded)
	if err != nil {
		t.Fatal(err)
	}
	statements := []string{createRecord}
	for _, m := range all {
		statements = append(statements, m.statements...)
	}
	return statements
}

// The embedded engine has no cluster, but its parser is that of a server.
func TestEveryStatementHasOnesForACluster(t *testing.T) {
	conn := connect(t)
	parsed := 0
	for _, statement := range everyStatement(t) {
		turned, err := clustered(statement, "main")
		if err != nil {
			t.Error(err)
			continue
		}
		for _, one := range turned {
			if !strings.Contains(one, "ON CLUSTER `main`") {
				t.Errorf("not for every server: %.100s", one)
			}
			if err := conn.Exec(t.Context(), "EXPLAIN AST "+one); err != nil {
				t.Errorf("%.100s: %v", one, err)
			}
			parsed++
		}
	}
	if parsed < 30 {
		t.Errorf("only %d statements were parsed", parsed)
	}
}

func TestTablesOfAClusterAreReplicatedAndDistributed(t *testing.T) {
	for statement, want := range map[string][]string{
		"CREATE TABLE IF NOT EXISTS readings\n(\n tenant String,\n device String\n)\nENGINE = ReplacingMergeTree\nORDER BY tenant\nTTL expires": {
			"CREATE TABLE IF NOT EXISTS readings_local ON CLUSTER `c`\n(\n tenant String,\n device String\n)\nENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/readings', '{replica}')\nORDER BY tenant\nTTL expires",
			"CREATE TABLE IF NOT EXISTS readings ON CLUSTER `c` AS readings_local\nENGINE = Distributed(`c`, currentDatabase(), readings_local, sipHash64(tenant, device))",
		},
		"CREATE TABLE IF NOT EXISTS w (n UInt8) ENGINE = ReplacingMergeTree(count) ORDER BY n": {
			"CREATE TABLE IF NOT EXISTS w_local ON CLUSTER `c`\n(n UInt8)\nENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/w', '{replica}', count) ORDER BY n",
			"CREATE TABLE IF NOT EXISTS w ON CLUSTER `c` AS w_local\nENGINE = Distributed(`c`, currentDatabase(), w_local, 0)",
		},
		"CREATE OR REPLACE VIEW v AS SELECT 1":                 {"CREATE OR REPLACE VIEW v ON CLUSTER `c` AS SELECT 1"},
		"ALTER TABLE w MODIFY SETTING ttl_only_drop_parts = 1": {"ALTER TABLE w_local ON CLUSTER `c` MODIFY SETTING ttl_only_drop_parts = 1"},
		"ALTER TABLE w ADD COLUMN IF NOT EXISTS m UInt8":       {"ALTER TABLE w_local ON CLUSTER `c` ADD COLUMN IF NOT EXISTS m UInt8", "ALTER TABLE w ON CLUSTER `c` ADD COLUMN IF NOT EXISTS m UInt8"},
	} {
		got, err := clustered(statement, "c")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %q (%v)\nwant %q", statement, got, err, want)
		}
	}
	if _, err := clustered("DROP TABLE IF EXISTS w", "c"); !errors.Is(err, ErrCluster) {
		t.Errorf("%v, want ErrCluster", err)
	}
}

func TestPoliciesCoverEveryTableWithTenants(t *testing.T) {
	conn := connect(t)
	for _, cluster := range []string{"", "main"} {
		all := Policies("re`ader", cluster)
		for _, policy := range all {
			if err := conn.Exec(t.Context(), "EXPLAIN AST "+policy); err != nil {
				t.Errorf("%s: %v", policy, err)
			}
		}
		text := strings.Join(all, "\n")
		for _, statement := range everyStatement(t) {
			m := createTable.FindStringSubmatch(statement)
			if m == nil || !regexp.MustCompile(`(?m)^\s*tenant `).MatchString(m[2]) {
				continue
			}
			if !strings.Contains(text, " ON "+m[1]+" ") || cluster != "" && !strings.Contains(text, " ON "+m[1]+LocalSuffix+" ") {
				t.Errorf("table %s has tenants and no policy", m[1])
			}
		}
	}
}
