package dashboard

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"longwave/tenants/id"
)

// Bounds of a document. They keep a page readable, and an event of the control log, which is kept for ever, small.
const (
	MaxWidgets   = 40
	MaxBytes     = 64 << 10 // of the whole document as JSON
	maxVariables = 6
	maxMetrics   = 20
	maxDevices   = 50
	maxLabels    = 8
	maxSteps     = 8   // thresholds
	maxRows      = 200 // of the grid
	maxHeight    = 24
	maxCount     = 500
	maxTitle     = 100  // characters
	maxText      = 4000 // characters
	maxName      = 128  // bytes of a metric's name, as ingest accepts them
	maxValue     = 200  // bytes of a value to compare with
	maxWord      = 30
	maxSpots     = 50
)

// InvalidError says which part of a document is wrong. Field is a path: "widgets[2].title".
type InvalidError struct{ Field, Detail string }

// Error is the field and the detail as one sentence.
func (e *InvalidError) Error() string { return e.Field + " " + e.Detail }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Ranges lists how much of the past a page may show.
func Ranges() []string { return []string{"5m", "15m", "1h", "6h", "24h", "7d", "30d"} }

// usualRange is shown when a document names none.
const usualRange = "1h"

// Check returns the document with spaces removed and ids given to widgets that had none, or an *InvalidError.
func Check(d Document) (Document, error) {
	if d.Range == "" {
		d.Range = usualRange
	}
	if !slices.Contains(Ranges(), d.Range) {
		return d, invalid("range", "is %.20q, want one of %s", d.Range, strings.Join(Ranges(), ", "))
	}
	if err := checkVariables(d.Variables); err != nil {
		return d, err
	}
	if len(d.Widgets) > MaxWidgets {
		return d, invalid("widgets", "are %d, at most %d are allowed", len(d.Widgets), MaxWidgets)
	}
	d.Widgets = slices.Clone(d.Widgets)
	known := map[string]bool{}
	for i := range d.Widgets {
		w := &d.Widgets[i]
		field := fmt.Sprintf("widgets[%d]", i)
		if err := CheckWidget(field, w, d.Variables); err != nil {
			return d, err
		}
		if w.ID == "" {
			w.ID = freeID(known, d.Widgets)
		}
		if known[w.ID] {
			return d, invalid(field+".id", "%q is the id of two widgets", w.ID)
		}
		known[w.ID] = true
	}
	if data, err := json.Marshal(d); err != nil || len(data) > MaxBytes {
		return d, invalid("widgets", "need %d bytes together, at most %d are allowed", len(data), MaxBytes)
	}
	return d, nil
}

// freeID is the first of w1, w2, … that no widget has.
func freeID(known map[string]bool, all []Widget) string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("w%d", n)
		if !known[name] && !slices.ContainsFunc(all, func(w Widget) bool { return w.ID == name }) {
			return name
		}
	}
}

func checkVariables(list []Variable) error {
	if len(list) > maxVariables {
		return invalid("variables", "are %d, at most %d are allowed", len(list), maxVariables)
	}
	known := map[string]bool{}
	for i, v := range list {
		field := fmt.Sprintf("variables[%d].", i)
		switch {
		case !word(v.Name) || known[v.Name]:
			return invalid(field+"name", "is %.40q, want letters, digits and hyphens, each name once", v.Name)
		case !slices.Contains([]string{"site", "profile", "device", "label"}, v.Of):
			return invalid(field+"of", "is %.40q, want site, profile, device or label", v.Of)
		case (v.Of == "label") != (v.Label != "") || len(v.Label) > maxValue:
			return invalid(field+"label", "names the label that a variable of labels is about, and no other has one")
		case len(v.Default) > maxValue:
			return invalid(field+"default", "has %d bytes, at most %d are allowed", len(v.Default), maxValue)
		}
		known[v.Name] = true
	}
	return nil
}

// word is what names of variables and widgets are made of: it can stand in an address as it is.
func word(s string) bool {
	_, err := id.Parse[id.Slug](s)
	return err == nil
}

// CheckWidget checks one widget of a document with these variables and removes spaces from it. It returns an
// *InvalidError whose field begins with the given one.
func CheckWidget(field string, w *Widget, variables []Variable) error {
	w.Title = strings.TrimSpace(w.Title)
	switch {
	case w.ID != "" && !word(w.ID):
		return invalid(field+".id", "is %.70q, want letters, digits and hyphens", w.ID)
	case !slices.Contains(Kinds(), w.Kind):
		return invalid(field+".kind", "is %.40q, want one of %s", w.Kind, strings.Join(Kinds(), ", "))
	case w.By != "" && !slices.Contains([]string{"mean", "max", "min", "sum"}, w.By):
		return invalid(field+".by", "is %.40q, want mean, max, min or sum", w.By)
	case w.Count < 0 || w.Count > maxCount:
		return invalid(field+".count", "is %d, want 0 to %d", w.Count, maxCount)
	}
	if err := checkPlace(field+".at", w.At); err != nil {
		return err
	}
	if err := plain(field+".title", w.Title, maxTitle); err != nil {
		return err
	}
	if err := plain(field+".text", strings.ReplaceAll(w.Text, "\n", " "), maxText); err != nil {
		return err
	}
	if err := checkMetrics(field+".metrics", w.Metrics); err != nil {
		return err
	}
	if err := checkScale(field, w); err != nil {
		return err
	}
	if err := checkPicture(field, w, variables); err != nil {
		return err
	}
	return checkSelection(field+".select", w.Select, variables)
}

func checkPlace(field string, p Place) error {
	inside := p.X >= 0 && p.W >= 1 && p.X+p.W <= Columns && p.Y >= 0 && p.H >= 1 && p.H <= maxHeight && p.Y+p.H <= maxRows
	if !inside {
		return invalid(field, "is not inside the grid of %d columns and %d rows, or higher than %d", Columns, maxRows, maxHeight)
	}
	return nil
}

func checkMetrics(field string, list []Metric) error {
	if len(list) > maxMetrics {
		return invalid(field, "are %d, at most %d are allowed", len(list), maxMetrics)
	}
	for i, m := range list {
		if m.Name == "" || len(m.Name) > maxName {
			return invalid(fmt.Sprintf("%s[%d].name", field, i), "has %d bytes, want 1 to %d", len(m.Name), maxName)
		}
		if err := plain(fmt.Sprintf("%s[%d].name", field, i), m.Name, maxName); err != nil {
			return err
		}
	}
	return nil
}

func checkPicture(field string, w *Widget, variables []Variable) error {
	if err := plain(field+".picture", w.Picture, maxWord+maxWord); err != nil {
		return err
	}
	if len(w.Spots) > maxSpots {
		return invalid(field+".spots", "are %d, at most %d are allowed", len(w.Spots), maxSpots)
	}
	for i, s := range w.Spots {
		at := fmt.Sprintf("%s.spots[%d]", field, i)
		if inside := s.X >= 0 && s.X <= 100 && s.Y >= 0 && s.Y <= 100; !inside { // neither is a number that is none
			return invalid(at, "is not on the picture: x and y go from 0 to 100")
		}
		if err := plain(at+".label", s.Label, maxTitle); err != nil {
			return err
		}
		if err := checkMetrics(at+".metric", []Metric{{Name: s.Metric}}); err != nil {
			return err
		}
		if s.Device == "" {
			continue
		}
		if err := checkSelection(at, Selection{Devices: []string{s.Device}}, variables); err != nil {
			return err
		}
	}
	return nil
}

func checkScale(field string, w *Widget) error {
	for _, end := range []*float64{w.Min, w.Max} {
		if end != nil && (math.IsNaN(*end) || math.IsInf(*end, 0)) {
			return invalid(field+".max", "is no number")
		}
	}
	if w.Min != nil && w.Max != nil && *w.Min >= *w.Max {
		return invalid(field+".max", "is not above the smallest value of the scale")
	}
	if len(w.Thresholds) > maxSteps {
		return invalid(field+".thresholds", "are %d, at most %d are allowed", len(w.Thresholds), maxSteps)
	}
	for i := range w.Thresholds {
		step, at := &w.Thresholds[i], fmt.Sprintf("%s.thresholds[%d]", field, i)
		step.Word = strings.TrimSpace(step.Word)
		switch {
		case !slices.Contains([]string{"good", "warning", "critical"}, step.Level):
			return invalid(at+".level", "is %.40q, want good, warning or critical", step.Level)
		case math.IsNaN(step.From) || math.IsInf(step.From, 0):
			return invalid(at+".from", "is no number")
		case i > 0 && step.From <= w.Thresholds[i-1].From:
			return invalid(at+".from", "is not above the threshold before it")
		case step.Word == "":
			return invalid(at+".word", "is empty; a colour alone is not seen by everybody")
		}
		if err := plain(at+".word", step.Word, maxWord); err != nil {
			return err
		}
	}
	return nil
}

func checkSelection(field string, s Selection, variables []Variable) error {
	if len(s.Devices) > maxDevices || len(s.Labels) > maxLabels {
		return invalid(field, "names %d devices and %d labels, at most %d and %d are allowed", len(s.Devices), len(s.Labels), maxDevices, maxLabels)
	}
	texts := append([]string{s.Profile, s.Site}, s.Devices...)
	for name, text := range s.Labels {
		if name == "" || len(name) > maxValue {
			return invalid(field+".labels", "has a label without a name, or with one that is too long")
		}
		texts = append(texts, text)
	}
	for _, text := range texts {
		if err := plain(field, text, maxValue); err != nil {
			return err
		}
		name, isVariable := strings.CutPrefix(text, "$")
		if isVariable && !slices.ContainsFunc(variables, func(v Variable) bool { return v.Name == name }) {
			return invalid(field, "names the variable %.40q, which the dashboard does not have", text)
		}
	}
	for _, device := range s.Devices {
		if _, err := id.Parse[id.Device](device); err != nil && !strings.HasPrefix(device, "$") {
			return invalid(field+".devices", "%.40q is no id of a device", device)
		}
	}
	return nil
}

// plain refuses what is too long, cannot be seen, or changes how the text around it is shown.
func plain(field, text string, most int) error {
	if n := utf8.RuneCountInString(text); n > most {
		return invalid(field, "has %d characters, at most %d are allowed", n, most)
	}
	if !utf8.ValidString(text) {
		return invalid(field, "is not valid UTF-8")
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return invalid(field, "contains the invisible character U+%04X", r)
		}
	}
	return nil
}
