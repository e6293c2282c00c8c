package series

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReadKeepsTheOrderOfTime(t *testing.T) {
	text := "timestamp,value\n2014-07-01 00:00:00,1.5\n2014-07-01 00:05:00,2\n2014-07-01 00:05:00,3\n2014-07-01 00:10:00,-4\n"
	points, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2014, 7, 1, 0, 0, 0, 0, time.UTC)
	want := []Point{{start, 1.5}, {start.Add(5 * time.Minute), 2}, {start.Add(10 * time.Minute), -4}}
	if !slices.Equal(points, want) {
		t.Fatalf("got %v, want %v", points, want)
	}
}

func TestReadNamesTheLine(t *testing.T) {
	for _, line := range []string{"yesterday,1", "2014-07-01 00:05:00,warm", "2014-07-01 00:05:00,NaN", "2014-07-01 00:05:00,1,2"} {
		_, err := Read(strings.NewReader("timestamp,value\n2014-07-01 00:00:00,1\n" + line + "\n"))
		if !errors.Is(err, ErrCSV) || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%q: got %v, want ErrCSV at line 3", line, err)
		}
	}
	if _, err := Read(strings.NewReader("")); !errors.Is(err, ErrCSV) {
		t.Errorf("empty file: got %v", err)
	}
}

func TestPackAndUnpack(t *testing.T) {
	values := []float64{73.97, 74.94, -3, 0, 1e6, 0.01}
	packed, err := Pack(values, 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Unpack(packed)
	if err != nil || !slices.Equal(got, values) {
		t.Fatalf("got %v, %v, want %v", got, err, values)
	}
	if _, err := Pack(values, 9); err == nil {
		t.Error("nine decimals were packed")
	}
}

func FuzzUnpack(f *testing.F) {
	packed, _ := Pack([]float64{1, 2.5, -3}, 1)
	f.Add(packed)
	f.Add(packed[:len(packed)-2])
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := Unpack(data)
		if err != nil && (!errors.Is(err, ErrPacked) || values != nil) {
			t.Fatalf("got %v with %v", values, err)
		}
	})
}
