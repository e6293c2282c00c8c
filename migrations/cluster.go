package migrations

import (
	"errors"
	"fmt"
	"regexp"
)

// LocalSuffix ends the names of the tables that hold the rows on each server of a cluster; the name without it is the
// table that distributes over all of them.
const LocalSuffix = "_local"

// ErrCluster says that a statement has no counterpart on a cluster.
var ErrCluster = errors.New("a statement that is not known to work on a cluster")

// The statements that a migration may consist of, as far as a cluster needs to know them.
var (
	createTable = regexp.MustCompile(`(?s)^CREATE TABLE IF NOT EXISTS (\w+)\s*(\(.*\))\s*ENGINE = (\w*)MergeTree(?:\(([^)]*)\))?(.*)$`)
	createView  = regexp.MustCompile(`(?s)^CREATE OR REPLACE VIEW (\w+) AS(.*)$`)
	alterTable  = regexp.MustCompile(`(?s)^ALTER TABLE (\w+)\s+(.*)$`)
	alterColumn = regexp.MustCompile(`(?s)^(ADD|DROP|RENAME|MODIFY) COLUMN `)
	clusterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

// ValidCluster tells whether a name can be that of a cluster.
func ValidCluster(name string) bool { return clusterName.MatchString(name) }

// clustered turns a statement for one server into what a cluster needs: tables become replicated ones with a suffix, on
// every server, and the name goes to a table that distributes over the shards. It returns ErrCluster for what it does not
// know; a test turns every statement there is.
func clustered(statement, cluster string) ([]string, error) {
	on := " ON CLUSTER `" + cluster + "`"
	if m := createTable.FindStringSubmatch(statement); m != nil {
		name, columns, kind, arguments, rest := m[1], m[2], m[3], m[4], m[5]
		if arguments != "" {
			arguments = ", " + arguments
		}
		return []string{
			// The path is the same on all servers; {shard} and {replica} are macros that each server sets for itself.
			fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s%s%s\n%s\nENGINE = Replicated%sMergeTree('/clickhouse/tables/{shard}/{database}/%s', '{replica}'%s)%s",
				name, LocalSuffix, on, columns, kind, name, arguments, rest),
			fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s%s AS %s%s\nENGINE = Distributed(`%s`, currentDatabase(), %s%s, %s)",
				name, on, name, LocalSuffix, cluster, name, LocalSuffix, shardBy(columns)),
		}, nil
	}
	if m := createView.FindStringSubmatch(statement); m != nil {
		return []string{"CREATE OR REPLACE VIEW " + m[1] + on + " AS" + m[2]}, nil
	}
	if m := alterTable.FindStringSubmatch(statement); m != nil {
		all := []string{"ALTER TABLE " + m[1] + LocalSuffix + on + " " + m[2]}
		if alterColumn.MatchString(m[2]) {
			all = append(all, "ALTER TABLE "+m[1]+on+" "+m[2])
		}
		return all, nil
	}
	return nil, fmt.Errorf("%w: %.80s", ErrCluster, statement)
}

// shardBy keeps everything of a device on one shard, where repetitions meet and rollups are computed; what belongs to no
// device goes by the tenant, or all to the same place.
func shardBy(columns string) string {
	has := func(column string) bool { return regexp.MustCompile(`(?m)^\s*` + column + ` `).MatchString(columns) }
	switch {
	case has("tenant") && has("device"):
		return "sipHash64(tenant, device)"
	case has("tenant"):
		return "sipHash64(tenant)"
	default:
		return "0"
	}
}
