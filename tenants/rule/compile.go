package rule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// Bounds of one expression. A tree of this size is evaluated in about a microsecond.
const (
	maxNodes = 200
	maxDepth = 32
	maxList  = 64
)

// part is a piece of an expression that has been checked.
type part struct {
	eval     term
	text     string // as it would be written
	static   kind   // what it is on every packet; missing when that depends on the packet
	constant bool
	value    value  // of a constant
	field    string // "device.site", …, when it is one of those
	slot     int32  // of a value of the packet; -1 when it is none
}

// names numbers the values of packets that expressions refer to.
type names struct {
	slots map[string]int32
	list  []string
}

func newNames() *names { return &names{slots: map[string]int32{}} }

func (n *names) slot(name string) int32 {
	if slot, ok := n.slots[name]; ok {
		return slot
	}
	slot := int32(len(n.list))
	n.slots[name] = slot
	n.list = append(n.list, name)
	return slot
}

// compiler turns the tree of one expression into terms. The first fault is kept and ends the work.
type compiler struct {
	names *names
	nodes int
	depth int
	fault *InvalidError
	uses  []part // what of the packet and the device the current conjunct refers to
}

// conjunct is one of the conditions of an expression that must all be true.
type conjunct struct {
	eval part
	node ast.Node
	uses []part
}

// compile parses and checks an expression and returns its conjuncts, in the order written; none for an empty one.
func compile(when string, n *names) ([]conjunct, error) {
	if when == "" {
		return nil, nil
	}
	if len(when) > MaxWhen {
		return nil, invalid("when", "has %d bytes, at most %d are allowed", len(when), MaxWhen)
	}
	tree, err := parser.Parse(when)
	if err != nil {
		return nil, syntaxError(err)
	}
	c := &compiler{names: n}
	var found []conjunct
	for _, node := range conjunctsOf(tree.Node, nil) {
		c.uses = nil
		p := c.part(node)
		c.demand(node, p, truth)
		found = append(found, conjunct{eval: p, node: node, uses: c.uses})
	}
	if c.fault != nil {
		return nil, c.fault
	}
	return found, nil
}

func syntaxError(err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		return &InvalidError{Field: "when", Column: at.Column + 1, Detail: at.Message}
	}
	return invalid("when", "%s", err)
}

// conjunctsOf takes apart what is joined by "and" at the top. It does not descend further than the parser did.
func conjunctsOf(n ast.Node, list []ast.Node) []ast.Node {
	if b, ok := n.(*ast.BinaryNode); ok && (b.Operator == "and" || b.Operator == "&&") && len(list) < maxNodes {
		return conjunctsOf(b.Right, conjunctsOf(b.Left, list))
	}
	return append(list, n)
}

func (c *compiler) refuse(n ast.Node, format string, args ...any) part {
	if c.fault == nil {
		c.fault = &InvalidError{Field: "when", Column: n.Location().From + 1, Detail: fmt.Sprintf(format, args...)}
	}
	return part{slot: -1}
}

// demand refuses a part that can never be what is needed.
func (c *compiler) demand(n ast.Node, p part, want kind) {
	if p.static != missing && p.static != want {
		c.refuse(n, "%.80s is %s, expected %s", p.text, p.static, want)
	}
}

func (c *compiler) part(n ast.Node) part {
	c.nodes++
	c.depth++
	defer func() { c.depth-- }()
	switch {
	case c.fault != nil:
		return part{slot: -1}
	case c.nodes > maxNodes:
		return c.refuse(n, "the expression has more than %d parts: write several rules", maxNodes)
	case c.depth > maxDepth:
		return c.refuse(n, "the expression is nested more than %d deep", maxDepth)
	}
	switch n := n.(type) {
	case *ast.IntegerNode:
		return constant(value{kind: number, num: float64(n.Value)})
	case *ast.FloatNode:
		return constant(value{kind: number, num: n.Value})
	case *ast.StringNode:
		return constant(value{kind: text, text: n.Value})
	case *ast.BoolNode:
		return constant(truthOf(n.Value))
	case *ast.IdentifierNode, *ast.MemberNode:
		return c.reference(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.call(n, callee.Value, n.Arguments)
		}
	}
	return c.refuse(n, "rules know values, comparisons, and, or, not, + - * /, in, contains, startsWith, endsWith, matches, ?? and the functions %s; nothing else",
		strings.Join(Functions(), ", "))
}

func constant(v value) part {
	p := part{static: v.kind, constant: true, value: v, slot: -1, eval: func(*frame) value { return v }}
	switch v.kind {
	case number:
		p.text = strconv.FormatFloat(v.num, 'g', -1, 64)
	case text:
		p.text = strconv.Quote(v.text)
	default:
		p.text = strconv.FormatBool(v.num != 0)
	}
	return p
}

// The roots that are not names of values, and the fields of the device.
const (
	deviceRoot   = "device"
	packetRoot   = "packet"
	valuesRoot   = "values"
	deviceID     = "device.id"
	profileField = "device.profile"
	siteField    = "device.site"
	labelsField  = "device.labels"
	kindField    = "packet.kind"
)

// reference is a value of the packet, or something of the device.
func (c *compiler) reference(n ast.Node) part {
	path := pathOf(n)
	if len(path) == 0 {
		return c.refuse(n, "want the name of a value, such as temp or values[\"a name with spaces\"]")
	}
	p := part{text: spell(path), slot: -1, static: text}
	switch {
	case path[0] == valuesRoot && len(path) == 2:
		p = c.value(path[1])
	case path[0] == deviceRoot && len(path) == 3 && path[1] == "labels":
		name := path[2]
		p.static, p.field = missing, labelsField+"."+name
		p.eval = func(f *frame) value {
			content, ok := f.from.Labels[name]
			if !ok {
				return value{}
			}
			return value{kind: text, text: content}
		}
	case path[0] == deviceRoot || path[0] == packetRoot || path[0] == valuesRoot:
		p.field = strings.Join(path, ".")
		read, ok := fields[p.field]
		if !ok {
			return c.refuse(n, "there is no %.60s: want device.id, device.profile, device.site, device.labels.NAME, packet.kind or values[\"NAME\"]", p.text)
		}
		p.eval = func(f *frame) value { return value{kind: text, text: read(f)} }
	default:
		p = c.value(strings.Join(path, "."))
	}
	c.uses = append(c.uses, p)
	return p
}

// fields are what a rule may read beside values and labels.
var fields = map[string]func(*frame) string{
	deviceID:     func(f *frame) string { return string(f.from.Device) },
	profileField: func(f *frame) string { return f.from.Profile },
	siteField:    func(f *frame) string { return f.from.Site },
	kindField:    func(f *frame) string { return f.packet.Kind.String() },
}

func (c *compiler) value(name string) part {
	slot := c.names.slot(name)
	return part{text: Spell(name), slot: slot, eval: func(f *frame) value { return f.read(slot) }}
}

// pathOf is a chain of names; empty for anything else.
func pathOf(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return []string{n.Value}
	case *ast.MemberNode:
		property, ok := n.Property.(*ast.StringNode)
		if rest := pathOf(n.Node); ok && len(rest) > 0 && len(rest) < maxDepth && !n.Optional {
			return append(rest, property.Value)
		}
	}
	return nil
}

func spell(path []string) string {
	text := path[0]
	for _, name := range path[1:] {
		if word.MatchString(name) {
			text += "." + name
		} else {
			text += "[" + strconv.Quote(name) + "]"
		}
	}
	return text
}

func (c *compiler) unary(n *ast.UnaryNode) part {
	inner := c.part(n.Node)
	switch n.Operator {
	case "not", "!":
		c.demand(n.Node, inner, truth)
		return part{eval: not(inner), text: "not (" + inner.text + ")", static: truth, slot: -1}
	case "-", "+":
		c.demand(n.Node, inner, number)
		if inner.constant && n.Operator == "-" {
			return constant(value{kind: number, num: -inner.value.num})
		}
		zero := constant(value{kind: number})
		p := part{text: n.Operator + inner.text, static: number, slot: -1}
		p.eval = both(number, zero, inner, arithmetic(n.Operator, p.text))
		return p
	}
	return c.refuse(n, "rules do not know %q", n.Operator)
}

func (c *compiler) call(n ast.Node, name string, arguments []ast.Node) part {
	if want := map[string]int{"within": 2}[name]; !slices.Contains(Functions(), name) {
		return c.refuse(n, "rules do not know the function %.40q: want one of %s", name, strings.Join(Functions(), ", "))
	} else if len(arguments) != max(want, 1) {
		return c.refuse(n, "%s takes %d arguments, not %d", name, max(want, 1), len(arguments))
	}
	first := c.part(arguments[0])
	p := part{text: name + "(" + first.text + ")", static: number, slot: -1}
	switch name {
	case "has":
		if first.constant || first.slot < 0 && first.field == "" {
			return c.refuse(arguments[0], "has() asks for one value, such as has(temp)")
		}
		p.static, p.eval = truth, func(f *frame) value { return truthOf(first.eval(f).kind != missing) }
	case "within":
		return c.within(n, first, c.part(arguments[1]))
	case "len":
		c.demand(arguments[0], first, text)
		p.eval = both(text, first, first, func(f *frame, a, _ value) value { return length(f, a) })
	default:
		c.demand(arguments[0], first, number)
		apply := rounding(name)
		p.eval = both(number, first, constant(value{kind: number}), func(_ *frame, a, _ value) value { return value{kind: number, num: apply(a.num)} })
	}
	return p
}

func (c *compiler) within(n ast.Node, site, of part) part {
	if !of.constant || of.static != text || site.static != text && site.static != missing {
		return c.refuse(n, "within() wants a site and a text, as in within(device.site, \"plant-2\")")
	}
	p := part{text: "within(" + site.text + ", " + of.text + ")", static: truth, slot: -1}
	p.eval = both(text, site, of, func(_ *frame, a, b value) value { return truthOf(within(a.text, b.text)) })
	return p
}

// Functions lists the functions that an expression may call.
func Functions() []string { return []string{"has", "within", "len", "abs", "floor", "ceil", "round"} }
