package web

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longwave/tenants"
)

// TestTheRolesAreDocumented compares docs/roles.md with what the program does; LONGWAVE_UPDATE=1 writes it.
func TestTheRolesAreDocumented(t *testing.T) {
	s := start(t)
	s.owner()
	want := rolesHeading + s.actionTable() + routesHeading + routeTable()
	path := filepath.Join("..", "docs", "roles.md")
	if os.Getenv("LONGWAVE_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what the program does any more; write it with LONGWAVE_UPDATE=1", path)
	}
}

const rolesHeading = `# Who may do what

Written by ` + "`TestTheRolesAreDocumented`" + ` from the table in ` + "`tenants/role.go`" + ` and from the one that ` + "`TestRouteMatrix`" + ` asks the running
program about; it fails when this page is old.

Roles belong to one tenant: an owner of one is nobody in another, and what belongs to another tenant is answered like what never was.
An operator runs the installation and has no role in a tenant. Only when its owners consent, or while support access is open, is an
operator there as a viewer. An operator who is limited to some tenants may oversee those and nothing else of the platform. A
member or an API key of a suspended tenant may do nothing.

## Actions

API keys have one of the three roles and may do in ` + "`/manage/v1`" + ` what the role may; each operation names its action there. A key that is
limited to some devices may do only what is marked with *, to those devices. Keys are made by owners who have shown within ten minutes
who they are; what such a key may do later, identity providers above all, is not asked for again, so give the role of owner to few.

`

const routesHeading = `
## Pages

The least that somebody must be. *Anyone* is not signed in; *person* is, and belongs to no tenant here; *unmanned* is a
paired wall screen, which is let in nowhere else. Keys, identity providers,
device trust, operators and what cannot be brought back also want a proof of who it is that is less than ten minutes old.

`

// actionTable asks the program what keys of each role, and an operator, may do.
func (s *site) actionTable() string {
	s.t.Helper()
	actor := tenants.Actor{Person: s.claimed.Person.ID}
	who := []tenants.Principal{}
	key := func(n tenants.NewKey) tenants.Principal {
		_, token, err := s.tenants.CreateKey(s.t.Context(), actor, s.claimed.Tenant.ID, n)
		if err != nil {
			s.t.Fatal(err)
		}
		made, err := s.tenants.KeyByToken(token)
		if err != nil {
			s.t.Fatal(err)
		}
		return made
	}
	for _, role := range tenants.Roles() {
		who = append(who, key(tenants.NewKey{Name: role.String(), Role: role}))
	}
	limited := key(tenants.NewKey{Name: "limited", Role: tenants.Owner, Scope: tenants.KeyScope{Sites: []string{"plant"}}})
	platform, err := s.tenants.Identify(s.claimed.Person.ID, "")
	if err != nil {
		s.t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("| action | viewer | editor | owner | operator |\n|---|---|---|---|---|\n")
	for _, action := range tenants.Actions() {
		name := action.String()
		if limited.May(action) == nil {
			name += " *"
		}
		fmt.Fprintf(&out, "| %s |", name)
		for _, p := range append(slices.Clone(who), platform) {
			fmt.Fprintf(&out, " %s |", map[bool]string{true: "yes", false: ""}[p.May(action) == nil])
		}
		out.WriteString("\n")
	}
	return out.String()
}

func routeTable() string {
	table := matrix()
	routes := slices.SortedFunc(maps.Keys(table), func(a, b string) int {
		_, left, _ := strings.Cut(a, " ")
		_, right, _ := strings.Cut(b, " ")
		return strings.Compare(left+" "+a, right+" "+b)
	})
	var out strings.Builder
	out.WriteString("| address | least |\n|---|---|\n")
	for _, route := range routes {
		fmt.Fprintf(&out, "| `%s` | %s |\n", route, table[route])
	}
	return out.String()
}
