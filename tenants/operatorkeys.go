package tenants

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"longwave/tenants/id"
)

const (
	// maxOperatorKeys bounds the keys of all operators together; one page lists them.
	maxOperatorKeys = 200
	// operatorKeyDays bounds the life of one: it reaches many tenants, so somebody says once a year that it is still wanted.
	operatorKeyDays = 366
)

// Reach is how far an operator's key reaches; each lets do what the one before does. The zero value lets do nothing.
type Reach uint8

// The reaches.
const (
	ReachSee     Reach = iota + 1 // see tenants with what they use
	ReachOversee                  // also rename, suspend and limit them
	ReachOperate                  // also create and delete them
)

// Reaches lists every reach that can be given to a key.
func Reaches() []Reach { return []Reach{ReachSee, ReachOversee, ReachOperate} }

// String is the reach's name in events, forms and JSON.
func (r Reach) String() string {
	switch r {
	case ReachSee:
		return "see"
	case ReachOversee:
		return "oversee"
	case ReachOperate:
		return "operate"
	}
	return "none"
}

// ParseReach reads a reach's name. It returns an *InvalidError for anything that Reaches does not list.
func ParseReach(text string) (Reach, error) {
	for _, r := range Reaches() {
		if r.String() == text {
			return r, nil
		}
	}
	return 0, invalid("reach", "%q is none, want see, oversee or operate", text)
}

// MarshalText writes the reach's name.
func (r Reach) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the reach's name; it returns an *InvalidError for an unknown one.
func (r *Reach) UnmarshalText(text []byte) (err error) {
	*r, err = ParseReach(string(text))
	return err
}

// OperatorKey is a key with which scripts do what an operator does, without its secret. It acts for the operator who made
// it: it oversees the same tenants, and is gone when that person operates nothing any more.
type OperatorKey struct {
	ID               id.Key
	Person           id.Person
	Name             string
	Reach            Reach
	Created, Expires time.Time
}

// Prefix is the part of the key that is not secret, for showing which one is meant.
func (k OperatorKey) Prefix() string { return operatorPrefix + publicOf(k.ID) }

// NewOperatorKey asks for an operator's key.
type NewOperatorKey struct {
	Name    string
	Reach   Reach
	Expires time.Time
}

// OperatorKeys lists the keys of all operators, oldest first.
func (s *State) OperatorKeys() []OperatorKey {
	list := make([]OperatorKey, 0, s.opKeys.Len())
	s.opKeys.Scan(func(_ string, k *operatorKey) bool {
		list = append(list, k.OperatorKey)
		return true
	})
	slices.SortFunc(list, func(a, b OperatorKey) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return list
}

// CreateOperatorKey makes a key that acts for the operator who makes it, and its secret, which is returned here and never
// again. A key makes no keys. It returns ErrForbidden, *InvalidError, *LimitError and the errors of every command.
func (s *Service) CreateOperatorKey(ctx context.Context, actor Actor, n NewOperatorKey) (OperatorKey, string, error) {
	secret, created, err := s.mintOperatorKey(actor.Person, n)
	if err != nil {
		return OperatorKey{}, "", fmt.Errorf("create operator's key: %w", err)
	}
	st, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		who, _ := st.Person(actor.Person)
		switch {
		case !who.Operator || actor.Key != "":
			return nil, fmt.Errorf("%w: only an operator makes operators' keys", ErrForbidden)
		case who.Scope.Limited && n.Reach == ReachOperate:
			return nil, invalid("reach", "is more than you may do yourself: you oversee some tenants only")
		case st.opKeys.Len() >= maxOperatorKeys:
			return nil, &LimitError{Name: "operators' keys", Max: maxOperatorKeys}
		}
		return []event{created}, nil
	})
	if err != nil {
		return OperatorKey{}, "", fmt.Errorf("create operator's key: %w", err)
	}
	made, _ := st.opKeys.Get(publicOf(created.ID))
	return made.OperatorKey, secret, nil
}

// mintOperatorKey checks what is asked for and makes the secret.
func (s *Service) mintOperatorKey(p id.Person, n NewOperatorKey) (secret string, created operatorKeyCreated, err error) {
	name, err := checkName("name", n.Name)
	if err != nil {
		return "", created, err
	}
	if _, err := ParseReach(n.Reach.String()); err != nil {
		return "", created, err
	}
	if now := s.now(); !n.Expires.After(now) || n.Expires.After(now.AddDate(0, 0, operatorKeyDays)) {
		return "", created, invalid("expires", "must be later than now, and within %d days", operatorKeyDays)
	}
	secret, public, sum := mintToken(operatorPrefix)
	k, err := id.Parse[id.Key](publicKeyPrefix + public)
	return secret, operatorKeyCreated{ID: k, Person: p, Name: name, Reach: n.Reach, Sum: sum[:], Expires: n.Expires.UTC().Truncate(time.Second)}, err
}

// RevokeOperatorKey makes an operator's key worthless at once: one's own, or anybody's for who operates the whole
// installation. It returns ErrNotFound and the errors of every command.
func (s *Service) RevokeOperatorKey(ctx context.Context, actor Actor, k id.Key) error {
	_, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		found, ok := st.opKeys.Get(publicOf(k))
		if !ok || found.Person != actor.Person && st.operates(actor) != nil {
			return nil, fmt.Errorf("operator's key: %w", ErrNotFound)
		}
		return []event{operatorKeyRevoked{ID: k, Name: found.Name}}, nil
	})
	if err != nil {
		return fmt.Errorf("revoke operator's key: %w", err)
	}
	s.uses.forget(ctx, ofOperators, k)
	return nil
}

// OperatorKeysUsed says when operators' keys were last used, as KeysUsed does for those of a tenant. It returns
// ErrUnavailable.
func (s *Service) OperatorKeysUsed(ctx context.Context) (map[id.Key]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, keyUseTimeout)
	defer cancel()
	var keys []id.Key
	for _, k := range s.State().OperatorKeys() {
		keys = append(keys, k.ID)
	}
	return s.uses.times(ctx, ofOperators, keys)
}
