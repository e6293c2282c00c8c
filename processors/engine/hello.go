package engine

import (
	"fmt"
	"strings"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// helloQuery is what clickhouse-go asks first on every connection. It reads this one answer in its own newest revision
// of the Native format, and every later one in the revision which this answer names.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// nativeRevision is the revision in which libchdb writes Native, and cannot be told otherwise. Naming it in the hello
// lets every result pass from the engine to the client untouched.
const nativeRevision uint32 = 0

// helloBlock is the answer to helloQuery, made once per child.
func helloBlock(s *session) ([]byte, error) {
	out, err := s.exec(statement{sql: "SELECT displayName(), version(), timezone()", format: "TabSeparated"})
	if err != nil {
		return nil, err
	}
	fields := strings.Split(strings.TrimSpace(string(out)), "\t")
	if len(fields) != 3 {
		return nil, fmt.Errorf("the engine says of itself %q, expected name, version and time zone", out)
	}
	block := proto.NewBlock()
	for _, c := range []struct {
		name string
		typ  column.Type
	}{{"displayName()", "String"}, {"version()", "String"}, {"revision()", "UInt32"}, {"timezone()", "String"}} {
		if err := block.AddColumn(c.name, c.typ); err != nil {
			return nil, err
		}
	}
	if err := block.Append(fields[0], fields[1], nativeRevision, fields[2]); err != nil {
		return nil, err
	}
	var buf chproto.Buffer
	if err := block.Encode(&buf, clickhouse.ClientTCPProtocolVersion); err != nil {
		return nil, err
	}
	return buf.Buf, nil
}
