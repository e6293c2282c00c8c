package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// shown asks the program's public interface.
type shown struct {
	rig      *rig
	ctx      context.Context
	patience time.Duration // with answers that say "later"
}

type point struct {
	T   time.Time `json:"t"`
	V   float64   `json:"v"`
	Min float64   `json:"min"`
	Max float64   `json:"max"`
}

func (a *shown) each(s *series, yield func(int64, float64)) error {
	body, err := a.get(s, "application/x-ndjson", "")
	if err != nil {
		return err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		var p point
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return fmt.Errorf("%q: %w", lines.Text(), err)
		}
		yield(p.T.UnixMicro(), p.V)
	}
	return lines.Err()
}

func (a *shown) summary(s *series, points int) (time.Duration, []bucket, error) {
	body, err := a.get(s, "application/json", "&max_points="+strconv.Itoa(points))
	if err != nil {
		return 0, nil, err
	}
	defer body.Close()
	var answer struct {
		Step   string
		Points []point
	}
	if err := json.NewDecoder(body).Decode(&answer); err != nil {
		return 0, nil, err
	}
	step, err := parseStep(answer.Step)
	if err != nil || step == 0 {
		return 0, nil, err
	}
	found := make([]bucket, len(answer.Points))
	for i, p := range answer.Points {
		found[i] = bucket{at: p.T.UnixMicro(), mean: p.V, low: p.Min, high: p.Max}
	}
	return step, found, nil
}

// parseStep reads "30s", "5m", "6h", "1d"; raw readings have no step.
func parseStep(text string) (time.Duration, error) {
	if text == "raw" {
		return 0, nil
	}
	if days, err := strconv.Atoi(text[:max(len(text)-1, 0)]); err == nil && text[len(text)-1] == 'd' {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}

func (a *shown) latest(s *series) (at int64, value float64, ok bool, err error) {
	body, err := a.ask(s, "application/json", "/manage/v1/devices/"+s.device.ID+"/latest")
	if err != nil {
		return 0, 0, false, err
	}
	defer body.Close()
	var answer struct{ Items []point }
	if err := json.NewDecoder(body).Decode(&answer); err != nil || len(answer.Items) == 0 {
		return 0, 0, false, err
	}
	return answer.Items[0].T.UnixMicro(), answer.Items[0].V, true, nil
}

// get asks for readings of the whole series and some time before it: nobody may have sent anything there.
func (a *shown) get(s *series, accept, more string) (io.ReadCloser, error) {
	from := time.UnixMicro(s.first).Add(-24 * time.Hour).UTC().Format(time.RFC3339)
	return a.ask(s, accept, fmt.Sprintf("/manage/v1/readings?device=%s&metric=n&from=%s%s", s.device.ID, url.QueryEscape(from), more))
}

// comeAgainFor is how long an answer that says "later" is believed by who has patience.
const comeAgainFor = time.Minute

// ask does what the program tells whoever asks at a bad moment: it comes again.
func (a *shown) ask(s *series, accept, path string) (body io.ReadCloser, err error) {
	for until := time.Now().Add(a.patience); ; wait(a.ctx, time.Second) {
		body, later, err := a.askOnce(s, accept, path)
		if !later || time.Now().After(until) {
			return body, err
		}
	}
}

func (a *shown) askOnce(s *series, accept, path string) (body io.ReadCloser, later bool, err error) {
	request, err := http.NewRequestWithContext(a.ctx, http.MethodGet, a.rig.base()+path, nil)
	if err != nil {
		return nil, false, err
	}
	request.Header.Set("Authorization", "Bearer "+s.device.Key)
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, false, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, false, nil
	}
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	later = response.StatusCode == http.StatusServiceUnavailable || response.StatusCode == http.StatusTooManyRequests
	return nil, later, fmt.Errorf("%s: status %d: %s", path, response.StatusCode, text)
}
