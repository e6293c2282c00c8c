package widget

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

// LocationLabel is the label of a device that says where it is: degrees north and east, "52.52,13.40".
const LocationLabel = "location"

// Place is somewhere on earth, in degrees.
type Place struct {
	North float64 `json:"north"`
	East  float64 `json:"east"`
}

// placeOf is where a device is; nil when its labels do not say it.
func placeOf(d tenants.Device) *Place {
	north, east, ok := strings.Cut(d.Labels[LocationLabel], ",")
	if !ok {
		return nil
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(north), 64)
	e, err2 := strconv.ParseFloat(strings.TrimSpace(east), 64)
	onEarth := n >= -90 && n <= 90 && e >= -180 && e <= 180 // which no number that is none is
	if err != nil || err2 != nil || !onEarth {
		return nil
	}
	return &Place{North: n, East: e}
}

// placed are the devices that the spots of a picture name.
func (s Source) placed(w dashboard.Widget, values dashboard.Values) (list []id.Device) {
	if w.Kind != dashboard.Image {
		return nil
	}
	for _, spot := range w.Spots {
		wanted, err := id.Parse[id.Device](spot.Of(values))
		if err != nil || slices.Contains(list, wanted) {
			continue
		}
		if _, ok := s.State.Device(s.Tenant, wanted); ok {
			list = append(list, wanted)
		}
	}
	return list
}

// image is the newest value of each spot of a picture.
func (s Source) image(ctx context.Context, q Question, i Interest, answer *Answer) error {
	answer.Left = 0 // devices that no spot is about are not missing
	all, err := s.series(ctx, i)
	if err != nil {
		return err
	}
	chosen := q.Widget.Select.With(q.Values)
	for _, spot := range q.Widget.Spots {
		device := spot.Of(q.Values)
		at := slices.IndexFunc(all, func(k known) bool {
			if device == "" {
				return k.metric == spot.Metric && chosen.Matches(subject(k.device))
			}
			return k.metric == spot.Metric && string(k.device.ID) == device
		})
		if at < 0 {
			answer.Spots = append(answer.Spots, -1)
			continue
		}
		one := s.describe(q.Widget, all[at])
		have := slices.IndexFunc(answer.Series, func(known Series) bool { return known.Device == one.Device && known.Metric == one.Metric })
		if have < 0 {
			have, answer.Series = len(answer.Series), append(answer.Series, one)
		}
		answer.Spots = append(answer.Spots, have)
	}
	return nil
}
