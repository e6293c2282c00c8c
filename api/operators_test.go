package api_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"longwave/api"
	"longwave/tenants"
)

func TestFiguresAreForOperators(t *testing.T) {
	local := newRig(t)
	token := newRig(t, func(o *api.Options) { o.MetricsToken = "a secret" })
	for _, c := range []struct {
		name    string
		rig     *rig
		token   string
		headers []string
		status  int
	}{
		{"this machine", local, "", nil, 200},
		{"this machine, for somebody else", local, "", []string{"X-Forwarded-For", "203.0.113.9"}, 403},
		{"this machine, for somebody who claims to be here", local, "", []string{"X-Forwarded-For", "127.0.0.1"}, 403},
		{"this machine, for nobody named", local, "", []string{"Forwarded", "for=_hidden"}, 403},
		{"this machine without the token", token, "", nil, 403},
		{"a wrong token", token, "a secres", nil, 403},
		{"an API key", token, token.ours.keys[tenants.Owner], nil, 403},
		{"the token", token, "a secret", []string{"X-Forwarded-For", "203.0.113.9"}, 200},
	} {
		got := c.rig.ask(t, "GET /metrics", c.token, "", c.headers...)
		if got.status != c.status || strings.Contains(string(got.body), "longwave_device_sockets") != (c.status == 200) {
			t.Errorf("%s: /metrics answered %d", c.name, got.status)
		}
		got = c.rig.ask(t, "GET /readyz", c.token, "", c.headers...)
		if got.status != http.StatusOK || strings.Contains(string(got.body), `"reason"`) && c.status != 200 {
			t.Errorf("%s: /readyz answered %d %s", c.name, got.status, got.body)
		}
	}
}

func TestProfilesAreForThisMachine(t *testing.T) {
	off := newRig(t, func(o *api.Options) { o.MetricsToken = "a secret" })
	on := newRig(t, func(o *api.Options) { o.MetricsToken, o.Profiling = "a secret", true })
	for _, c := range []struct {
		name    string
		rig     *rig
		route   string
		token   string
		headers []string
		status  int
	}{
		{"not switched on", off, "heap", "a secret", nil, 404},
		{"this machine with the token", on, "heap", "a secret", nil, 200},
		{"of the processor", on, "profile?seconds=1", "a secret", nil, 200},
		{"this machine without the token", on, "heap", "", nil, 403},
		{"an API key", on, "heap", on.ours.keys[tenants.Owner], nil, 403},
		{"the token from elsewhere", on, "heap", "a secret", []string{"X-Forwarded-For", "203.0.113.9"}, 403},
		{"one that does not exist", on, "passwords", "a secret", nil, 404},
	} {
		if got := c.rig.ask(t, "GET /debug/pprof/"+c.route, c.token, "", c.headers...); got.status != c.status || len(got.body) == 0 {
			t.Errorf("%s: %d, %d bytes", c.name, got.status, len(got.body))
		}
	}
}

func TestReadinessIsCheckedOnceForMany(t *testing.T) {
	var checks atomic.Int32
	r := newRig(t, func(o *api.Options) {
		o.Ready = func(context.Context) []api.Check {
			checks.Add(1)
			return []api.Check{{Name: "queues", OK: true, Reason: "nats.internal:4222"}}
		}
	})
	for range 200 {
		r.ask(t, "GET /readyz", "", "")
	}
	if n := checks.Load(); n < 1 || n > 60 {
		t.Errorf("200 questions made %d checks", n)
	}
	if got := r.ask(t, "GET /readyz", "", "", "X-Forwarded-For", "203.0.113.9"); strings.Contains(string(got.body), "internal") {
		t.Errorf("anybody is told %s", got.body)
	}
}
