package live

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// instrument makes the hub's metrics. None carries a tenant: their number must not grow with the customers.
func (h *Hub) instrument() error {
	h.skipped = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "longwave_live_skipped_packets_total",
		Help: "Packets that a browser was too slow for; it was given the newest value of each series instead.",
	})
	h.undecodable = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "longwave_live_undecodable_messages_total",
		Help: "Messages of the lanes that could not be decoded and were not shown.",
	})
	if h.options.Registerer == nil {
		return nil
	}
	return errors.Join(
		h.options.Registerer.Register(h.skipped),
		h.options.Registerer.Register(h.undecodable),
		h.options.Registerer.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "longwave_live_followed_tenants",
			Help: "Tenants whose lanes are followed because somebody watches.",
		}, func() float64 { return float64(h.followed()) })),
		h.options.Registerer.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "longwave_live_subscriptions",
			Help: "Open subscriptions to the flow of a tenant.",
		}, func() float64 { return float64(h.subscriptions()) })),
	)
}

func (h *Hub) followed() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.followers)
}

func (h *Hub) subscriptions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	count := 0
	for _, f := range h.followers {
		count += f.subscribers
	}
	return count
}
