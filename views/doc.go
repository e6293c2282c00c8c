// Package views turns page structs into HTML.
//
// Contract: a page struct holds finished strings (texts, addresses, ages, counts with their separators), so that a
// template decides nothing but where they stand. Everything is escaped by templ; no template uses raw text, inline
// script, inline style or an event attribute, because the pages' policy forbids them. The package imports nothing of
// ours, does no I/O, keeps no state and may be used concurrently. Rendering fails only when the writer does.
//
// The elements that the live scripts look for (data-slot, data-device, the templates) are part of its contract with
// static/src and are asserted by web's tests.
package views
