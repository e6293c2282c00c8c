package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
)

// inside is everything that somebody has open in a tenant: the socket of a device, the socket of a page, a session, a key.
type inside struct {
	device, page         *websocket.Conn
	session, key, tenant string
	id                   id.Tenant
	member               id.Person
	keyID                id.Key
}

// enter opens everything with a member who is no operator, in a tenant that stays with its owner.
func enter(t *testing.T, r *running) inside {
	t.Helper()
	tenant, actor := r.claim(t), tenants.Actor{Person: r.operator(t)}
	_, secret, err := r.tenants.Invite(t.Context(), actor, tenant, tenants.NewInvite{For: "Bo", Role: tenants.Editor})
	if err != nil {
		t.Fatal(err)
	}
	bo, err := r.tenants.SignUp(t.Context(), actor, secret, tenants.NewAccount{Email: "bo@example.org", Password: "correct horse battery staple"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.tenants.Join(t.Context(), tenants.Actor{Person: bo.ID}, secret); err != nil {
		t.Fatal(err)
	}
	key, keySecret, err := r.tenants.CreateKey(t.Context(), actor, tenant, tenants.NewKey{Name: "script", Role: tenants.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := r.tenants.CreateDevice(t.Context(), actor, tenant, tenants.NewDevice{Name: "pump-7"})
	if err != nil {
		t.Fatal(err)
	}
	in := inside{id: tenant, tenant: "/t/" + string(tenant), member: bo.ID, key: keySecret, keyID: key.ID}
	if in.session, err = r.sessions.Create(t.Context(), bo.ID, session.Meta{}); err != nil {
		t.Fatal(err)
	}
	in.device = r.dial(t, "/ingest/v1/ws", http.Header{"Authorization": {"Bearer " + token}})
	in.page = r.dial(t, in.tenant+"/live", http.Header{"Cookie": {"longwave=" + in.session}, "Origin": {r.base}})
	if _, _, err := in.page.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	return in
}

func (r *running) dial(t *testing.T, path string, header http.Header) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(r.base, "http", "ws", 1)+path, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// ends waits until the server ends a socket and returns when that was, and with what.
func ends(t *testing.T, conn *websocket.Conn) (time.Time, websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return time.Now(), websocket.CloseStatus(err)
		}
	}
}

// page asks for the tenant's page with the session.
func (r *running) page(t *testing.T, in inside) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+in.tenant, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Cookie", "longwave="+in.session)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// Whoever lost access is out: pages and keys with the next request, sockets within a second. The seconds are logged and not
// tested: a busy machine has slower ones, and the pace of the looks is tested where they are made.
func TestWhoLostAccessIsOut(t *testing.T) {
	for name, c := range map[string]struct {
		take         func(*running, inside) error
		session, key int
		page, device websocket.StatusCode // 0: it stays
	}{
		"suspended": {func(r *running, in inside) error {
			return r.tenants.SuspendTenant(t.Context(), tenants.Actor{}, in.id, "unpaid")
		}, http.StatusForbidden, http.StatusForbidden, 4401, 4403},
		"member removed": {func(r *running, in inside) error {
			return r.tenants.RemoveMember(t.Context(), tenants.Actor{}, in.id, in.member)
		}, http.StatusNotFound, http.StatusOK, 4401, 0},
		"key revoked": {func(r *running, in inside) error {
			return r.tenants.RevokeKey(t.Context(), tenants.Actor{}, in.id, in.keyID)
		}, http.StatusOK, http.StatusUnauthorized, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := startPlatform(t)
			in := enter(t, r)
			if got := r.page(t, in); got != http.StatusOK {
				t.Fatalf("before, the page answers %d", got)
			}
			if err := c.take(r, in); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if got := r.page(t, in); got != c.session {
				t.Errorf("the next page answers %d, want %d", got, c.session)
			}
			if got, _ := r.request(t, http.MethodGet, "/manage/v1/devices", in.key, ""); got != c.key {
				t.Errorf("the next request with the key answers %d, want %d", got, c.key)
			}
			t.Logf("pages and keys: %s", time.Since(began))
			for what, socket := range map[string]struct {
				conn *websocket.Conn
				code websocket.StatusCode
			}{"page": {in.page, c.page}, "device": {in.device, c.device}} {
				if socket.code == 0 {
					continue
				}
				at, code := ends(t, socket.conn)
				t.Logf("socket of the %s: %s", what, at.Sub(began))
				if code != socket.code {
					t.Errorf("the socket of the %s ends with %d, want %d", what, code, socket.code)
				}
			}
		})
	}
}
