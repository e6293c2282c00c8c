package web

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"time"

	"longwave/tenants"
)

// exportDevices writes every device that the address of the list selects, as it finds them: a long list begins to arrive
// at once and is not held twice.
func (w *Web) exportDevices(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	q := listQueryOf(r.URL.Query())
	l, _ := w.lister(r.Context(), p.Tenant())
	out.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out.Header().Set("Content-Disposition", `attachment; filename="devices.csv"`)
	file := csv.NewWriter(out)
	if err := file.Write([]string{"id", "name", "state", "last_seen", "interval_seconds", "labels", "registered"}); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	for row, err := range l.every(q) {
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		if err := file.Write(csvRow(row)); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	file.Flush()
	return file.Error()
}

func csvRow(row listed) []string {
	seen := ""
	if !row.Seen.IsZero() {
		seen = row.Seen.UTC().Format(time.RFC3339Nano)
	}
	return []string{
		string(row.ID), cell(row.Name), row.State, seen, seconds(row.Interval),
		cell(strings.Join(labelTexts(row.Labels), ", ")), row.Created.UTC().Format(time.RFC3339),
	}
}

// cell keeps a spreadsheet from taking what a person typed for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
