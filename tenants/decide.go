package tenants

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"longwave/tenants/id"
)

// RowResult is what one row of a provider's rules makes of somebody's claims.
type RowResult struct {
	Row     RoleRow
	Matched bool
	Reason  string // in words
}

// Decision is what all rows together give somebody: the highest role of those that match, in each tenant.
type Decision struct {
	Rows  []RowResult
	Roles map[id.Tenant]Role
}

// Decide applies the provider's rules to claims as the provider sent them. It is pure.
func (p Provider) Decide(claims map[string]any) Decision {
	d := Decision{Roles: map[id.Tenant]Role{}}
	for _, row := range p.Rows {
		tenant := row.Tenant
		if p.Tenant != "" { // a tenant's provider speaks for its own tenant, whatever a row says
			tenant = p.Tenant
		}
		matched, reason := row.matches(claims)
		d.Rows = append(d.Rows, RowResult{row, matched, reason})
		if matched {
			d.Roles[tenant] = max(d.Roles[tenant], row.Role)
		}
	}
	return d
}

// maxShownValues bounds how many values of a claim a reason repeats.
const maxShownValues = 8

func (r RoleRow) matches(claims map[string]any) (bool, string) {
	value, ok := claimAt(claims, r.Claim)
	if !ok {
		return false, "the claim did not come back"
	}
	if r.Claim == "email" && !EmailVerified(claims) {
		return false, "the provider has not verified the e-mail address, so it proves nothing"
	}
	values := claimTexts(value)
	switch {
	case len(values) == 0:
		return false, "the claim is empty"
	case r.Value == anyValue:
		return true, "the claim came back"
	case slices.Contains(values, r.Value):
		return true, "the claim has this value"
	}
	shown := values[:min(len(values), maxShownValues)]
	reason := "the claim is " + strings.Join(shown, ", ")
	if more := len(values) - len(shown); more > 0 {
		reason += fmt.Sprintf(" and %d more", more)
	}
	return false, reason
}

// anyValue in a row matches every claim that is not empty.
const anyValue = "*"

// EmailVerified says whether the provider vouches for the e-mail address in the claims. Some write the word instead of the value.
func EmailVerified(claims map[string]any) bool {
	return claims["email_verified"] == true || claims["email_verified"] == "true"
}

// claimAt finds a claim of that name, or one inside of others when the name has dots.
func claimAt(claims map[string]any, name string) (any, bool) {
	if value, ok := claims[name]; ok {
		return value, value != nil
	}
	outer, inner, nested := strings.Cut(name, ".")
	below, ok := claims[outer].(map[string]any)
	if !nested || !ok {
		return nil, false
	}
	return claimAt(below, inner)
}

// claimTexts lists the values of a claim as texts.
func claimTexts(value any) []string {
	switch v := value.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case bool:
		return []string{strconv.FormatBool(v)}
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case json.Number:
		return []string{v.String()}
	case []any:
		var list []string
		for _, each := range v {
			list = append(list, claimTexts(each)...)
		}
		return list
	}
	return nil
}
