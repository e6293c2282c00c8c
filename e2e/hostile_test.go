package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// numbered repeats a text with the numbers from 0.
func numbered(form string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, form, i)
	}
	return b.String()
}

// TestHostileInput drives one program with what no device should send, and ends with a look at what it left behind.
func TestHostileInput(t *testing.T) {
	i := setup(t)
	p := start(t, i.data, "--device-packets", "0", "--tenant-packets", "0", "--log-level", "debug")
	p.call(http.MethodGet, "/manage/v1/devices", i.Key, "")
	goroutines := p.gauge("go_goroutines")
	t.Run("JSON", func(t *testing.T) { hostileJSON(t, p, i) })
	t.Run("transport", func(t *testing.T) { hostileTransport(t, p, i) })
	t.Run("pipeline", func(t *testing.T) { hostilePipeline(t, p, i) })
	t.Run("socket", func(t *testing.T) { hostileSocket(t, p, i) })
	t.Run("questions", func(t *testing.T) { hostileQuestions(t, p, i) })
	t.Run("pages", func(t *testing.T) { hostilePages(t, p) })
	t.Run("storms", func(t *testing.T) { hostileStorms(t, p, i) })
	t.Run("end", func(t *testing.T) { hostileEnd(t, p, i, goroutines) })
}

// latest is everything a device has stored, as metric → value in JSON.
func (p *program) latest(i installation, d device) (map[string]string, error) {
	status, body := p.call(http.MethodGet, "/manage/v1/devices/"+d.ID+"/latest", i.Key, "")
	var answer struct {
		Items []struct {
			Metric string
			V      json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("latest: %d %s (%w)", status, body, err)
	}
	shown := map[string]string{}
	for _, item := range answer.Items {
		shown[item.Metric] = canonical(item.V)
	}
	return shown, nil
}

// canonical is a JSON value in one spelling.
func canonical(raw json.RawMessage) string {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return "unreadable " + string(raw)
	}
	return fmt.Sprintf("%T %v", v, v)
}

func hostileJSON(t *testing.T, p *program, i installation) {
	bad := p.register(i, "refused")
	for _, c := range refused() {
		status, body := p.call(http.MethodPost, "/ingest/v1/packets", bad.Token, c.body)
		var problem struct {
			Errors []struct{ Code, Detail string }
		}
		if err := json.Unmarshal(body, &problem); err != nil || status != http.StatusBadRequest || len(problem.Errors) == 0 || problem.Errors[0].Code != c.code {
			t.Errorf("%q: want 400 %s, answered %d %.300s", c.name, c.code, status, body)
		}
	}
	good := map[string]device{}
	for n, c := range accepted() {
		d := p.register(i, fmt.Sprintf("case-%d", n))
		if status, body := p.call(http.MethodPost, "/ingest/v1/packets", d.Token, c.body); status != http.StatusOK {
			t.Errorf("%q: answered %d %s", c.name, status, body)
			continue
		}
		good[c.name] = d
	}
	for _, c := range accepted() {
		want := map[string]string{}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(c.shows), &members); err != nil {
			t.Fatal(c.name, err)
		}
		for name, v := range members {
			want[name] = canonical(v)
		}
		d, ok := good[c.name]
		if !ok {
			continue
		}
		eventually(t, 5*time.Second, c.name, func() error { return p.shows(i, d, want) })
	}
	if shown, err := p.latest(i, bad); err != nil || len(shown) != 0 {
		t.Errorf("of what was refused this is stored: %v (%v)", shown, err)
	}
}

// shows compares what is stored of a device, and that every number can be asked for by its name, however odd.
func (p *program) shows(i installation, d device, want map[string]string) error {
	shown, err := p.latest(i, d)
	if err != nil {
		return err
	}
	if fmt.Sprint(shown) != fmt.Sprint(want) { // maps are printed in order
		return fmt.Errorf("shown %v, want %v", shown, want)
	}
	for metric, value := range want {
		number, ok := strings.CutPrefix(value, "float64 ")
		if !ok {
			continue
		}
		lines, err := p.readings(i, d, url.QueryEscape(metric))
		if err != nil || len(lines) != 1 || !strings.HasSuffix(lines[0], " "+number) {
			return fmt.Errorf("readings of %q: %v (%w), want one of %s", metric, lines, err, number)
		}
	}
	return nil
}
