package handler

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddress is the caller's IP address as text: the connection's own. When the connection comes from a trusted
// proxy it is the newest address in X-Forwarded-For that is not a trusted proxy's; older entries are whatever the
// caller wrote there. "unknown" when there is no address, as on a Unix socket.
func (a *Adapter) ClientAddress(r *http.Request) string {
	address := peer(r)
	if len(a.proxies) > 0 && a.trusted(address) {
		address = a.forwarded(r, address)
	}
	if !address.IsValid() {
		return "unknown"
	}
	return address.String()
}

// forwarded walks X-Forwarded-For from its newest entry; it stops at the first that a trusted proxy did not vouch for.
func (a *Adapter) forwarded(r *http.Request, address netip.Addr) netip.Addr {
	entries := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(entries) - 1; i >= 0; i-- {
		entry, err := netip.ParseAddr(strings.TrimSpace(entries[i]))
		if err != nil {
			return address // garbage: the last address that we know to be true
		}
		address = entry.Unmap()
		if !a.trusted(address) {
			return address
		}
	}
	return address
}

func (a *Adapter) trusted(address netip.Addr) bool {
	for _, prefix := range a.proxies {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// peer is the address at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap().WithZone("")
}
