package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

// outside are the addresses that the description leaves out: they are for operators and for sockets.
func outside() []string {
	return []string{"/livez", "/readyz", "/metrics", "/ingest/v1/ws", "/manage/v1/openapi.json", "/manage/v1/openapi.yaml"}
}

// routes lists every address that the API serves, as "METHOD /pattern".
func (r *rig) routes(t *testing.T) []string {
	t.Helper()
	var all []string
	must(t, chi.Walk(r.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		all = append(all, method+" "+route)
		return nil
	}))
	return all
}

// operationJSON is what the test looks at of an operation.
type operationJSON struct {
	OperationID string           `json:"operationId"`
	Summary     string           `json:"summary"`
	Security    []map[string]any `json:"security"`
	Parameters  []struct {
		Name, In, Description string
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]any `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]any `json:"content"`
	} `json:"responses"`
}

func TestDescriptionIsComplete(t *testing.T) {
	r := newRig(t)
	got := r.ask(t, "GET /manage/v1/openapi.json", "", "")
	var description struct {
		OpenAPI    string
		Info       struct{ Title, Version string }
		Paths      map[string]map[string]operationJSON
		Components struct {
			Schemas         map[string]any
			SecuritySchemes map[string]any
		}
	}
	got.json(t, &description)
	if got.status != 200 || description.OpenAPI != "3.1.0" || description.Info.Version != "test" || len(description.Components.SecuritySchemes) != 3 {
		t.Fatalf("answered %d, OpenAPI %q", got.status, description.OpenAPI)
	}
	checkReferences(t, string(got.body), description.Components.Schemas)
	made, err := json.Marshal(description.Components.Schemas["NewDeviceBody"])
	must(t, err)
	for _, part := range []string{`"token"`, `"id"`, `"name"`, `"additionalProperties":true`} {
		if !strings.Contains(string(made), part) {
			t.Errorf("a new device is described without %s: %s", part, made)
		}
	}

	names := map[string]string{}
	for _, route := range r.routes(t) {
		method, path, _ := strings.Cut(route, " ")
		if skip := strings.Contains(strings.Join(outside(), " ")+" ", path+" "); skip {
			continue
		}
		op, ok := description.Paths[path][strings.ToLower(method)]
		if !ok {
			t.Errorf("%s is not described", route)
			continue
		}
		if names[op.OperationID] != "" || op.OperationID == "" || op.Summary == "" || len(op.Security) != 1 {
			t.Errorf("%s: id %q, summary %q, security %v", route, op.OperationID, op.Summary, op.Security)
		}
		names[op.OperationID] = route
		checkOperation(t, route, op)
	}
	if len(names) < 11 {
		t.Errorf("only %d operations", len(names))
	}
}

func checkOperation(t *testing.T, route string, op operationJSON) {
	t.Helper()
	for _, p := range op.Parameters {
		if p.Description == "" {
			t.Errorf("%s: parameter %s has no description", route, p.Name)
		}
	}
	for _, status := range []string{"401", "403", "503"} {
		if _, ok := op.Responses[status].Content["application/problem+json"]; !ok {
			t.Errorf("%s: no problem for %s", route, status)
		}
	}
	good := false
	for status, response := range op.Responses {
		good = good || strings.HasPrefix(status, "2") && (status == "204" || len(response.Content) > 0)
	}
	if !good {
		t.Errorf("%s: no good answer is described", route)
	}
}

// checkReferences fails for a reference to a schema that is not there, and for bodies without an example anywhere.
func checkReferences(t *testing.T, text string, schemas map[string]any) {
	t.Helper()
	for _, part := range strings.Split(text, `"$ref":"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if schemas[name] == nil {
			t.Errorf("schema %s is missing", name)
		}
	}
	for name, schema := range schemas {
		written, err := json.Marshal(schema)
		must(t, err)
		if !strings.Contains(string(written), `"example`) && !strings.Contains(string(written), "$ref") {
			t.Errorf("schema %s has no example: %s", name, written)
		}
	}
}

func TestDescriptionInYAML(t *testing.T) {
	r := newRig(t)
	got := r.ask(t, "GET /manage/v1/openapi.yaml", "", "")
	if got.status != 200 || got.header.Get("Content-Type") != "application/yaml" || !strings.Contains(string(got.body), "openapi: 3.1.0") {
		t.Errorf("answered %d %s", got.status, got.header.Get("Content-Type"))
	}
	for _, elsewhere := range []string{"unpkg", "cdn", "jsdelivr"} {
		if strings.Contains(string(got.body), elsewhere) {
			t.Errorf("it mentions %s", elsewhere)
		}
	}
}
