package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

var (
	// ErrRefused says that ClickHouse will never take this data: do not retry it as it is.
	ErrRefused = errors.New("the data was refused by ClickHouse")
	// ErrUnavailable says that ClickHouse did not answer, or cannot at the moment.
	ErrUnavailable = errors.New("ClickHouse does not answer")
	// ErrTooHeavy says that a question needs more time or memory than one question may have: ask for less.
	ErrTooHeavy = errors.New("the question needs too much time or memory")
	// ErrBusy says that the tenant has as many questions under way as it may.
	ErrBusy = errors.New("too many questions at once")
	// ErrInvalid says that a question makes no sense, a range that is too long to count in buckets say.
	ErrInvalid = errors.New("not a valid question")
	// ErrNotErased says that rows of an erased device were there again: something still writes them. Erase again.
	ErrNotErased = errors.New("rows were written during the erasure")
)

// atFault lists the ClickHouse codes that speak of the data itself. Anything else may be different at the next try,
// and an unknown code must not throw data away.
var atFault = map[int32]bool{
	6:   true, // CANNOT_PARSE_TEXT
	25:  true, // CANNOT_PARSE_ESCAPE_SEQUENCE
	26:  true, // CANNOT_PARSE_QUOTED_STRING
	27:  true, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
	38:  true, // CANNOT_PARSE_DATE
	41:  true, // CANNOT_PARSE_DATETIME
	53:  true, // TYPE_MISMATCH
	69:  true, // ARGUMENT_OUT_OF_BOUND
	70:  true, // CANNOT_CONVERT_TYPE
	72:  true, // CANNOT_PARSE_NUMBER
	117: true, // INCORRECT_DATA
	128: true, // TOO_LARGE_ARRAY_SIZE
	131: true, // TOO_LARGE_STRING_SIZE
	321: true, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
	349: true, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
	407: true, // DECIMAL_OVERFLOW
	469: true, // VIOLATED_CONSTRAINT
}

// overBounds lists the codes by which ClickHouse ends a query that exceeds its limits.
var overBounds = map[int32]bool{
	158: true, // TOO_MANY_ROWS
	159: true, // TIMEOUT_EXCEEDED
	160: true, // TOO_SLOW
	241: true, // MEMORY_LIMIT_EXCEEDED
	307: true, // TOO_MANY_BYTES
	396: true, // TOO_MANY_ROWS_OR_BYTES
}

// insertError gives the error of an insert its class.
func insertError(err error) error {
	var exception *clickhouse.Exception
	var converter *column.ColumnConverterError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exception) && atFault[exception.Code], errors.As(err, &converter):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// readError gives the error of a question its class. The end of the caller's context stays what it is.
func readError(ctx context.Context, err error) error {
	var exception *clickhouse.Exception
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.As(err, &exception) && overBounds[exception.Code], errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrTooHeavy, err)
	case errors.As(err, &exception) && damage[exception.Code]:
		return fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrDamaged, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
