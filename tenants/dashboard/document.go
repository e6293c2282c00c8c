package dashboard

import (
	"slices"

	"longwave/tenants/id"
)

// The kinds of widgets.
const (
	Line     = "line"     // one line per series
	Area     = "area"     // lines with what lies below them filled
	Band     = "band"     // the smallest, mean and largest value of all series together
	Number   = "number"   // one big number with its change and a sparkline
	Gauge    = "gauge"    // the newest value on a scale
	Bars     = "bars"     // the series with the greatest values
	Table    = "table"    // the newest values
	Timeline = "timeline" // which state when
	Fleet    = "fleet"    // one cell per device, the worst first
	Log      = "log"      // the newest events
	Alerts   = "alerts"   // open alerts, the worst first
	Image    = "image"    // a picture with newest values placed on it
	Map      = "map"      // sites where they are, with the worst state of their devices
	Text     = "text"     // words of whoever made the dashboard
)

// Kinds lists the kinds of widgets in the order in which they are offered.
func Kinds() []string {
	return []string{Line, Area, Band, Number, Gauge, Bars, Table, Timeline, Fleet, Log, Alerts, Image, Map, Text}
}

// Columns is the width of the grid.
const Columns = 12

// Document is what a dashboard shows. It is shared between all readers: never change one that came from elsewhere.
type Document struct {
	Range     string     `json:"range,omitempty" yaml:"range,omitempty"` // how much of the past is shown first, "1h" say
	Variables []Variable `json:"variables,omitempty" yaml:"variables,omitempty"`
	Widgets   []Widget   `json:"widgets,omitempty" yaml:"widgets,omitempty"`
}

// Variable is a choice above the page. Its value takes the place of "$name" wherever that stands; while nothing is
// chosen, "$name" selects everything.
type Variable struct {
	Name    string `json:"name" yaml:"name"`
	Of      string `json:"of" yaml:"of"` // "site", "profile", "device" or "label"
	Label   string `json:"label,omitempty" yaml:"label,omitempty"`
	Default string `json:"default,omitempty" yaml:"default,omitempty"`
}

// Widget is one thing on the grid. What does not concern its kind is ignored.
type Widget struct {
	ID         string      `json:"id,omitempty" yaml:"id"`
	Kind       string      `json:"kind" yaml:"kind"`
	Title      string      `json:"title,omitempty" yaml:"title,omitempty"`
	At         Place       `json:"at" yaml:"at,flow"`
	Select     Selection   `json:"select,omitzero" yaml:"select,omitempty"`
	Metrics    []Metric    `json:"metrics,omitempty" yaml:"metrics,omitempty"`
	Min        *float64    `json:"min,omitempty" yaml:"min,omitempty"` // of the scale; nil lets the data decide
	Max        *float64    `json:"max,omitempty" yaml:"max,omitempty"`
	Thresholds []Threshold `json:"thresholds,omitempty" yaml:"thresholds,omitempty"`
	By         string      `json:"by,omitempty" yaml:"by,omitempty"`       // how bars make one number of a range: "mean", "max", "min" or "sum"
	Count      int         `json:"count,omitempty" yaml:"count,omitempty"` // of bars, rows, cells or lines; 0 is as many as there is room for
	Text       string      `json:"text,omitempty" yaml:"text,omitempty"`
	Picture    string      `json:"picture,omitempty" yaml:"picture,omitempty"` // name of one of the tenant's pictures
	Spots      []Spot      `json:"spots,omitempty" yaml:"spots,omitempty"`     // what is placed on it
	States     bool        `json:"states,omitempty" yaml:"states,omitempty"`   // changes of state are marked behind lines
}

// Place is where a widget lies, counted in cells of the grid from its upper left corner.
type Place struct {
	X int `json:"x" yaml:"x"`
	Y int `json:"y" yaml:"y"`
	W int `json:"w" yaml:"w"`
	H int `json:"h" yaml:"h"`
}

// Metric is one metric of a widget, on the left axis unless it says otherwise.
type Metric struct {
	Name  string `json:"name" yaml:"name"`
	Right bool   `json:"right,omitempty" yaml:"right,omitempty"`
}

// Spot is where on a picture a value stands, in percent from its upper left corner. Without a device it is that of the first
// device of the selection that sends the metric.
type Spot struct {
	X      float64 `json:"x" yaml:"x"`
	Y      float64 `json:"y" yaml:"y"`
	Metric string  `json:"metric" yaml:"metric"`
	Device string  `json:"device,omitempty" yaml:"device,omitempty"` // an id, or "$name"
	Label  string  `json:"label,omitempty" yaml:"label,omitempty"`   // what stands beside it; the metric when empty
}

// Of is the device of a spot, with the chosen values in the place of variables; empty for that of the selection.
func (s Spot) Of(values Values) string { return values.of(s.Device) }

// Threshold begins a part of the scale that has a meaning. Word says it to those who cannot tell colours apart.
type Threshold struct {
	From  float64 `json:"from" yaml:"from"`
	Level string  `json:"level" yaml:"level"` // "good", "warning" or "critical"
	Word  string  `json:"word" yaml:"word"`
}

// Selection says which devices a widget is about: those that are everything it says. The zero one is about all.
type Selection struct {
	Devices []string          `json:"devices,omitempty" yaml:"devices,omitempty"` // ids, or "$name"
	Profile string            `json:"profile,omitempty" yaml:"profile,omitempty"`
	Site    string            `json:"site,omitempty" yaml:"site,omitempty"` // this path and everything below it
	Labels  map[string]string `json:"labels,omitempty" yaml:"labels,omitempty"`
}

// Widget returns the widget with this id; false if the document has none.
func (d *Document) Widget(wanted string) (Widget, bool) {
	for _, w := range d.Widgets {
		if w.ID == wanted {
			return w, true
		}
	}
	return Widget{}, false
}

// Subject is a device as a selection sees it.
type Subject struct {
	Device  id.Device
	Profile string
	Site    string
	Labels  map[string]string
}

// Loose says whether something is placed on the picture that names no device: the selection then says whose it is.
func (w Widget) Loose() bool {
	return slices.ContainsFunc(w.Spots, func(s Spot) bool { return s.Device == "" })
}
