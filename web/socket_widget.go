package web

import (
	"context"
	"errors"

	"longwave/tenants/dashboard"
	"longwave/web/widget"
)

// WidgetRef names a widget of a dashboard with the values of its variables, or holds one that is not saved yet.
type WidgetRef struct {
	Dashboard string            `json:"dashboard"`
	Widget    string            `json:"widget"`
	Values    map[string]string `json:"values"`
	Draft     *draftWidget      `json:"draft"`
}

// draftWidget is a widget while it is edited, with the variables that it may name.
type draftWidget struct {
	Widget    dashboard.Widget     `json:"widget"`
	Variables []dashboard.Variable `json:"variables"`
}

// widgetTopic is what one widget hears. Everything in its frames but the number is shared with other pages.
type widgetTopic struct {
	listener *widget.Listener
}

func (b *browser) openWidget(ctx context.Context, c command) (topic, []byte, error) {
	interest, err := b.socket.options.Interest(b.visit.Tenant, c.WidgetRef)
	if err != nil {
		return nil, nil, err
	}
	listener, err := b.socket.options.Feeds.Join(ctx, b.visit.Tenant, interest, b.wake)
	if errors.Is(err, widget.ErrNobody) { // a selection may become somebody later; the page asks again then
		return nil, newFrame(c.Sub).raw("snapshot", []byte(`{"incomplete":false,"points":[]}`)).bytes(), nil
	}
	if err != nil {
		return nil, nil, err
	}
	first := newFrame(c.Sub).raw("snapshot", listener.Snapshot).bytes()
	listener.Snapshot = nil
	return &widgetTopic{listener}, first, nil
}

func (t *widgetTopic) next(number uint32) []byte {
	updates, snapshot := t.listener.Take()
	if snapshot != nil {
		return newFrame(number).raw("snapshot", snapshot).bytes()
	}
	var out []byte
	for _, update := range updates {
		if len(out) > 0 {
			out = append(out, '\n') // frames of one message stand on lines of their own
		}
		out = append(out, newFrame(number).raw("points", update).bytes()...)
	}
	return out
}

func (t *widgetTopic) close() { t.listener.Close() }

// raw adds a member that is JSON already.
func (f *frame) raw(name string, encoded []byte) *frame {
	f.member(name)
	f.buf.Write(encoded)
	return f
}
