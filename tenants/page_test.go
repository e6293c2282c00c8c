package tenants

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"longwave/tenants/id"
)

// walkPages collects the names of all pages.
func walkPages(t *testing.T, st *State, tenant id.Tenant, q DeviceQuery) (names []string) {
	t.Helper()
	for {
		page, err := st.DevicesPage(tenant, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Devices {
			names = append(names, d.Name)
		}
		if page.Next == "" {
			return names
		}
		if len(page.Devices) != q.Limit {
			t.Fatalf("a page that is not the last has %d devices", len(page.Devices))
		}
		q.Cursor = page.Next
	}
}

func TestDevicesPage(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	for _, n := range []NewDevice{
		{Name: "beta"}, {Name: "Alpha", Labels: map[string]string{"site": "Plant-2"}}, {Name: "delta"},
		{Name: "Gamma", Labels: map[string]string{"site": "plant-3"}}, {Name: "épsilon"},
	} {
		if _, _, err := s.CreateDevice(t.Context(), testActor, tenant, n); err != nil {
			t.Fatal(err)
		}
	}
	demo, err := s.CreateDemo(t.Context(), testActor, tenant, []NewDevice{{Name: "Zeta"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DisableDevice(t.Context(), testActor, tenant, demo[0].Device.ID); err != nil {
		t.Fatal(err)
	}
	other := secondTenant(t, s)
	mustCreate(t, s, other, "alien")
	byName := "Alpha beta delta Gamma Zeta épsilon"
	for name, c := range map[string]struct {
		q    DeviceQuery
		want string
	}{
		"by name":         {DeviceQuery{}, byName},
		"by name, down":   {DeviceQuery{Descending: true}, "épsilon Zeta Gamma delta beta Alpha"},
		"by age":          {DeviceQuery{Sort: SortByCreated}, "beta Alpha delta Gamma épsilon Zeta"},
		"by age, down":    {DeviceQuery{Sort: SortByCreated, Descending: true}, "Zeta épsilon Gamma delta Alpha beta"},
		"search name":     {DeviceQuery{Search: " ETA "}, "beta Zeta"},
		"search label":    {DeviceQuery{Search: "site=plant"}, "Alpha Gamma"},
		"search id":       {DeviceQuery{Search: string(demo[0].Device.ID)}, "Zeta"},
		"search nothing":  {DeviceQuery{Search: "alien"}, ""},
		"disabled":        {DeviceQuery{Filter: DisabledDevices}, "Zeta"},
		"enabled, search": {DeviceQuery{Filter: EnabledDevices, Search: "eta"}, "beta"},
		"demo":            {DeviceQuery{Filter: DemoDevices}, "Zeta"},
	} {
		for limit := 1; limit <= 7; limit++ {
			c.q.Limit = limit
			if got := strings.Join(walkPages(t, s.State(), tenant, c.q), " "); got != c.want {
				t.Errorf("%s, %d a page: %s", name, limit, got)
			}
		}
	}
	if got := walkPages(t, s.State(), id.New[id.Tenant](), DeviceQuery{Limit: 5}); len(got) != 0 {
		t.Errorf("a tenant that does not exist has %v", got)
	}
}

func TestCursorsOutliveChanges(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	var all []Device
	for _, name := range []string{"a", "b", "c", "d"} {
		d, _ := mustCreate(t, s, tenant, name)
		all = append(all, d)
	}
	page, err := s.State().DevicesPage(tenant, DeviceQuery{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteDevice(t.Context(), testActor, tenant, all[1].ID); err != nil { // the one the cursor stands on
		t.Fatal(err)
	}
	mustCreate(t, s, tenant, "bb")
	if got := walkPages(t, s.State(), tenant, DeviceQuery{Limit: 2, Cursor: page.Next}); !slices.Equal(got, []string{"bb", "c", "d"}) {
		t.Errorf("the next page has %v", got)
	}
	for _, q := range []DeviceQuery{
		{Cursor: "!"}, {Cursor: "YQ"}, {Cursor: page.Next, Sort: SortByCreated}, {Limit: -1}, {Limit: MaxPage + 1},
	} {
		if _, err := s.State().DevicesPage(tenant, q); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestDevicesAfter(t *testing.T) {
	s, made, _ := claimed(t)
	var ids []id.Device
	for _, name := range []string{"a", "b", "c"} {
		d, _ := mustCreate(t, s, made.Tenant.ID, name)
		ids = append(ids, d.ID)
	}
	mustCreate(t, s, secondTenant(t, s), "alien")
	slices.Sort(ids)
	var got []id.Device
	for d := range s.State().Devices(made.Tenant.ID, ids[0]) {
		got = append(got, d.ID)
	}
	if !slices.Equal(got, ids[1:]) {
		t.Errorf("behind the first: %v of %v", got, ids)
	}
}
