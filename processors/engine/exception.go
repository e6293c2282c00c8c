package engine

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// exception is an error of ClickHouse in ClickHouse's own words: "Code: 60. DB::Exception: … (UNKNOWN_TABLE)".
type exception string

func (e exception) Error() string { return string(e) }

// The codes that this package itself gives to a refusal, or that decide the status of an answer.
const (
	codeSyntax         = 62
	codeUnknownTable   = 60
	codeUnknownDB      = 81
	codeNotImplemented = 48
	codeUnknownSetting = 115
	codeReadonly       = 164
	codeTooLarge       = 307 // TOO_MANY_BYTES
	codeCancelled      = 394
	codeAuth           = 516
	codeTimeout        = 159
	codeTooMany        = 202 // TOO_MANY_SIMULTANEOUS_QUERIES
	codeFailure        = 1002
)

// refuse words an error of this package as ClickHouse would, so that a client reads its code in the usual place.
func refuse(code int, text string) exception {
	return exception("Code: " + strconv.Itoa(code) + ". DB::Exception: " + text)
}

// code is the ClickHouse error code, or that of an unknown failure for an error that carries none.
func (e exception) code() int {
	rest, ok := strings.CutPrefix(string(e), "Code: ")
	if !ok {
		return codeFailure
	}
	digits, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(digits)
	if err != nil || n <= 0 {
		return codeFailure
	}
	return n
}

func (e exception) status() int {
	switch e.code() {
	case codeAuth:
		return http.StatusUnauthorized
	case codeReadonly:
		return http.StatusForbidden
	case codeUnknownTable, codeUnknownDB:
		return http.StatusNotFound
	case codeSyntax, codeUnknownSetting:
		return http.StatusBadRequest
	case codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeNotImplemented:
		return http.StatusNotImplemented
	case codeTooMany:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// asException gives every error the shape of a ClickHouse exception.
func asException(err error) exception {
	var e exception
	if errors.As(err, &e) && strings.HasPrefix(string(e), "Code: ") {
		return e
	}
	return refuse(codeFailure, err.Error())
}

const exceptionMarker = "__exception__"

// frame is the block by which ClickHouse announces an error inside an answer that began as a success. The tag, also
// in a header, tells it from data that happens to look like it.
func (e exception) frame(tag string) string {
	return "\r\n" + exceptionMarker + "\r\n" + tag + "\r\n" + string(e) + "\n" +
		strconv.Itoa(len(e)) + " " + tag + "\r\n" + exceptionMarker + "\r\n"
}
