package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
)

// The people of the matrix, from the one who may least: somebody who is not signed in, somebody who is and is no member,
// the three roles, and an operator who is no member.
const (
	anyone   = "anyone"
	person   = "person"
	viewer   = "viewer"
	editor   = "editor"
	owner    = "owner"
	operator = "operator"
	unmanned = "unmanned" // a paired screen, which is none of the people
)

// matrix says who may at least use each route. It is written down by hand, a second time beside routes.go, so that a route
// with the wrong permission shows, and so does a new one that nobody thought about.
func matrix() map[string]string {
	return map[string]string{
		"GET /t/{tenant}/rules":                            viewer,
		"GET /t/{tenant}/rules/{rule}":                     viewer,
		"POST /t/{tenant}/rules/{rule}":                    editor,
		"POST /t/{tenant}/rules/{rule}/try":                viewer,
		"GET /t/{tenant}/rules/{rule}/history":             viewer,
		"POST /t/{tenant}/rules/{rule}/restore":            editor,
		"POST /t/{tenant}/rules/{rule}/move":               editor,
		"POST /t/{tenant}/rules/{rule}/disable":            editor,
		"GET /t/{tenant}/rules/{rule}/delete":              editor,
		"POST /t/{tenant}/rules/{rule}/delete":             editor,
		"GET /t/{tenant}/export":                           viewer,
		"GET /t/{tenant}/export/file":                      viewer,
		"GET /t/{tenant}/dashboards":                       viewer,
		"POST /t/{tenant}/dashboards":                      editor,
		"POST /t/{tenant}/dashboards/import":               editor,
		"GET /t/{tenant}/dashboards/names":                 viewer,
		"POST /t/{tenant}/dashboards/pin":                  editor,
		"POST /t/{tenant}/dashboards/pictures":             editor,
		"GET /t/{tenant}/dashboards/pictures/{picture}":    viewer,
		"POST /t/{tenant}/dashboards/draft":                viewer,
		"GET /t/{tenant}/dashboards/{dashboard}":           viewer,
		"POST /t/{tenant}/dashboards/{dashboard}":          editor,
		"GET /t/{tenant}/dashboards/{dashboard}/data":      viewer,
		"GET /t/{tenant}/dashboards/{dashboard}/matches":   viewer,
		"GET /t/{tenant}/dashboards/{dashboard}/export":    viewer,
		"GET /t/{tenant}/dashboards/{dashboard}/versions":  viewer,
		"POST /t/{tenant}/dashboards/{dashboard}/restore":  editor,
		"POST /t/{tenant}/dashboards/{dashboard}/rename":   editor,
		"POST /t/{tenant}/dashboards/{dashboard}/delete":   editor,
		"POST /t/{tenant}/dashboards/{dashboard}/undelete": editor,
		"GET /wall":                                                             anyone,
		"POST /wall/code":                                                       anyone,
		"GET /wall/wait":                                                        anyone,
		"GET /wall/live":                                                        unmanned,
		"GET /wall/data":                                                        unmanned,
		"GET /t/{tenant}/walls":                                                 viewer,
		"POST /t/{tenant}/walls":                                                editor,
		"GET /t/{tenant}/walls/{wall}":                                          editor,
		"POST /t/{tenant}/walls/{wall}":                                         editor,
		"POST /t/{tenant}/walls/{wall}/ask":                                     editor,
		"GET /t/{tenant}/walls/{wall}/revoke":                                   editor,
		"POST /t/{tenant}/walls/{wall}/revoke":                                  editor,
		"GET /alert-links/{token}":                                              anyone,
		"POST /alert-links/{token}":                                             anyone,
		"GET /t/{tenant}/alerts":                                                viewer,
		"POST /t/{tenant}/alerts/acknowledge":                                   editor,
		"GET /t/{tenant}/alerts/{alert}":                                        viewer,
		"POST /t/{tenant}/alerts/{alert}/act":                                   editor,
		"GET /t/{tenant}/alert-rules":                                           viewer,
		"GET /t/{tenant}/alert-rules/{rule}":                                    viewer,
		"POST /t/{tenant}/alert-rules/{rule}":                                   editor,
		"POST /t/{tenant}/alert-rules/{rule}/try":                               viewer,
		"POST /t/{tenant}/alert-rules/{rule}/past":                              editor,
		"GET /t/{tenant}/alert-rules/{rule}/history":                            viewer,
		"POST /t/{tenant}/alert-rules/{rule}/restore":                           editor,
		"POST /t/{tenant}/alert-rules/{rule}/pause":                             editor,
		"POST /t/{tenant}/alert-rules/{rule}/delete":                            editor,
		"POST /t/{tenant}/alert-rules/{rule}/revive":                            editor,
		"GET /t/{tenant}/silences":                                              viewer,
		"POST /t/{tenant}/silences":                                             editor,
		"GET /t/{tenant}/silences/new":                                          editor,
		"POST /t/{tenant}/silences/{silence}/end":                               editor,
		"GET /t/{tenant}/rejected":                                              viewer,
		"GET /t/{tenant}/rejected/redrive":                                      editor,
		"POST /t/{tenant}/rejected/redrive":                                     editor,
		"GET /t/{tenant}/rejected/dismiss":                                      editor,
		"POST /t/{tenant}/rejected/dismiss":                                     editor,
		"GET /t/{tenant}/replays":                                               viewer,
		"POST /t/{tenant}/replays":                                              editor,
		"GET /t/{tenant}/replays/{replay}":                                      viewer,
		"POST /t/{tenant}/replays/{replay}/cancel":                              editor,
		"GET /t/{tenant}/destinations":                                          viewer,
		"POST /t/{tenant}/destinations":                                         editor,
		"GET /t/{tenant}/destinations/new":                                      editor,
		"GET /t/{tenant}/destinations/{destination}":                            viewer,
		"GET /t/{tenant}/destinations/{destination}/edit":                       editor,
		"POST /t/{tenant}/destinations/{destination}/change":                    editor,
		"POST /t/{tenant}/destinations/{destination}/switch":                    editor,
		"POST /t/{tenant}/destinations/{destination}/test":                      editor,
		"POST /t/{tenant}/destinations/{destination}/secret":                    editor,
		"POST /t/{tenant}/destinations/{destination}/redrive":                   editor,
		"POST /t/{tenant}/destinations/{destination}/attempts/{attempt}/resend": editor,
		"GET /t/{tenant}/destinations/{destination}/delete":                     editor,
		"POST /t/{tenant}/destinations/{destination}/delete":                    editor,
		"GET /":                                                              anyone,
		"GET /account":                                                       person,
		"POST /account/link/{provider}":                                      person,
		"POST /account/sessions/end":                                         person,
		"POST /account/sessions/{session}/end":                               person,
		"POST /account/unlink":                                               person,
		"GET /first-run":                                                     anyone,
		"POST /first-run":                                                    anyone,
		"GET /join":                                                          anyone,
		"POST /join":                                                         anyone,
		"GET /sign-in":                                                       anyone,
		"POST /sign-in":                                                      anyone,
		"GET /sign-in/again":                                                 anyone,
		"GET /sign-in/at/{place}":                                            anyone,
		"GET /sign-in/callback/{provider}":                                   anyone,
		"POST /sign-in/ended/{provider}":                                     anyone,
		"GET /sign-in/with/{provider}":                                       anyone,
		"POST /sign-out":                                                     anyone,
		"GET /system":                                                        operator,
		"GET /system/audit":                                                  operator,
		"GET /system/audit.csv":                                              operator,
		"GET /system/audit.ndjson":                                           operator,
		"GET /system/providers":                                              operator,
		"GET /system/providers/new":                                          operator,
		"GET /system/providers/{provider}":                                   operator,
		"POST /system/providers/{provider}":                                  operator,
		"GET /system/providers/{provider}/remove":                            operator,
		"POST /system/providers/{provider}/remove":                           operator,
		"GET /system/tenants":                                                operator,
		"POST /system/tenants":                                               operator,
		"GET /system/tenants/{tenant}":                                       operator,
		"GET /system/tenants/{tenant}/delete":                                operator,
		"POST /system/tenants/{tenant}/delete":                               operator,
		"GET /system/keys":                                                   operator,
		"POST /system/keys":                                                  operator,
		"GET /system/keys/{key}/revoke":                                      operator,
		"POST /system/keys/{key}/revoke":                                     operator,
		"GET /system/operators":                                              operator,
		"POST /system/operators":                                             operator,
		"POST /system/operators/{person}/revoke":                             operator,
		"GET /t/{tenant}/usage":                                              viewer,
		"POST /t/{tenant}/usage/consent":                                     owner,
		"POST /t/{tenant}/support/{person}/end":                              owner,
		"POST /system/tenants/{tenant}/rename":                               operator,
		"POST /system/tenants/{tenant}/suspend":                              operator,
		"POST /system/tenants/{tenant}/resume":                               operator,
		"POST /system/tenants/{tenant}/limits":                               operator,
		"POST /system/tenants/{tenant}/owner":                                operator,
		"POST /system/tenants/{tenant}/support":                              operator,
		"POST /system/tenants/{tenant}/support/end":                          operator,
		"GET /t/{tenant}":                                                    viewer,
		"GET /t/{tenant}/audit":                                              editor,
		"GET /t/{tenant}/audit.csv":                                          editor,
		"GET /t/{tenant}/audit.ndjson":                                       editor,
		"POST /t/{tenant}/demo":                                              editor,
		"POST /t/{tenant}/demo/delete":                                       owner,
		"GET /t/{tenant}/devices":                                            viewer,
		"POST /t/{tenant}/devices":                                           editor,
		"GET /t/{tenant}/devices.csv":                                        viewer,
		"GET /t/{tenant}/devices/delete":                                     owner,
		"POST /t/{tenant}/devices/delete":                                    owner,
		"GET /t/{tenant}/devices/register":                                   editor,
		"POST /t/{tenant}/devices/switch":                                    editor,
		"GET /t/{tenant}/devices/{device}":                                   viewer,
		"POST /t/{tenant}/devices/{device}/change":                           editor,
		"GET /t/{tenant}/devices/{device}/connect":                           viewer,
		"POST /t/{tenant}/devices/{device}/disable":                          editor,
		"POST /t/{tenant}/devices/{device}/enable":                           editor,
		"GET /t/{tenant}/devices/{device}/rotate":                            editor,
		"POST /t/{tenant}/devices/{device}/rotate":                           editor,
		"GET /t/{tenant}/devices/{device}/series":                            viewer,
		"POST /t/{tenant}/devices/{device}/units":                            editor,
		"GET /t/{tenant}/keys":                                               owner,
		"POST /t/{tenant}/keys":                                              owner,
		"GET /t/{tenant}/keys/{key}/revoke":                                  owner,
		"POST /t/{tenant}/keys/{key}/revoke":                                 owner,
		"POST /system/tenants/{tenant}/passwords":                            operator,
		"GET /t/{tenant}/trust":                                              owner,
		"POST /t/{tenant}/trust":                                             owner,
		"GET /t/{tenant}/trust/{trust}/remove":                               owner,
		"POST /t/{tenant}/trust/{trust}/remove":                              owner,
		"POST /t/{tenant}/devices/{device}/certificates":                     editor,
		"POST /t/{tenant}/devices/{device}/certificates/{thumbprint}/remove": editor,
		"GET /t/{tenant}/live":                                               viewer,
		"GET /t/{tenant}/members":                                            viewer,
		"POST /t/{tenant}/members/invites":                                   owner,
		"POST /t/{tenant}/members/invites/{invite}/revoke":                   owner,
		"GET /t/{tenant}/members/{person}/remove":                            viewer,
		"POST /t/{tenant}/members/{person}/remove":                           viewer,
		"POST /t/{tenant}/members/{person}/role":                             owner,
		"GET /t/{tenant}/members/{person}/transfer":                          owner,
		"POST /t/{tenant}/members/{person}/transfer":                         owner,
		"GET /t/{tenant}/providers":                                          owner,
		"GET /t/{tenant}/audit/as-it-was":                                    editor,
		"GET /recover":                                                       anyone,
		"POST /recover":                                                      anyone,
		"POST /account/password":                                             person,
		"POST /t/{tenant}/members/{person}/recover":                          owner,
		"POST /system/operators/recover":                                     operator,
		"GET /system/audit/as-it-was":                                        operator,
		"GET /t/{tenant}/providers/new":                                      owner,
		"POST /t/{tenant}/providers/passwords":                               owner,
		"GET /t/{tenant}/providers/{provider}":                               owner,
		"POST /t/{tenant}/providers/{provider}":                              owner,
		"POST /t/{tenant}/providers/{provider}/switch":                       owner,
		"POST /system/providers/{provider}/switch":                           operator,
		"GET /t/{tenant}/providers/{provider}/remove":                        owner,
		"POST /t/{tenant}/providers/{provider}/remove":                       owner,
	}
}

// everybody is a browser of each person of the matrix.
func (s *site) everybody() map[string]*visitor {
	s.t.Helper()
	s.owner()
	who := map[string]*visitor{anyone: s.visitor()}
	provider, err := s.tenants.SetProvider(s.t.Context(), tenants.Actor{}, tenants.NewProvider{
		ID: id.New[id.Provider](), Name: "All", Issuer: "https://login.example.com", ClientID: "x", Rows: []tenants.RoleRow{
			{Claim: "role", Value: viewer, Role: tenants.Viewer, Tenant: s.claimed.Tenant.ID}, {Claim: "role", Value: editor, Role: tenants.Editor, Tenant: s.claimed.Tenant.ID},
			{Claim: "role", Value: owner, Role: tenants.Owner, Tenant: s.claimed.Tenant.ID}, {Claim: "role", Value: person, Role: tenants.Owner, Tenant: s.another()},
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range []string{person, viewer, editor, owner} {
		arrival := tenants.Arrival{Provider: provider.ID, Issuer: provider.Issuer, Subject: name, Claims: map[string]any{"role": name}}
		made, _, err := s.tenants.Arrive(s.t.Context(), arrival)
		if err != nil {
			s.t.Fatal(err)
		}
		who[name] = s.signedIn(made.ID)
	}
	who[operator] = s.signedIn(s.claimed.Person.ID)
	ada := tenants.Actor{Person: s.claimed.Person.ID}
	if err := s.tenants.RemoveMember(s.t.Context(), ada, s.claimed.Tenant.ID, s.claimed.Person.ID); err != nil {
		s.t.Fatal(err)
	}
	return who
}

// another is a second tenant of the operator.
func (s *site) another() id.Tenant {
	s.t.Helper()
	made, err := s.tenants.CreateTenant(s.t.Context(), tenants.Actor{Person: s.claimed.Person.ID}, "South plant")
	if err != nil {
		s.t.Fatal(err)
	}
	return made.ID
}

func (s *site) signedIn(p id.Person) *visitor {
	s.t.Helper()
	token, err := s.sessions.Create(s.t.Context(), p, session.Meta{Proved: s.now()})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.withSession(token)
}

// may says whether somebody is let through a route that needs at least a role.
func may(who, least string) bool {
	ladder := []string{anyone, person, viewer, editor, owner}
	switch {
	case least == unmanned:
		return false
	case least == operator:
		return who == operator
	case who == operator: // being one opens no tenant
		return least == anyone || least == person
	}
	return slices.Index(ladder, who) >= slices.Index(ladder, least)
}

// TestRouteMatrix asks every route as everybody. Who may not is told to sign in, that there is no such tenant, or that the
// role does not allow it; who may is told anything else, mostly that the thing in the address does not exist.
func TestRouteMatrix(t *testing.T) {
	s := start(t)
	who := s.everybody()
	table := matrix()
	everyRoute(t, func(method, pattern string) {
		route := method + " " + pattern
		least, ok := table[route]
		delete(table, route)
		if !ok {
			t.Errorf("who may use %s? write it into the matrix", route)
			return
		}
		if route == "POST /sign-out" || strings.HasSuffix(pattern, "/live") || pattern == "/wall/wait" {
			return // it would end who asks, or stay open; all have tests of their own
		}
		for name, b := range who {
			got := b.do(method, fill(pattern, string(s.claimed.Tenant.ID), "d-0000000000000000"), url.Values{}, nil)
			if let := passed(got, pattern, name); let != may(name, least) {
				t.Errorf("%s answers %d to %s, who may: %v", route, got.status, name, may(name, least))
			}
		}
	})
	for route := range table {
		t.Errorf("%s is in the matrix and not a route any more", route)
	}
}

// passed says whether an answer came from behind the door.
func passed(a answer, pattern, who string) bool {
	if strings.HasPrefix(pattern, "/t/{tenant}") && (who == person || who == operator) {
		return a.status != http.StatusNotFound // nothing else may tell that there is such a tenant
	}
	switch {
	case a.status == http.StatusForbidden:
		return !strings.Contains(a.page.text("main"), "Your role does not allow this")
	case a.status == http.StatusUnauthorized:
		text := a.page.text("main")
		return !strings.Contains(text, "Your session has ended") && !strings.Contains(text, "revoked it")
	}
	return !strings.HasPrefix(a.header.Get("Location"), "/sign-in?next=")
}
