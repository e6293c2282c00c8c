package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

// delivery is one request that a webhook got.
type delivery struct {
	head http.Header
	body string
}

// genuine checks a signature as a receiver does that knows nothing of us but Standard Webhooks.
func (d delivery) genuine(secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", d.head.Get("webhook-id"), d.head.Get("webhook-timestamp"), d.body)
	return d.head.Get("webhook-signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// TestForwardedPacketReachesWebhook makes a webhook over the API, tests it, and puts a packet into a lane as a routing rule
// does: it is stored and delivered, signed.
func TestForwardedPacketReachesWebhook(t *testing.T) {
	got := make(chan delivery, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.RawQuery == "token=zmxncb" {
			got <- delivery{r.Header, string(body)}
		}
	}))
	defer hook.Close()
	r := startPlatform(t, func(c *config) { c.AllowDestinations = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	tenant := r.claim(t)
	actor := tenants.Actor{System: "test"}
	device, _, err := r.tenants.CreateDevice(t.Context(), actor, tenant, tenants.NewDevice{Name: "pump-7"})
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := r.tenants.CreateKey(t.Context(), actor, tenant, tenants.NewKey{Name: "script", Role: tenants.Editor})
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		ID     id.Destination
		Secret string
	}
	status, text := r.request(t, http.MethodPost, "/manage/v1/destinations", key, `{"name":"Ops","kind":"webhook","url":"`+hook.URL+`/ops?token=zmxncb"}`)
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != http.StatusCreated || strings.Contains(text, "zmxncb") {
		t.Fatalf("%d %s", status, text)
	}
	status, text = r.request(t, http.MethodPost, "/manage/v1/destinations/"+string(made.ID)+"/test", key, "")
	if status != http.StatusOK || !strings.Contains(text, `"delivered":true`) {
		t.Fatalf("%d %s", status, text)
	}
	if test := <-got; !test.genuine(made.Secret) || !strings.Contains(test.body, "longwave.test") {
		t.Errorf("the test came as %+v", test)
	}
	now := telemetry.At(time.Now())
	batch := telemetry.AppendBatch(nil, &telemetry.Batch{Device: device.ID, Received: now, RetainDays: 30, Destinations: []id.Destination{made.ID},
		Packets: []telemetry.Packet{{ID: "one", Time: now, Forward: 1, Values: []telemetry.Value{{Name: "temp", Num: 21.5}}}}})
	if _, err := r.js.Publish(t.Context(), telemetry.LaneSubject(telemetry.Standard, tenant), batch); err != nil {
		t.Fatal(err)
	}
	select {
	case packet := <-got:
		if !packet.genuine(made.Secret) || !strings.Contains(packet.body, `"text":"pump-7: temp 21.5"`) {
			t.Errorf("the packet came as %+v", packet)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("the packet did not come")
	}
	r.eventually(t, "the destination is well and the packet is stored", func() error {
		_, state := r.request(t, http.MethodGet, "/manage/v1/destinations/"+string(made.ID), key, "")
		_, latest := r.request(t, http.MethodGet, "/manage/v1/devices/"+string(device.ID)+"/latest", key, "")
		if !strings.Contains(state, `"condition":"ok"`) || !strings.Contains(latest, "21.5") {
			return fmt.Errorf("%s %s", state, latest)
		}
		return nil
	})
}
