package store

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// fleetForExport is three devices with readings over a change of the month, some of them sent twice, two of them at one
// instant; the neighbour has the same devices with other values.
func fleetForExport(t *testing.T, s *Store, tenant id.Tenant) (devices []id.Device, from telemetry.Micros) {
	t.Helper()
	devices = []id.Device{newDevice(), newDevice(), newDevice()}
	slices.Sort(devices)
	month := time.Now().UTC().AddDate(0, 0, -40)
	from = telemetry.At(time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, time.UTC)) - hour
	for n, d := range devices {
		var packets []telemetry.Packet
		for i := range 120 {
			at := from + telemetry.Micros(i)*minute + telemetry.Micros(n)
			packets = append(packets, packet(at, number("hum", float64(i)), number("temp", 20+float64(n)+float64(i)/7)))
		}
		packets = append(packets, packet(packets[7].Time, number("temp", -1.5)))
		insert(t, s, tenant, batch(d, packets...))
		insert(t, s, tenant, batch(d, packets[50:60]...))
		insert(t, s, newTenant(), batch(d, packet(from+minute, number("temp", 424242))))
	}
	return devices, from
}

func exported(t *testing.T, r *Reader, q telemetry.ExportQuery) (all []telemetry.ExportRow) {
	t.Helper()
	err := r.Export(t.Context(), q, func(row telemetry.ExportRow) error {
		all = append(all, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestExportIsTheSetInItsOrder(t *testing.T) {
	s, tenant := openStore(t), newTenant()
	devices, from := fleetForExport(t, s, tenant)
	r := s.ForTenant(tenant)
	q := telemetry.ExportQuery{Devices: devices, From: from, To: from + 2*hour}
	all := exported(t, r, q)
	if len(all) != 3*(2*120+1) {
		t.Fatalf("%d rows", len(all))
	}
	var each []telemetry.ExportRow
	for _, d := range devices {
		for _, metric := range []string{"hum", "temp"} {
			err := r.Each(t.Context(), telemetry.SeriesQuery{Device: d, Metric: metric, From: q.From, To: q.To}, func(p telemetry.Point) error {
				each = append(each, telemetry.ExportRow{Device: string(d), Metric: metric, Point: p})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(each, all); diff != "" {
		t.Errorf("an export is not what the series are:\n%s", diff)
	}
	q.Metrics = []string{"temp"}
	if got := exported(t, r, q); len(got) != 3*121 || got[0].Metric != "temp" {
		t.Errorf("of one metric there are %d rows", len(got))
	}
	q.Limit = 5
	if got := exported(t, r, q); len(got) != 5 {
		t.Errorf("limited to 5 there are %d rows", len(got))
	}
	if err := r.Export(t.Context(), telemetry.ExportQuery{Devices: devices, From: from, To: from + hour, Step: 7 * time.Second}, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("a step of 7 s: %v", err)
	}
}

// Wherever a download breaks off, what comes behind its last row is exactly the rest.
func TestExportGoesOnBehindAnyRow(t *testing.T) {
	s, tenant := openStore(t), newTenant()
	devices, from := fleetForExport(t, s, tenant)
	r := s.ForTenant(tenant)
	for _, step := range []time.Duration{0, 10 * time.Minute, time.Hour} {
		q := telemetry.ExportQuery{Devices: devices, From: from, To: from + 2*hour, Step: step}
		all := exported(t, r, q)
		for _, at := range []int{0, 6, 7, 8, 119, len(all) / 2, len(all) - 2, len(all) - 1} {
			at = min(at, len(all)-1)
			row := all[at]
			d, err := id.Parse[id.Device](row.Device)
			if err != nil {
				t.Fatal(err)
			}
			q.After = &telemetry.Position{SeriesKey: telemetry.SeriesKey{Device: d, Metric: row.Metric}, Time: row.Time, Value: row.Value}
			got := exported(t, r, q)
			if diff := cmp.Diff(append([]telemetry.ExportRow{}, all[at+1:]...), append([]telemetry.ExportRow{}, got...)); diff != "" {
				t.Errorf("step %s, behind row %d of %d:\n%s", step, at, len(all), diff)
			}
		}
		q.After = &telemetry.Position{SeriesKey: telemetry.SeriesKey{Device: "d-0000000000000000", Metric: "x"}}
		if got := exported(t, r, q); len(got) != len(all) {
			t.Errorf("behind a device that is gone there are %d rows of %d", len(got), len(all))
		}
	}
}

// Buckets of an export are those of a chart, rolled up or not.
func TestExportOfBucketsIsTheChart(t *testing.T) {
	s, tenant := openStore(t), newTenant()
	devices, from := fleetForExport(t, s, tenant)
	r := s.ForTenant(tenant)
	q := telemetry.ExportQuery{Devices: devices[:1], Metrics: []string{"temp"}, From: from, To: from + 2*hour, Step: 10 * time.Minute}
	for range 2 {
		chart, err := r.SeriesMany(t.Context(), telemetry.ManyQuery{Series: []telemetry.SeriesKey{{Device: devices[0], Metric: "temp"}}, From: q.From, To: q.To, MaxPoints: 12})
		if err != nil {
			t.Fatal(err)
		}
		var points []telemetry.Point
		for _, row := range exported(t, r, q) {
			points = append(points, row.Point)
		}
		if diff := cmp.Diff(chart[telemetry.SeriesKey{Device: devices[0], Metric: "temp"}].Points, points); diff != "" {
			t.Error(diff)
		}
		rollAll(t, s)
	}
}

func TestExtentIsAboutRight(t *testing.T) {
	s, tenant := openStore(t), newTenant()
	devices, from := fleetForExport(t, s, tenant)
	rollAll(t, s)
	r := s.ForTenant(tenant)
	for length, want := range map[telemetry.Micros]telemetry.Extent{2 * hour: {Rows: 723 + 60, Series: 6}, 2 * day: {Rows: 723, Series: 6}} {
		got, err := r.Extent(t.Context(), telemetry.ExportQuery{Devices: devices, From: from, To: from + length})
		if err != nil || got.Series != want.Series || math.Abs(float64(got.Rows)-float64(want.Rows)) > 60 {
			t.Errorf("of %d h: %+v, %v; want about %+v", length/hour, got, err, want)
		}
	}
	got, err := r.Extent(t.Context(), telemetry.ExportQuery{Devices: devices, From: from, To: from + 2*day, Step: time.Hour})
	if want := (telemetry.Extent{Rows: 6 * 49, Series: 6}); err != nil || got.Series != 6 || got.Rows > want.Rows {
		t.Errorf("of hours: %+v, %v", got, err)
	}
}

func TestExportAsParquet(t *testing.T) {
	s, tenant := openStore(t), newTenant()
	devices, from := fleetForExport(t, s, tenant)
	r := s.ForTenant(tenant)
	for _, step := range []time.Duration{0, time.Hour} {
		var file bytes.Buffer
		q := telemetry.ExportQuery{Devices: devices, From: from, To: from + 2*hour, Step: step}
		if err := r.ExportParquet(t.Context(), q, &file); err != nil {
			t.Fatal(err)
		}
		if data := file.Bytes(); !bytes.HasPrefix(data, []byte("PAR1")) || !bytes.HasSuffix(data, []byte("PAR1")) || !bytes.Contains(data, []byte("metric")) {
			t.Errorf("step %s: %d bytes that are no file", step, len(data))
		}
	}
	broken := errors.New("the reader left")
	err := r.ExportParquet(t.Context(), telemetry.ExportQuery{Devices: devices, From: from, To: from + hour}, failing{broken})
	if !errors.Is(err, broken) || errors.Is(err, ErrUnavailable) {
		t.Errorf("a reader that leaves: %v", err)
	}
}

// failing fails every write.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
