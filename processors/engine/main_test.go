package engine_test

import (
	"os"
	"testing"

	"longwave/processors/engine/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }
