package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rooms is the table of DESIGN.md as data: package → which of ours it may import, and why no more. A package that is
// not listed may not exist. Tests of a package may import what they need to run the real thing.
var rooms = map[string]struct {
	imports string
	reason  string
}{
	"longwave":                                 {"*", "wires everything together"},
	"longwave/tenants/id":                      {"", "everybody speaks of ids, so ids know nobody"},
	"longwave/ingest/telemetry":                {"tenants/id", "pure words of the data plane; no I/O of any kind"},
	"longwave/ingest/telemetry/freshness":      {"", "what live, late and silent mean, for everybody; no clock, no I/O"},
	"longwave/ingest/atomicbatch":              {"", "a protocol between a client and JetStream; knows neither our streams nor what is in them"},
	"longwave/ingest/provision":                {"", "compares streams with what is wanted; whose they are is said by who wants them"},
	"longwave/ingest":                          {"tenants/id tenants/rule ingest/telemetry ingest/atomicbatch ingest/provision", "accepts packets without knowing who manages tenants, and never sees ClickHouse or HTTP"},
	"longwave/ingest/natsd":                    {"", "a broker in the process; nothing in it knows what is sent"},
	"longwave/ingest/natsd/natstest":           {"ingest/natsd", "the broker for everybody's tests"},
	"longwave/vitals":                          {"", "judges facts that others gather; no I/O and no clock"},
	"longwave/ingest/simulate":                 {"tenants/id ingest/telemetry ingest/simulate/internal/series", "a client of the public endpoints"},
	"longwave/ingest/simulate/internal/series": {"", "the compact form of recorded series"},
	"longwave/ingest/simulate/internal/pack":   {"ingest/simulate/internal/series", "turns recordings into that form; run by go generate"},
	"longwave/tenants/rule":                    {"tenants/id ingest/telemetry", "decides about packets from what it is given; no clock, no I/O"},
	"longwave/tenants/alertrule/unpack":        {"", "reads bytes; what they mean does not concern it"},
	"longwave/tenants/alertrule":               {"tenants/id tenants/alertrule/unpack tenants/alertrule/unusual ingest/telemetry ingest/telemetry/freshness", "when an alert rule fires; the same live and over the past, so no clock and no I/O"},
	"longwave/tenants/alertrule/unusual":       {"ingest/telemetry", "arithmetic on one series; knows neither rules nor tenants"},
	"longwave/tenants":                         {"tenants/id tenants/rule tenants/alertrule tenants/dashboard tenants/seal ingest/telemetry", "the control plane sees neither HTTP, ClickHouse nor ingest"},
	"longwave/tenants/picture":                 {"tenants/id", "pictures are kept as this program draws them; who may see one is decided elsewhere"},
	"longwave/tenants/dashboard":               {"tenants/id", "what a dashboard is; draws nothing and reads nothing"},
	"longwave/tenants/seal":                    {"tenants/id", "seals secrets for a place without knowing what they are for"},
	"longwave/tenants/session":                 {"tenants/id", "who is signed in, and nothing about what they may do"},
	"longwave/processors":                      {"tenants/id ingest/telemetry processors/mark processors/retry processors/store", "consumes lanes; who owns a tenant does not concern it"},
	"longwave/processors/alert":                {"tenants/id tenants/alertrule tenants/alertrule/unpack ingest/telemetry ingest/atomicbatch ingest/provision processors/retry", "runs rules over lanes and keeps their log; who manages rules and devices it asks through an interface of its own"},
	"longwave/processors/alert/notify":         {"tenants/id tenants/alertrule tenants/seal processors/alert processors/forward", "from the log of alerts to the queues of destinations; who manages rules and silences it asks through an interface of its own"},
	"longwave/processors/alert/trial":          {"tenants/id tenants/alertrule ingest/telemetry processors/alert processors/alert/notify", "the evaluator over what is stored, which it reads through an interface of its own"},
	"longwave/processors/forward":              {"tenants/id ingest/telemetry ingest/atomicbatch ingest/provision processors/mark processors/retry processors/forward/reach", "from lanes to queues to destinations; who manages destinations it asks through an interface of its own"},
	"longwave/processors/forward/reach":        {"processors/forward/outbound", "one attempt to reach a destination; knows no queue"},
	"longwave/processors/forward/outbound":     {"", "which addresses may be connected to; knows nobody"},
	"longwave/processors/retry":                {"", "how long to wait before trying again; knows nobody who does"},
	"longwave/processors/mark":                 {"ingest/telemetry", "how far a consumer of a lane has got, whatever it does with packets"},
	"longwave/processors/rollup":               {"processors/retry", "a loop around one function of the store"},
	"longwave/processors/replay":               {"tenants tenants/id tenants/rule ingest ingest/telemetry processors/forward processors/retry processors/store", "does again what ingest and processors did, in the name of people whom the control log knows"},
	"longwave/processors/erase":                {"tenants/id ingest/telemetry processors/retry", "a loop around small functions it is given"},
	"longwave/processors/store":                {"tenants/id ingest/telemetry migrations", "every ClickHouse statement, and never NATS or HTTP"},
	"longwave/processors/engine":               {"", "runs a database that it does not know the tables of"},
	"longwave/processors/engine/enginetest":    {"processors/engine", "the engine for everybody's tests"},
	"longwave/migrations":                      {"", "numbered SQL files and how to apply them"},
	"longwave/web/handler":                     {"tenants ingest ingest/telemetry processors/forward processors/replay processors/alert processors/alert/trial", "needs their errors for the one table from error to status"},
	"longwave/web/widget":                      {"tenants tenants/id tenants/dashboard ingest/telemetry ingest/telemetry/freshness processors/alert web/live", "what a widget shows, to whoever may see it; knows neither pages nor sockets"},
	"longwave/web/live":                        {"tenants/id ingest/telemetry", "fans out to subscribers without knowing what a browser is"},
	"longwave/web":                             {"processors/alert/notify tenants tenants/id tenants/dashboard tenants/picture ingest/telemetry/freshness tenants/rule tenants/session tenants/seal web/oidc processors/forward processors/forward/reach ingest/telemetry processors/replay web/handler web/live web/widget web/export views static tenants/alertrule tenants/alertrule/unusual processors/alert processors/alert/trial", "pages; reads through small interfaces of its own, so neither ClickHouse nor NATS"},
	"longwave/api":                             {"api/proof web/oidc tenants tenants/id tenants/dashboard tenants/rule processors/forward processors/forward/reach processors/replay ingest ingest/telemetry web/handler web/export tenants/alertrule processors/alert processors/alert/trial", "JSON in and out; never renders a page"},
	"longwave/web/export":                      {"tenants tenants/id tenants/dashboard ingest/telemetry web/handler", "how readings leave as files, for pages and for scripts; who may ask is decided before"},
	"longwave/api/proof":                       {"tenants tenants/id processors/forward/outbound", "what devices show instead of a token of ours; knows certificates and JWTs, and neither requests nor answers"},
	"longwave/web/oidc":                        {"processors/forward/outbound", "the protocol between us and identity providers; who may do what is decided elsewhere"},
	"longwave/views":                           {"", "receives finished strings"},
	"longwave/static":                          {"", "files"},
	"longwave/bench":                           {"*", "measures the program from outside"},
	"longwave/soak":                            {"*", "breaks the program from outside and compares what it shows with what was sent"},
	"longwave/soak/sim":                        {"tenants/id ingest/telemetry", "the life of a packet as state machines; what travels and what a fact is are the real ones"},
	"longwave/docs/thirdparty":                 {"", "reads licences"},
	"longwave/e2e":                             {"", "drives the program from outside"},
}

type listed struct {
	ImportPath, Dir string
	Imports         []string
	GoFiles         []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		seen[p.ImportPath] = true
		room, ok := rooms[p.ImportPath]
		if !ok {
			t.Errorf("%s is not in the table of rooms: say what it owns, what it may import and why", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, "longwave/")
			if isOurs && room.imports != "*" && !strings.Contains(" "+room.imports+" ", " "+ours+" ") {
				t.Errorf("%s imports %s, but may not: %s", p.ImportPath, imported, room.reason)
			}
		}
	}
	for name := range rooms {
		if !seen[name] && !strings.HasSuffix(name, "/e2e") {
			t.Errorf("%s is in the table of rooms but does not exist", name)
		}
	}
}

// TestForeignImports keeps the big third parties in the rooms that own them.
func TestForeignImports(t *testing.T) {
	owners := map[string]string{
		"github.com/ClickHouse/clickhouse-go/v2": "longwave longwave/processors/store longwave/processors/engine longwave/processors/engine/enginetest longwave/migrations longwave/bench",
		"github.com/nats-io/nats-server/v2":      "longwave/ingest/natsd",
		"github.com/go-chi/chi/v5":               "longwave longwave/api longwave/web longwave/web/handler",
		"github.com/expr-lang/expr":              "longwave/tenants/rule",
		"github.com/a-h/templ":                   "longwave/views longwave/web",
		"testing":                                "longwave/ingest/natsd/natstest longwave/processors/engine/enginetest",
	}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			for prefix, allowed := range owners {
				inside := imported == prefix || strings.HasPrefix(imported, prefix+"/")
				if inside && !strings.Contains(" "+allowed+" ", " "+p.ImportPath+" ") {
					t.Errorf("%s imports %s, which belongs to %s", p.ImportPath, imported, allowed)
				}
			}
		}
	}
}

func TestPackageDocs(t *testing.T) {
	for _, p := range packages(t) {
		docs := 0
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if file.Doc != nil && len(strings.Fields(file.Doc.Text())) >= 10 {
				docs++
			}
		}
		if docs != 1 && len(p.GoFiles) > 0 {
			t.Errorf("%s has %d package docs; exactly one file says what the package owns and promises", p.ImportPath, docs)
		}
	}
}
