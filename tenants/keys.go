package tenants

import (
	"context"
	"fmt"
	"time"

	"longwave/tenants/id"
)

// maxKeys bounds the API keys of one tenant; each is looked at on the page that lists them.
const maxKeys = 200

// maxKeyYears bounds how far the end of a key may be away; one without an end says so openly.
const maxKeyYears = 10

// CreateKey makes an API key and its secret, which is returned here and never again. It returns ErrNotFound,
// *InvalidError, *LimitError and the errors of every command. A key cannot be more than the role it is given.
func (s *Service) CreateKey(ctx context.Context, actor Actor, t id.Tenant, n NewKey) (Key, string, error) {
	name, err := checkName("name", n.Name)
	if err != nil {
		return Key{}, "", fmt.Errorf("create key: %w", err)
	}
	if _, err := ParseRole(n.Role.String()); err != nil {
		return Key{}, "", fmt.Errorf("create key: %w", err)
	}
	scope, err := n.Scope.check()
	if err == nil {
		err = checkExpiry(n.Expires, s.now())
	}
	if err != nil {
		return Key{}, "", fmt.Errorf("create key: %w", err)
	}
	secret, public, sum := mintToken(keyPrefix)
	k, err := id.Parse[id.Key](publicKeyPrefix + public)
	if err != nil {
		return Key{}, "", fmt.Errorf("create key: %w", err)
	}
	created := keyCreated{ID: k, Name: name, Role: n.Role, Sum: sum[:], Expires: n.Expires.UTC().Truncate(time.Second), Scope: scope}
	var made Key
	_, err = s.inTenant(ctx, actor, t, func(st *State, now time.Time) ([]event, error) {
		if found, _ := st.tenants.Get(string(t)); found.keys >= maxKeys {
			return nil, &LimitError{Name: "API keys", Max: maxKeys}
		}
		made = created.key(stamp{at: now, tenant: t})
		return []event{created}, nil
	})
	if err != nil {
		return Key{}, "", fmt.Errorf("create key: %w", err)
	}
	return made, secret, nil
}

// RevokeKey makes an API key worthless at once. It returns ErrNotFound and the errors of every command.
func (s *Service) RevokeKey(ctx context.Context, actor Actor, t id.Tenant, k id.Key) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if _, ok := st.keys.Get(key2(t, k)); !ok {
			return nil, fmt.Errorf("key: %w", ErrNotFound)
		}
		return []event{keyRevoked{ID: k}}, nil
	})
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	s.uses.forget(ctx, t, k)
	return nil
}

// checkExpiry wants a time that is not over, and not so far away that nobody will remember the key.
func checkExpiry(expires, now time.Time) error {
	if !expires.IsZero() && (!expires.After(now) || expires.After(now.AddDate(maxKeyYears, 0, 0))) {
		return invalid("expires", "must be later than now, and within %d years", maxKeyYears)
	}
	return nil
}
