package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// ErrDamaged says that data on the disk is not what was written: a checksum does not match, or a file is missing or
// too short. It comes together with ErrUnavailable from a question that met it; no wrong value is ever answered.
var ErrDamaged = errors.New("stored data is damaged")

// damage lists the ClickHouse codes that speak of damaged files.
var damage = map[int32]bool{
	33:  true, // CANNOT_READ_ALL_DATA
	40:  true, // CHECKSUM_DOESNT_MATCH
	226: true, // NO_FILE_IN_DATA_PART
	228: true, // BAD_SIZE_OF_FILE_IN_DATA_PART
	246: true, // CORRUPTED_DATA
	271: true, // CANNOT_DECOMPRESS
}

// Damage is a part of a table that ClickHouse cannot use.
type Damage struct {
	Table, Part, Reason string
}

// A part that cannot be read when its table is loaded is set aside without a word, and its rows are missing from then on.
// The runs of rollups alone may lose rows in a power cut: they are not synced, since a run that is lost is done again.
const selectSetAside = `SELECT table, name, reason FROM %s
WHERE database = currentDatabase() AND table NOT LIKE 'rollup_runs%%' AND (reason LIKE 'broken%%' OR reason LIKE 'covered-by-broken%%' OR reason = 'unexpected' OR reason = 'noquorum')
ORDER BY table, name`

// SetAside lists the parts that ClickHouse found damaged when it loaded them and put aside: rows that were acknowledged
// are missing from answers. It is cheap enough for a health check. It returns ErrUnavailable.
func (s *Store) SetAside(ctx context.Context) ([]Damage, error) {
	return s.damages(ctx, fmt.Sprintf(selectSetAside, s.cluster.system("detached_parts")), func(scan func(...any) error) (Damage, bool, error) {
		var d Damage
		err := scan(&d.Table, &d.Part, &d.Reason)
		return d, true, err
	})
}

// CheckParts reads every byte of every table, compares it with its checksum, and lists the parts where it differs,
// those that were set aside included; on a cluster, of the server that answers. It takes as long as reading the whole disk once. It returns ErrUnavailable.
func (s *Store) CheckParts(ctx context.Context) ([]Damage, error) {
	all, err := s.SetAside(ctx)
	if err != nil {
		return nil, err
	}
	for _, table := range []string{"readings", "events", "latest", "touched", "rollup_1m", "rollup_1h", "rollup_1d"} {
		found, err := s.damages(ctx, "CHECK TABLE "+s.cluster.local(table), func(scan func(...any) error) (Damage, bool, error) {
			d := Damage{Table: table}
			var passed uint8
			err := scan(&d.Part, &passed, &d.Reason)
			return d, passed == 0, err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(all) > 0 {
		s.metrics.damage.Add(float64(len(all)))
	}
	return all, nil
}

func (s *Store) damages(ctx context.Context, statement string, read func(scan func(...any) error) (Damage, bool, error)) ([]Damage, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	settings := clickhouse.Settings{"check_query_single_value_result": 0, "max_execution_time": int(verifyTimeout.Seconds())}
	rows, err := s.write.Query(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), statement)
	if err != nil {
		return nil, fmt.Errorf("store: damage: %w: %w", ErrUnavailable, err)
	}
	defer func() { _ = rows.Close() }()
	var all []Damage
	for rows.Next() {
		d, is, err := read(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("store: damage: %w", err)
		}
		if is {
			all = append(all, d)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: damage: %w: %w", ErrUnavailable, err)
	}
	return all, nil
}

// Undamaged returns ErrDamaged, naming the first of them, when parts were set aside; ErrUnavailable when it cannot tell.
func (s *Store) Undamaged(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := s.usable(); err != nil {
		return err
	}
	all, err := s.SetAside(ctx)
	if err != nil {
		return err
	}
	if len(all) > 0 {
		return fmt.Errorf("store: %w: %d parts were set aside, the first is %s of %s (%s)", ErrDamaged, len(all), all[0].Part, all[0].Table, all[0].Reason)
	}
	return nil
}
