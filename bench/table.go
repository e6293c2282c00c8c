package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// table is a table of the report, with a sentence or two about it.
type table struct {
	title   string
	columns []string
	rows    [][]string
	note    string
}

func render(tables []table) string {
	var b strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&b, "\n### %s\n\n| %s |\n|%s\n", t.title, strings.Join(t.columns, " | "), strings.Repeat("---|", len(t.columns)))
		for _, row := range t.rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
		if t.note != "" {
			fmt.Fprintf(&b, "\n%s\n", t.note)
		}
	}
	return b.String()
}

// What the tables are for.
const (
	document = "docs/performance.md"
	sizing   = "docs/sizing.md"
)

// publish replaces a marked block of a document.
func publish(document, block, text string) error {
	old, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	begin, end := "<!-- bench "+block+" -->\n", "<!-- /bench "+block+" -->"
	before, rest, found := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return errors.New(document + " has lost the marks around its tables: " + strings.TrimSpace(begin))
	}
	return os.WriteFile(document, []byte(before+begin+text+end+after), 0o644)
}

// about says when, where and of what the tables are, and how busy the machine was with other work: what is measured on a
// busy machine is good for ratios only.
func about(s *settings, began time.Time, other float64) string {
	commit, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	text := fmt.Sprintf("%s, commit %s: %d cores of %s, %d GB of memory, %s, `go run ./bench %s`, %s in all.\n",
		began.UTC().Format("2006-01-02 15:04 UTC"), strings.TrimSpace(string(commit)), runtime.NumCPU(), processor(), memory()>>30, runtime.Version(),
		strings.Join(os.Args[1:], " "), time.Since(began).Round(time.Second))
	if other > quiet {
		text += fmt.Sprintf("**The machine was busy with other work (%.1f of its cores on average): read the ratios, not the figures.**\n", other)
	}
	if s.quick {
		text += "**Measured with -quick: shows that the bench works, and nothing more.**\n"
	}
	return text
}

// quiet is how many cores others may use without being mentioned.
const quiet = 0.15

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(text), "model name")
	name, _, _ := strings.Cut(strings.TrimLeft(rest, "\t :"), "\n")
	return name
}

func memory() (bytes int64) {
	text, _ := os.ReadFile("/proc/meminfo")
	fmt.Sscanf(string(text), "MemTotal: %d kB", &bytes)
	return bytes << 10
}

func quantiles(o outcome) string {
	ms := func(q float64) float64 { return float64(o.quantile(q).Microseconds()) / 1000 }
	return fmt.Sprintf("%.1f / %.1f / %.1f", ms(0.5), ms(0.99), ms(0.999))
}

func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return count(int64(v + 0.5))
}

// count writes a whole number so that its thousands can be told apart.
func count[N int | int64](n N) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func megabytes(bytes int64) string { return fmt.Sprint(bytes >> 20) }
