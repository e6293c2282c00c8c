package web

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"longwave/tenants"
)

// exportAuditCSV writes every change that the filters select, one line each, as it finds them.
func (w *Web) exportAuditCSV(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	out.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out.Header().Set("Content-Disposition", `attachment; filename="audit.csv"`)
	file := csv.NewWriter(out)
	if err := file.Write([]string{"time", "by", "address", "type", "did", "subject", "name", "changes"}); err != nil {
		return err
	}
	err := w.everyPast(r, p, func(past tenants.Past) error {
		changes := make([]string, len(past.Changes))
		for i, c := range past.Changes {
			changes[i] = c.What + ": " + c.Before + " → " + c.After
		}
		return file.Write([]string{
			past.At.UTC().Format(time.RFC3339Nano), cell(past.By), past.Actor.Address, past.Type, past.Did, cell(past.Subject), cell(past.Name), cell(strings.Join(changes, "; ")),
		})
	})
	if err != nil {
		return err
	}
	file.Flush()
	return file.Error()
}

// auditLine is one change as NDJSON has it.
type auditLine struct {
	Time    time.Time     `json:"time"`
	Actor   tenants.Actor `json:"actor"`
	By      string        `json:"by"`
	Type    string        `json:"type"`
	Did     string        `json:"did"`
	Subject string        `json:"subject,omitempty"`
	Name    string        `json:"name,omitempty"`
	Changes []auditChange `json:"changes,omitempty"`
}

type auditChange struct {
	What   string `json:"what"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// exportAuditJSON is exportAuditCSV with one JSON object a line.
func (w *Web) exportAuditJSON(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	out.Header().Set("Content-Type", "application/x-ndjson")
	out.Header().Set("Content-Disposition", `attachment; filename="audit.ndjson"`)
	lines := json.NewEncoder(out)
	return w.everyPast(r, p, func(past tenants.Past) error {
		line := auditLine{Time: past.At, Actor: past.Actor, By: past.By, Type: past.Type, Did: past.Did, Subject: past.Subject, Name: past.Name}
		for _, c := range past.Changes {
			line.Changes = append(line.Changes, auditChange(c))
		}
		return lines.Encode(line)
	})
}
