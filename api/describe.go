package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"longwave/ingest"
	"longwave/web/handler"
)

// manageConfig sets huma up: JSON only, nothing fetched from anywhere else, no pages.
func manageConfig(version string) huma.Config {
	config := huma.DefaultConfig("Longwave", version)
	config.Info.Description = "What scripts do with Longwave, and how devices post packets. Every failure is an " +
		"application/problem+json (RFC 9457) with a stable code. Times are RFC 3339 in UTC."
	config.DocsPath, config.OpenAPIPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil // no $schema members in answers
	config.Transformers = []huma.Transformer{reword}
	config.Formats = map[string]huma.Format{"application/json": strictJSON(), "json": strictJSON()}
	config.RejectUnknownQueryParameters = true // a mistyped filter must not answer with everything
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":      {Type: "http", Scheme: "bearer", Description: "An API key of the tenant, lwk_…"},
		"operator": {Type: "http", Scheme: "bearer", Description: "The key of an operator, lwo_…"},
		"device":   {Type: "http", Scheme: "bearer", Description: "The token of a device, lwd_…"},
	}
	return config
}

// addErrors documents the problems that every operation may answer with.
func (m *management) addErrors(op *huma.Operation) {
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	addProblems(m.huma.OpenAPI(), op, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusServiceUnavailable)
}

func addProblems(description *huma.OpenAPI, op *huma.Operation, statuses ...int) {
	schema := description.Components.Schemas.Schema(reflect.TypeFor[handler.ProblemBody](), true, "Problem")
	for _, status := range statuses {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{handler.ProblemType: {Schema: schema}},
		}
	}
}

// documentPackets describes the way in for devices, which is not huma's: it must be cheap.
func documentPackets(description *huma.OpenAPI) {
	op := &huma.Operation{
		OperationID: "post-packets", Method: http.MethodPost, Path: "/ingest/v1/packets", Tags: []string{"Devices' side"},
		Summary:     "Send packets",
		Description: "Answers 200 only after everything accepted is durable. Any other answer acknowledges nothing; sending the request again never hurts, as packets are recognised by their ids. Bodies may be compressed with gzip or zstd.",
		Security:    []map[string][]string{{"device": {}}},
		Parameters: []*huma.Param{{
			Name: "Idempotency-Key", In: "header", Description: "Names the request, so that a repetition is recognised.",
			Schema: &huma.Schema{Type: "string"}, Example: "2f0c9a1e-8c1d-4f9e-9f0e-3f2f9b1c7a55",
		}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json":     {Schema: &huma.Schema{}, Example: map[string]any{"ts": "2026-11-20T10:00:00.123Z", "values": map[string]any{"temp": 21.5, "ok": true, "state": "idle"}}},
			"application/x-ndjson": {Schema: &huma.Schema{Type: "string"}, Example: "{\"temp\":21.5}\n{\"temp\":21.6}\n"},
		}},
		Responses: map[string]*huma.Response{"200": {
			Description: "Everything accepted is durable",
			Content: map[string]*huma.MediaType{"application/json": {
				Schema:  description.Components.Schemas.Schema(reflect.TypeFor[ingest.Receipt](), true, "Receipt"),
				Example: map[string]any{"accepted": 1, "duplicates": 0, "rejected": []any{}, "packet_ids": []string{"p-1"}},
			}},
		}},
	}
	addProblems(description, op, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout,
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	description.AddOperation(op)
	schemas := description.Components.Schemas.Map()
	schemas["Rejection"].Examples = []any{map[string]any{
		"index": 1, "pointer": "/1/values/temp", "code": "not_a_value", "detail": "temp is an object, expected number, bool or text",
	}}
	delete(schemas, "ErrorModel") // huma's own form of an error, which reword replaces
	delete(schemas, "ErrorDetail")
}

// describeAnswers says of what we answer that it may get more members and that a list is never null. What we are asked
// stays strict, down to its innermost part: a misspelt member is refused.
func describeAnswers(description *huma.OpenAPI) {
	all := description.Components.Schemas.Map()
	asked := map[string]bool{}
	for name := range all {
		if strings.HasSuffix(name, "InBody") {
			markParts(all, name, asked)
		}
	}
	for name, schema := range all {
		if !asked[name] {
			schema.AdditionalProperties = true
		}
		for _, property := range schema.Properties {
			property.Nullable = property.Nullable && property.Type != huma.TypeArray
		}
	}
}

// markParts marks a schema and everything that it is made of.
func markParts(all map[string]*huma.Schema, name string, marked map[string]bool) {
	if all[name] == nil || marked[name] {
		return
	}
	marked[name] = true
	for _, property := range all[name].Properties {
		for _, part := range []*huma.Schema{property, property.Items} {
			if part != nil && part.Ref != "" {
				markParts(all, part.Ref[strings.LastIndexByte(part.Ref, '/')+1:], marked)
			}
		}
	}
}

// description serves the OpenAPI document, made once.
func (m *management) description() handler.Func {
	text, err := json.Marshal(m.huma.OpenAPI())
	return document("application/json", text, err)
}

func (m *management) descriptionYAML() handler.Func {
	text, err := m.huma.OpenAPI().YAML()
	return document("application/yaml", text, err)
}

func document(contentType string, text []byte, err error) handler.Func {
	return func(w http.ResponseWriter, _ *http.Request) error {
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(text) // a script that does not read its answer is no error of ours
		return nil
	}
}
