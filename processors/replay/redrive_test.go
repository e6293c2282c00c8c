package replay

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
)

// mess fills the work list: 30 packets that would be accepted now, 10 that would not, and one that was cut, of two devices.
func (p *plant) mess() (pump, fan tenants.Device) {
	pump, fan = p.device(p.tenant, "pump", map[string]string{"site": "plant-1"}), p.device(p.tenant, "fan", map[string]string{"site": "plant-2"})
	at := time.Now().Add(-2 * time.Hour).UTC()
	for n := range 30 {
		d := []tenants.Device{pump, fan}[n%2]
		p.reject(d, telemetry.Rejection{Index: n, Pointer: fmt.Sprintf("/%d/ts", n), Code: "ts_in_future", Detail: "too early",
			Raw: fmt.Sprintf(`{"ts":%q,"values":{"temp":%d}}`, at.Add(time.Duration(n)*time.Second).Format(time.RFC3339), n)})
	}
	for range 10 {
		p.reject(fan, telemetry.Rejection{Pointer: "/values/temp", Code: "value_type", Detail: "an object", Raw: `{"values":{"temp":{}}}`})
	}
	p.reject(fan, telemetry.Rejection{Pointer: "/values", Code: "too_many_values", Detail: "too many", Raw: `{"values":{"a":1`, Cut: true})
	p.reject(p.device(p.other, "secret", nil), telemetry.Rejection{Code: "ts_in_future", Raw: `{"temp":1}`})
	return pump, fan
}

func TestWorkListIsGroupedAndTriedWithoutATrace(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	pump, _ := p.mess()
	list, err := s.Groups(t.Context(), p.tenant, Filter{}, ByCause)
	must(t, err)
	if len(list.Groups) != 3 || list.Packets != 41 || list.Cut != 1 || list.More || strings.Join(list.Labels, " ") != "site" {
		t.Fatalf("the list is %+v", list)
	}
	for _, g := range list.Groups {
		if g.Code == "ts_in_future" && (g.Count != 30 || g.Devices != 2 || g.Pointer != "/ts" || len(g.Samples) != 3 || g.Cut != 0) {
			t.Errorf("a group is %+v", g)
		}
	}
	for by, want := range map[string]int{ByDevice: 4, ByLabel + "site": 4, ByProfile: 4, BySite: 3} {
		if list, err := s.Groups(t.Context(), p.tenant, Filter{}, by); err != nil || len(list.Groups) != want {
			t.Errorf("by %s there are %d groups, %v", by, len(list.Groups), err)
		}
	}
	profile, none := "pump", ""
	for want, f := range map[int]Filter{15: {Device: pump.ID}, 41: {Site: &none}, 0: {Profile: &none}, 10: {Code: "value_type"}, 26: {Label: "site", Value: "plant-2"}, 1: {Cause: "too_many_values /values"}} {
		if list, err := s.Groups(t.Context(), p.tenant, f, ByCause); err != nil || list.Packets != want {
			t.Errorf("%+v selects %d packets, want %d, %v", f, list.Packets, want, err)
		}
	}
	if list, err := s.Groups(t.Context(), p.tenant, Filter{Profile: &profile}, ByCause); err != nil || list.Packets != 15 {
		t.Errorf("of the profile there are %d, %v", list.Packets, err)
	}
	trial, err := s.Try(t.Context(), p.tenant, Filter{})
	must(t, err)
	if trial.Packets != 41 || trial.Accepted != 30 || trial.Refused != 11 || len(trial.Reasons) != 2 || trial.Reasons[0].Code != "value_type" {
		t.Errorf("the trial is %+v", trial)
	}
	if again, err := s.Groups(t.Context(), p.tenant, Filter{}, ByCause); err != nil || again.Packets != 41 {
		t.Errorf("after it there are %d packets, %v", again.Packets, err)
	}
}

func TestRedriveTakesWhatIsAcceptedOffTheListAndTwiceChangesNothing(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	pump, fan := p.mess()
	trial, err := s.Try(t.Context(), p.tenant, Filter{})
	must(t, err)
	p.reject(pump, telemetry.Rejection{Code: "ts_in_future", Raw: `{"temp":99}`}) // is none of "these 41"
	job := p.order(s, Order{Kind: Redrive, Filter: Filter{Through: trial.Through}, Rate: MaxRedriveRate, By: "Ada"})
	if pr := job.Progress; job.State != Done || pr.Total != 41 || pr.Read != 41 || pr.Stored != 30 || pr.Refused != 11 {
		t.Fatalf("the job is %+v", job)
	}
	p.settled()
	p.stored(pump, 15)
	p.stored(fan, 15)
	list, err := s.Groups(t.Context(), p.tenant, Filter{}, ByCause)
	must(t, err)
	if list.Packets != 12 {
		t.Errorf("%d packets are left", list.Packets)
	}
	again := p.order(s, Order{Kind: Redrive, Rate: MaxRedriveRate})
	if again.Progress.Total != 12 || again.Progress.Stored != 1 {
		t.Errorf("the second one is %+v", again.Progress)
	}
	p.settled()
	p.stored(pump, 16)
	p.stored(fan, 15)
	p.history(job, "began to send rejected packets again", "ended to send rejected packets again")
	if foreign, err := s.Groups(t.Context(), p.other, Filter{}, ByCause); err != nil || foreign.Packets != 1 {
		t.Errorf("the other tenant's list has %d packets, %v", foreign.Packets, err)
	}
}

// A packet that is refused for another reason than before stays with the new one.
func TestRefusedAgainStaysWithTheNewReason(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	pump := p.device(p.tenant, "pump", nil)
	p.reject(pump, telemetry.Rejection{Code: "ts_in_future", Pointer: "/ts", Raw: `{"ts":"2001-01-01T00:00:00Z","values":{"temp":1}}`})
	job := p.order(s, Order{Kind: Redrive})
	list, err := s.Groups(t.Context(), p.tenant, Filter{}, ByCause)
	must(t, err)
	if job.Progress.Refused != 1 || list.Packets != 1 || list.Groups[0].Code != "ts_too_old" || list.Groups[0].Cut != 0 {
		t.Errorf("%+v; the list is %+v", job.Progress, list.Groups)
	}
	if err := p.tenants.DeleteDevice(t.Context(), p.actor, p.tenant, pump.ID); err != nil {
		t.Fatal(err)
	}
	if trial, err := s.Try(t.Context(), p.tenant, Filter{}); err != nil || trial.Accepted != 0 || trial.Reasons[0].Code != "device_deleted" {
		t.Errorf("of a deleted device: %+v, %v", trial, err)
	}
}

func TestDismissing(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	p.mess()
	job := p.order(s, Order{Kind: Dismiss, Filter: Filter{Code: "value_type"}, Rate: MaxRedriveRate})
	list, err := s.Groups(t.Context(), p.tenant, Filter{}, ByCause)
	must(t, err)
	if job.Progress.Dismissed != 10 || list.Packets != 31 {
		t.Errorf("%+v; %d are left", job.Progress, list.Packets)
	}
	p.history(job, "began to dismiss rejected packets", "ended to dismiss rejected packets")
}

func TestOrdersThatCannotBeMeant(t *testing.T) {
	p := newPlant(t)
	s, _ := p.service()
	for _, o := range []Order{{}, {Kind: "everything"}, {Kind: Store, Rate: MaxRate + 1}, {Kind: Redrive, Rate: -1},
		{Kind: Store, Selection: Selection{From: 2, To: 1}}, {Kind: Preview, Selection: Selection{SentFrom: 2, SentTo: 2}}} {
		if _, err := s.Start(t.Context(), p.actor, p.tenant, o); !errors.Is(err, tenants.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := s.Start(t.Context(), p.actor, "t-nobody", Order{Kind: Store}); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("of no tenant: %v", err)
	}
	if _, err := s.Job(t.Context(), p.tenant, "No.Id*"); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("no job: %v", err)
	}
}

// stored waits for nothing: it compares how many readings of temp a device has.
func (p *plant) stored(d tenants.Device, want int) {
	p.t.Helper()
	got := 0
	q := telemetry.SeriesQuery{Device: d.ID, Metric: "temp", From: telemetry.At(time.Now().Add(-100 * time.Hour)), To: telemetry.At(time.Now().Add(time.Hour))}
	must(p.t, p.store.ForTenant(d.Tenant).Each(p.t.Context(), q, func(telemetry.Point) error { got++; return nil }))
	if got != want {
		p.t.Errorf("%s has %d readings, want %d", d.Name, got, want)
	}
}

// history checks that the control log tells of the job.
func (p *plant) history(job Job, want ...string) {
	p.t.Helper()
	page, err := p.tenants.History(p.t.Context(), p.tenant, tenants.HistoryQuery{})
	must(p.t, err)
	var told []string
	for _, past := range page.Past {
		if past.Subject == string(job.ID) {
			told = append([]string{past.Did}, told...)
		}
	}
	if strings.Join(told, "; ") != strings.Join(want, "; ") {
		p.t.Errorf("the control log says %q", told)
	}
}
