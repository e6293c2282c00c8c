package engine_test

import (
	"context"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// everyType is one row of all the column types that a telemetry product stores.
type everyType struct {
	U8    uint8             `ch:"u8"`
	U64   uint64            `ch:"u64"`
	I32   int32             `ch:"i32"`
	F32   float32           `ch:"f32"`
	F64   float64           `ch:"f64"`
	NF    *float64          `ch:"nf"`
	B     bool              `ch:"b"`
	S     string            `ch:"s"`
	FS    string            `ch:"fs"`
	LC    string            `ch:"lc"`
	LCN   *string           `ch:"lcn"`
	AS    []string          `ch:"aas"`
	AL    []string          `ch:"al"`
	AA    [][]float64       `ch:"aa"`
	M     map[string]string `ch:"m"`
	ML    map[string]uint64 `ch:"ml"`
	D     time.Time         `ch:"d"`
	DT    time.Time         `ch:"dt"`
	DTZ   time.Time         `ch:"dtz"`
	D64   time.Time         `ch:"d64"`
	D64N  time.Time         `ch:"d64n"`
	E     string            `ch:"e"`
	E16   string            `ch:"e16"`
	ID    uuid.UUID         `ch:"id"`
	Dec   decimal.Decimal   `ch:"dec"`
	IP    netip.Addr        `ch:"ip"`
	Simp  float64           `ch:"simp"`
	Tuple []any             `ch:"tup"`
}

const everyTypeDDL = `CREATE TABLE every (
	n UInt32, u8 UInt8, u64 UInt64, i32 Int32, f32 Float32, f64 Float64, nf Nullable(Float64), b Bool, s String,
	fs FixedString(4), lc LowCardinality(String), lcn LowCardinality(Nullable(String)), aas Array(String),
	al Array(LowCardinality(String)), aa Array(Array(Float64)), m Map(String, String), ml Map(LowCardinality(String), UInt64),
	d Date, dt DateTime, dtz DateTime('Europe/Berlin'), d64 DateTime64(3, 'UTC'), d64n DateTime64(9, 'UTC'),
	e Enum8('metrics'=1, 'status'=2, 'logs'=3), e16 Enum16('low'=-300, 'high'=300), id UUID, dec Decimal(18, 4), ip IPv6,
	simp SimpleAggregateFunction(max, Float64), tup Tuple(String, UInt8)
) ENGINE = MergeTree ORDER BY n`

func everyRow() everyType {
	at := time.Date(2026, 11, 20, 10, 30, 15, 123456789, time.UTC)
	x, text := 2.5, "ü\x00'\\"
	return everyType{
		U8: 255, U64: math.MaxUint64, I32: math.MinInt32, F32: 1.25, F64: math.Inf(-1), NF: &x, B: true, S: "a\x00\xff'\\\n\t", FS: "abcd",
		LC: "kPa", LCN: &text, AS: []string{"", "b"}, AL: []string{"x", "y", "x"}, AA: [][]float64{{1, 2}, {}, {3}},
		M: map[string]string{"k": "v", "": "'"}, ML: map[string]uint64{"a": 1, "b": 2},
		D: at.Truncate(24 * time.Hour), DT: at.Truncate(time.Second), DTZ: at.Truncate(time.Second), D64: at.Truncate(time.Millisecond), D64N: at,
		E: "logs", E16: "low", ID: uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff"), Dec: decimal.RequireFromString("-12345.6789"),
		IP: netip.MustParseAddr("2001:db8::1"), Simp: -0.5, Tuple: []any{"t", uint8(7)},
	}
}

func TestEveryTypeSurvives(t *testing.T) {
	w, r := open(t)
	must(t, w.Exec(t.Context(), everyTypeDDL))
	full, empty := everyRow(), everyRow()
	empty.NF, empty.LCN, empty.AS, empty.AL, empty.AA = nil, nil, []string{}, []string{}, [][]float64{}
	empty.M, empty.ML, empty.S, empty.LC = map[string]string{}, map[string]uint64{}, "", ""
	want := []everyType{full, empty, full}
	columns := "u8,u64,i32,f32,f64,nf,b,s,fs,lc,lcn,aas,al,aa,m,ml,d,dt,dtz,d64,d64n,e,e16,id,dec,ip,simp,tup"
	b, err := w.PrepareBatch(t.Context(), "INSERT INTO every ("+columns+",n)")
	must(t, err)
	for i := range want {
		v := &want[i]
		must(t, b.Append(v.U8, v.U64, v.I32, v.F32, v.F64, v.NF, v.B, v.S, v.FS, v.LC, v.LCN, v.AS, v.AL, v.AA, v.M, v.ML, v.D, v.DT, v.DTZ,
			v.D64, v.D64N, v.E, v.E16, v.ID, v.Dec, v.IP, v.Simp, v.Tuple, uint32(i)))
	}
	must(t, b.Send())
	var got []everyType
	must(t, r.Select(t.Context(), &got, "SELECT "+columns+" FROM every ORDER BY n"))
	// A plain DateTime comes back in UTC, whatever zone its column names: Native in revision 0 does not carry it.
	sameInstant := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
	if d := cmp.Diff(want, got, sameInstant, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(decimal.Decimal.Equal)); d != "" {
		t.Fatalf("what came back differs (-want +got):\n%s", d)
	}
}

func TestParameters(t *testing.T) {
	_, r := open(t)
	for _, hostile := range []string{"", "plain", "it's", `back\slash`, "tab\tline\nreturn\r", "nul\x00byte", "grüße ✓ 𝄞", "' OR 1=1 --",
		"{x:String}", `\N`, "`; DROP TABLE t", "%27", "a+b&c=d", strings.Repeat("x", 10_000)} {
		var got string
		var n uint64
		must(t, r.QueryRow(t.Context(), "SELECT {x:String}, length({x:String})", clickhouse.Named("x", hostile)).Scan(&got, &n))
		if got != hostile || n != uint64(len(hostile)) {
			t.Errorf("parameter %q came back as %q (%d bytes)", hostile, got, n)
		}
	}
	at := time.Date(2026, 11, 20, 10, 0, 0, 123_000_000, time.UTC)
	var back time.Time
	var in []string
	must(t, r.QueryRow(t.Context(), "SELECT {at:DateTime64(3,'UTC')}, {in:Array(String)}",
		clickhouse.Named("at", at), clickhouse.Named("in", []string{"it's", `\`, "b"})).Scan(&back, &in))
	if !back.Equal(at) || !cmp.Equal(in, []string{"it's", `\`, "b"}) {
		t.Errorf("got %v and %q", back, in)
	}
}

func TestParameterisedView(t *testing.T) {
	w, r := open(t)
	must(t, w.Exec(t.Context(), "CREATE TABLE r (tenant String, v Float64) ENGINE = MergeTree ORDER BY tenant"))
	must(t, w.Exec(t.Context(), "INSERT INTO r VALUES ('a', 1), ('a', 2), ('b;''x', 4)"))
	must(t, w.Exec(t.Context(), "CREATE VIEW rv AS SELECT v FROM r WHERE tenant = {tenant:String}"))
	var sum float64
	must(t, r.QueryRow(t.Context(), "SELECT sum(v) FROM rv(tenant = {tenant:String})", clickhouse.Named("tenant", "b;'x")).Scan(&sum))
	if sum != 4 {
		t.Fatalf("sum %v, want 4", sum)
	}
}

func TestSettingsReachTheQuery(t *testing.T) {
	_, r := open(t)
	ctx := clickhouse.Context(context.WithoutCancel(t.Context()), clickhouse.WithSettings(clickhouse.Settings{
		"max_threads": 3, "max_execution_time": 7, "insert_deduplication_token": `it's \ odd`, "async_insert": 1}))
	var threads, async, only, limit string
	var token string
	must(t, r.QueryRow(ctx, "SELECT toString(getSetting('max_threads')), toString(getSetting('async_insert')), toString(getSetting('readonly')), toString(getSetting('max_execution_time')), getSetting('insert_deduplication_token')").
		Scan(&threads, &async, &only, &limit, &token))
	if threads != "3" || async != "false" || only != "1" || limit != "7" || token != `it's \ odd` {
		t.Fatalf("max_threads=%s async_insert=%s readonly=%s max_execution_time=%s token=%q", threads, async, only, limit, token)
	}
	var def string
	must(t, r.QueryRow(t.Context(), "SELECT toString(getSetting('insert_deduplication_token'))").Scan(&def))
	if def != "" {
		t.Fatalf("a setting of one request was left to the next: %q", def)
	}
}

// What a power cut leaves of a merge that was not synced looks like a part whose rows are lost.
func TestTablesSyncWhatTheyWrite(t *testing.T) {
	_, r := open(t)
	for _, name := range []string{"min_rows_to_fsync_after_merge", "fsync_after_insert", "fsync_part_directory"} {
		var value string
		must(t, r.QueryRow(t.Context(), "SELECT value FROM system.merge_tree_settings WHERE name = {name:String}", clickhouse.Named("name", name)).Scan(&value))
		if value != "1" {
			t.Errorf("%s is %s", name, value)
		}
	}
}
