package rule

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"longwave/tenants/id"
)

// bits is a set of rules, by their position.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

func (b bits) set(i int)   { b[i/64] |= 1 << (i % 64) }
func (b bits) clear(i int) { b[i/64] &^= 1 << (i % 64) }

func (b bits) add(other bits) {
	for i := range other {
		b[i] |= other[i]
	}
}

// index finds the rules that can match, so that a thousand rules for a thousand devices cost a packet about as much as one.
// Every rule is in exactly one place: under what it demands of the device, else under the value that it needs first, else
// in always. Who is not found could not have matched and could not have failed either.
type index struct {
	always   bits
	byDevice map[id.Device]bits
	byField  map[string]map[string]bits // field, its content
	bySite   map[string]bits
	byValue  []bits // by slot; nil where no rule stands under it
}

func indexOf(s *Set) index {
	x := index{always: newBits(len(s.rules)), byDevice: map[id.Device]bits{}, byField: map[string]map[string]bits{},
		bySite: map[string]bits{}, byValue: make([]bits, len(s.names.list))}
	for i := range s.rules {
		if !x.underSender(s, i) && !x.underValue(s, i) {
			x.always.set(i)
		}
	}
	return x
}

// underSender files a rule by the first thing that it demands the device to be.
func (x *index) underSender(s *Set, i int) bool {
	for _, c := range s.rules[i].sender {
		field, wanted := c.uses[0].field, wantedOf(c.node)
		for _, content := range wanted {
			switch field {
			case deviceID:
				enter(x.byDevice, id.Device(content), i, len(s.rules))
			case siteField:
				enter(x.bySite, content, i, len(s.rules))
			default:
				if x.byField[field] == nil {
					x.byField[field] = map[string]bits{}
				}
				enter(x.byField[field], content, i, len(s.rules))
			}
		}
		if len(wanted) > 0 {
			return true
		}
	}
	return false
}

// underValue files a rule that first compares a value with something written down: without that value it is unknown.
func (x *index) underValue(s *Set, i int) bool {
	conditions := s.rules[i].packet
	for len(conditions) > 0 && conditions[0].aboutKind() {
		conditions = conditions[1:] // it cannot fail: what is left decides
	}
	if len(s.rules[i].sender) > 0 || len(conditions) == 0 || len(conditions[0].uses) != 1 {
		return false
	}
	first := conditions[0]
	n, ok := first.node.(*ast.BinaryNode)
	if !ok || first.uses[0].slot < 0 || n.Operator == "??" || !plain(n.Left) || !plain(n.Right) {
		return false
	}
	slot := first.uses[0].slot
	if x.byValue[slot] == nil {
		x.byValue[slot] = newBits(len(s.rules))
	}
	x.byValue[slot].set(i)
	return true
}

// plain is a reference, a constant, or a list of these.
func plain(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode, *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode, *ast.ArrayNode:
		return true
	case *ast.UnaryNode:
		return (n.Operator == "-" || n.Operator == "+") && plain(n.Node)
	default:
		return len(pathOf(n)) > 0
	}
}

func enter[K comparable](under map[K]bits, key K, i, rules int) {
	if under[key] == nil {
		under[key] = newBits(rules)
	}
	under[key].set(i)
}

// wantedOf is the contents of which a device must have one; none when the conjunct is not of that form.
func wantedOf(n ast.Node) (wanted []string) {
	switch n := n.(type) {
	case *ast.CallNode:
		return texts(n.Arguments[1:])
	case *ast.BinaryNode:
		switch n.Operator {
		case "==":
			return append(texts([]ast.Node{n.Left}), texts([]ast.Node{n.Right})...)
		case "in":
			if list := n.Right.(*ast.ArrayNode); len(texts(list.Nodes)) == len(list.Nodes) { // the compiler let no other through
				return texts(list.Nodes)
			}
		}
	}
	return nil
}

func texts(nodes []ast.Node) (found []string) {
	for _, n := range nodes {
		if s, ok := n.(*ast.StringNode); ok {
			found = append(found, s.Value)
		}
	}
	return found
}

// of collects the rules that a packet of this sender may match, those that need a value excepted.
func (x *index) of(from *Sender, into bits) {
	copy(into, x.always)
	into.add(x.byDevice[from.Device])
	if len(x.byField) > 0 {
		into.add(x.byField[profileField][from.Profile])
		for name, content := range from.Labels {
			into.add(x.byField[labelsField+"."+name][content])
		}
	}
	if len(x.bySite) == 0 {
		return
	}
	into.add(x.bySite[from.Site])
	for end := strings.LastIndexByte(from.Site, '/'); end >= 0; end = strings.LastIndexByte(from.Site[:end], '/') {
		into.add(x.bySite[from.Site[:end]])
	}
}
