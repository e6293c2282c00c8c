package erase

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"longwave/tenants/id"
)

// estate is a control log and what belongs to a tenant, with steps that fail where they are told to.
type estate struct {
	script
	ending  []Ending
	left    map[string]uint64
	removed []Gone
}

func (e *estate) part(name string) Part {
	return Part{
		Name:  name,
		Count: func(context.Context, id.Tenant) (uint64, error) { return e.left[name], nil },
		Remove: func(context.Context, id.Tenant) error {
			if err := e.step("remove " + name); err != nil {
				return err
			}
			e.left[name] = 0
			return nil
		},
	}
}

func (e *estate) options() TenantOptions {
	return TenantOptions{
		Pending: func() []Ending { return slices.Clone(e.ending) },
		Empty: func(context.Context, id.Tenant) error {
			if err := e.step("empty"); err != nil {
				return err
			}
			e.ending[0].Emptied = time.Now()
			return nil
		},
		Settled: func(context.Context) error { return e.step("settled") },
		Parts:   []Part{e.part("packets"), e.part("readings")},
		Done: func(_ context.Context, _ id.Tenant, gone []Gone) error {
			if err := e.step("done"); err != nil {
				return err
			}
			e.ending, e.removed = nil, gone
			return nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

func TestOrderOfTheDeletionOfATenant(t *testing.T) {
	for name, c := range map[string]struct {
		fail map[string]int
		want []string
	}{
		"at once":                   {nil, []string{"empty", "settled", "remove packets", "remove readings", "done"}},
		"the storage is away":       {map[string]int{"remove readings": 1}, []string{"empty", "settled", "remove packets", "remove readings", "settled", "remove packets", "remove readings", "done"}},
		"the control log is away":   {map[string]int{"empty": 1, "done": 1}, []string{"empty", "empty", "settled", "remove packets", "remove readings", "done", "settled", "remove packets", "remove readings", "done"}},
		"the lanes are not settled": {map[string]int{"settled": 1}, []string{"empty", "settled", "settled", "remove packets", "remove readings", "done"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := &estate{script: script{fail: c.fail}, ending: []Ending{{Tenant: "t"}}, left: map[string]uint64{"packets": 3, "readings": 7}}
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				if err := RunTenants(ctx, e.options()); err != nil {
					t.Fatal(err)
				}
				if time.Since(began) < grace {
					t.Error("other copies of the program were given no time")
				}
			})
			if !slices.Equal(e.steps, c.want) || len(e.ending) != 0 {
				t.Errorf("got %q, pending %v, want %q", e.steps, e.ending, c.want)
			}
		})
	}
	if err := RunTenants(t.Context(), TenantOptions{}); !errors.Is(err, ErrOptions) {
		t.Fatalf("without options: %v", err)
	}
}

// What is there again after it was removed is not called gone.
func TestADeletionIsProved(t *testing.T) {
	e := &estate{ending: []Ending{{Tenant: "t", Emptied: time.Unix(0, 0)}}, left: map[string]uint64{"packets": 3}}
	o, again := e.options(), 1
	o.Parts[1].Remove = func(context.Context, id.Tenant) error {
		if again--; again == 0 {
			e.left["packets"] = 1
		}
		return nil
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := RunTenants(ctx, o); err != nil {
			t.Fatal(err)
		}
	})
	if want := []Gone{{"packets", 1, 0}, {"readings", 0, 0}}; !slices.Equal(e.removed, want) {
		t.Errorf("reported %+v, want %+v", e.removed, want)
	}
}

// Wherever the program is stopped, before a step or just after it, the next one finishes the deletion.
func TestADeletionGoesOnWhereverItStopped(t *testing.T) {
	for _, at := range []string{"empty", "settled", "remove packets", "remove readings", "done"} {
		for _, after := range []bool{false, true} {
			e := &estate{ending: []Ending{{Tenant: "t"}}, left: map[string]uint64{"packets": 3, "readings": 7}}
			synctest.Test(t, func(t *testing.T) {
				first, kill := context.WithCancel(t.Context())
				e.stop = func(name string) error {
					if first.Err() == nil && name == at {
						kill()
						if after {
							return nil
						}
					}
					return first.Err()
				}
				if err := RunTenants(first, e.options()); err != nil {
					t.Fatal(err)
				}
				e.stop = nil
				second, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				if err := RunTenants(second, e.options()); err != nil {
					t.Fatal(err)
				}
			})
			if len(e.ending) > 0 || e.left["packets"]+e.left["readings"] > 0 {
				t.Errorf("stopped at %q (done: %v): pending %v, left %v after %q", at, after, e.ending, e.left, e.steps)
			}
		}
	}
}
