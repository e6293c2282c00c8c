package migrations

import "fmt"

// TenantSetting is the setting that names the tenant of a question asked by a reading account. Its prefix is the one
// that ClickHouse servers allow for settings of their users as they are delivered.
const TenantSetting = "SQL_longwave_tenant"

// TenantTables lists the tables whose rows belong to a tenant.
func TenantTables() []string {
	return []string{"readings", "events", "latest", "touched", "rollup_runs", "rollup_1m", "rollup_1h", "rollup_1d"}
}

// Policies returns the statements that keep an account of a ClickHouse server, which may read the tables and views, to rows of the tenant that the question's TenantSetting names: a second wall behind the views. They may be
// repeated. A test knows if a table with tenants is left out.
func Policies(reader, cluster string) []string {
	on, suffixes := "", []string{""}
	if cluster != "" {
		on, suffixes = " ON CLUSTER `"+cluster+"`", []string{"", LocalSuffix}
	}
	var all []string
	for _, table := range TenantTables() {
		for _, suffix := range suffixes {
			all = append(all, fmt.Sprintf("CREATE ROW POLICY OR REPLACE longwave_tenant%s ON %s%s FOR SELECT USING tenant = getSetting('%s') TO %s",
				on, table, suffix, TenantSetting, quote(reader)))
		}
	}
	return all
}

// quote makes an identifier of any name.
func quote(name string) string {
	quoted := make([]byte, 0, len(name)+2)
	quoted = append(quoted, '`')
	for i := range len(name) {
		if name[i] == '`' || name[i] == '\\' {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, name[i])
	}
	return string(append(quoted, '`'))
}
